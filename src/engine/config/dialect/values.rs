//! Values: strings, numbers, truths, dates, arrays.

use heka_plugin::Value;

use super::scanner::Scanner;
use super::tree::Refusal;
use super::{MAX_DEPTH, strings};

/// Reads a value that may follow blanks. `depth` is how many arrays it lies in.
pub(super) fn value(scanner: &mut Scanner<'_>, depth: usize) -> Result<Value, Refusal> {
    while matches!(scanner.peek(), ' ' | '\t') {
        scanner.next();
    }
    let start = scanner.position();
    match scanner.next() {
        '[' if depth >= MAX_DEPTH => Err(Refusal::of_structure("Arrays are nested too deeply.")),
        '[' => array(scanner, depth),
        '"' => basic_string(scanner),
        '\'' => raw_string(scanner),
        't' => truth(scanner, "true").map(|()| Value::Bool(true)),
        'f' => truth(scanner, "false").map(|()| Value::Bool(false)),
        '-' => negative(scanner, start),
        '0'..='9' => number_or_date(scanner, start),
        '.' => Err(scanner.refusal("Floats must start with a digit, not '.'.")),
        other => Err(scanner.refusal_at(other, "Expected value but found '{}' instead.")),
    }
}

fn array(scanner: &mut Scanner<'_>, depth: usize) -> Result<Value, Refusal> {
    let mut values = Vec::new();
    loop {
        match scanner.next() {
            ' ' | '\t' | '\n' | '\r' => {}
            '#' => scanner.skip_comment(),
            ',' => return Err(scanner.refusal("Unexpected array value terminator ','.")),
            ']' => break,
            _ => {
                scanner.back();
                values.push(value(scanner, depth + 1)?);
                if is_array_end(scanner)? {
                    break;
                }
            }
        }
    }
    for other in values.iter().skip(1).map(type_name) {
        let first = values.first().map_or("", type_name);
        if other != first {
            return Err(Refusal::of_structure(format!(
                "Array contains values of type '{first}' and '{other}', but arrays must be homogeneous."
            )));
        }
    }
    Ok(Value::Array(values))
}

/// After a value: whether the array ends rather than goes on.
fn is_array_end(scanner: &mut Scanner<'_>) -> Result<bool, Refusal> {
    loop {
        match scanner.next() {
            ' ' | '\t' | '\n' | '\r' => {}
            '#' => scanner.skip_comment(),
            ',' => return Ok(false),
            ']' => return Ok(true),
            other => {
                let text = "Expected an array value terminator ',' or an array terminator ']', but got '{}' instead.";
                return Err(scanner.refusal_at(other, text));
            }
        }
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "String",
        Value::Integer(_) => "Integer",
        Value::Float(_) => "Float",
        Value::Bool(_) => "Bool",
        Value::Datetime(_) => "Datetime",
        Value::Array(_) => "Array",
        Value::Table(_) => "Hash",
    }
}

fn basic_string(scanner: &mut Scanner<'_>) -> Result<Value, Refusal> {
    let start = scanner.position();
    loop {
        match scanner.next() {
            '\n' | '\r' => return Err(scanner.refusal("Strings cannot contain new lines.")),
            '\\' => escape(scanner)?,
            '"' => {
                scanner.back();
                let text = scanner.since(start);
                scanner.next();
                return unescaped(text, scanner);
            }
            '\0' if scanner.at_end() => return Err(scanner.refusal("Unexpected EOF.")),
            _ => {}
        }
    }
}

fn escape(scanner: &mut Scanner<'_>) -> Result<(), Refusal> {
    match scanner.next() {
        'b' | 't' | 'n' | 'f' | 'r' | '"' | '/' | '\\' => Ok(()),
        'u' => {
            let start = scanner.position();
            for _ in 0..4 {
                if !scanner.next().is_ascii_hexdigit() {
                    let found = scanner.since(start);
                    return Err(scanner.refusal(&format!(
                        "Expected four hexadecimal digits after '\\u', but got '{found}' instead."
                    )));
                }
            }
            Ok(())
        }
        other => Err(scanner.refusal_at(
            other,
            "Invalid escape character '{}'. Only the following escape characters are allowed: \
             \\b, \\t, \\n, \\f, \\r, \\\", \\/, \\\\, and \\uXXXX.",
        )),
    }
}

fn raw_string(scanner: &mut Scanner<'_>) -> Result<Value, Refusal> {
    let start = scanner.position();
    let mut before = '\0';
    loop {
        match scanner.next() {
            '\'' if before != '\\' => {
                scanner.back();
                let text = scanner.since(start);
                scanner.next();
                return unescaped(text, scanner);
            }
            '\0' if scanner.at_end() => return Err(scanner.refusal("Unexpected EOF.")),
            other => before = other,
        }
    }
}

fn unescaped(text: &str, scanner: &Scanner<'_>) -> Result<Value, Refusal> {
    strings::unescape(text).map(Value::String).map_err(|digits| Refusal {
        text: format!("Expected four hexadecimal digits after '\\u', but got '{digits}' instead."),
        line: Some(scanner.line()),
        is_final: true,
    })
}

/// The rest of `true` or `false`, whose first letter was read.
fn truth(scanner: &mut Scanner<'_>, word: &str) -> Result<(), Refusal> {
    for (index, letter) in word.char_indices().skip(1) {
        let found = scanner.next();
        if found != letter {
            let (read, wanted) = (word.get(..index), word.get(..=index));
            let text = format!(
                "Expected '{}', but found '{}{{}}' instead.",
                wanted.unwrap_or_default(),
                read.unwrap_or_default()
            );
            return Err(scanner.refusal_at(found, &text));
        }
    }
    Ok(())
}

fn skip_digits(scanner: &mut Scanner<'_>) {
    while scanner.peek().is_ascii_digit() {
        scanner.next();
    }
}

fn negative(scanner: &mut Scanner<'_>, start: usize) -> Result<Value, Refusal> {
    match scanner.next() {
        '0'..='9' => skip_digits(scanner),
        '.' => return Err(scanner.refusal("Floats must start with a digit, not '.'.")),
        other => return Err(scanner.refusal_at(other, "Expected a digit but got '{}'.")),
    }
    number(scanner, start)
}

/// A number whose integer part was read.
fn number(scanner: &mut Scanner<'_>, start: usize) -> Result<Value, Refusal> {
    if scanner.peek() == '.' {
        scanner.next();
        let digit = scanner.next();
        if !digit.is_ascii_digit() {
            let text = "Floats must have a digit after the '.', but got '{}' instead.";
            return Err(scanner.refusal_at(digit, text));
        }
        skip_digits(scanner);
        let digits = scanner.since(start);
        let number = digits.parse().ok().filter(|number: &f64| number.is_finite());
        return number.map(Value::Float).ok_or_else(|| {
            Refusal::of_structure(format!(
                "Float '{digits}' is out of the range of 64-bit IEEE-754 floating-point numbers."
            ))
        });
    }
    let digits = scanner.since(start);
    digits.parse().map(Value::Integer).map_err(|_| {
        Refusal::of_structure(format!("Integer '{digits}' is out of the range of 64-bit signed integers."))
    })
}

fn number_or_date(scanner: &mut Scanner<'_>, start: usize) -> Result<Value, Refusal> {
    skip_digits(scanner);
    if scanner.peek() != '-' {
        return number(scanner, start);
    }
    scanner.next();
    if scanner.position() - start != "YYYY-".len() {
        return Err(scanner.refusal("All ISO8601 dates must be in full Zulu form."));
    }
    for wanted in "00-00T00:00:00Z".chars() {
        let found = scanner.next();
        if wanted == '0' && !found.is_ascii_digit() {
            return Err(
                scanner.refusal_at(found, "Expected digit in ISO8601 datetime, but found '{}' instead.")
            );
        }
        if wanted != '0' && wanted != found {
            let text = format!("Expected '{wanted}' in ISO8601 datetime, but found '{{}}' instead.");
            return Err(scanner.refusal_at(found, &text));
        }
    }
    let date = scanner.since(start);
    if date.parse::<jiff::Timestamp>().is_err() {
        return Err(Refusal::of_structure(format!("Expected Zulu formatted DateTime, but got '{date}'.")));
    }
    Ok(Value::Datetime(date.into()))
}
