//! Escapes in strings.

/// Replaces the escapes of a string's text, first the short ones, then `\uXXXX` in the result: so `\\u0041` is `A`. Other
/// backslashes stay.
///
/// # Errors
/// The four characters after a `\u` that are no character's number.
pub(super) fn unescape(text: &str) -> Result<String, String> {
    if !text.contains('\\') {
        return Ok(text.into());
    }
    replace_unicode(&replace_short(text))
}

fn replace_short(text: &str) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let escaped = match characters.peek() {
            Some('b') => '\u{8}',
            Some('t') => '\t',
            Some('n') => '\n',
            Some('f') => '\u{c}',
            Some('r') => '\r',
            Some(&same @ ('"' | '/' | '\\')) => same,
            _ => '\0',
        };
        if character == '\\' && escaped != '\0' {
            characters.next();
            replaced.push(escaped);
        } else {
            replaced.push(character);
        }
    }
    replaced
}

/// A character that `\uXXXX` stands for is looked at again: it may be the backslash of a further escape.
fn replace_unicode(text: &str) -> Result<String, String> {
    let mut rest: Vec<char> = text.chars().rev().collect();
    let mut replaced = String::with_capacity(text.len());
    while let Some(character) = rest.pop() {
        if character != '\\' || rest.last() != Some(&'u') {
            replaced.push(character);
            continue;
        }
        rest.pop();
        let digits: String = (0..4).map_while(|_| rest.pop()).collect();
        let is_hexadecimal = digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u32::from_str_radix(&digits, 16).ok().filter(|_| is_hexadecimal);
        rest.push(number.and_then(char::from_u32).ok_or(digits)?);
    }
    Ok(replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(unescape(text).unwrap(), expected);
    }

    #[test]
    fn short_escapes_are_replaced_and_others_stay() {
        check(r#"\b\t\n\f\r\"\/\\"#, "\u{8}\t\n\u{c}\r\"/\\");
        check(r"\d+\.\[\S\'", r"\d+\.\[\S\'");
        check(r"\\d", r"\d");
        check(r"\\\d", r"\\d");
        check(r"end\", r"end\");
    }

    #[test]
    fn unicode_escapes_are_replaced_afterwards() {
        check(r"\u0041\u00e9", "A\u{e9}");
        check(r"\\u0041", "A");
        check(r"\u005cu0042", "B");
    }

    #[test]
    fn a_malformed_unicode_escape_is_refused() {
        assert_eq!(unescape(r"\uZZZZ").unwrap_err(), "ZZZZ");
        assert_eq!(unescape(r"a\u12").unwrap_err(), "12");
        assert_eq!(unescape(r"\ud800").unwrap_err(), "d800");
        assert_eq!(unescape(r"\u+123").unwrap_err(), "+123");
    }
}
