//! Escapes that stand for one character.

use super::RegexError;

/// Reads the escape at the front of `text`, which begins with a backslash: the character's code, which
/// may be a surrogate, and the length of the escape.
pub(super) fn character(text: &str) -> Result<(u32, usize), RegexError> {
    let mut rest = text[1..].chars();
    let Some(first) = rest.next() else {
        return Err(RegexError::new("trailing backslash at end of expression", ""));
    };
    let code = match first {
        // A single digit would be a back reference.
        '1'..='7' if !rest.as_str().starts_with(|next| matches!(next, '0'..='7')) => None,
        '0'..='7' => {
            let mut code = first.to_digit(8).unwrap_or(0);
            for _ in 0..2 {
                let Some(digit) = rest.clone().next().and_then(|next| next.to_digit(8)) else { break };
                code = code * 8 + digit;
                rest.next();
            }
            Some(code)
        }
        'x' => hexadecimal(&mut rest),
        'a' => Some(0x07),
        'f' => Some(0x0c),
        'n' => Some(0x0a),
        'r' => Some(0x0d),
        't' => Some(0x09),
        'v' => Some(0x0b),
        other if other.is_ascii() && !other.is_ascii_alphanumeric() => Some(u32::from(other)),
        _ => None,
    };
    let length = text.len() - rest.as_str().len();
    match code {
        Some(code) => Ok((code, length)),
        None => Err(RegexError::new("invalid escape sequence", &text[..length])),
    }
}

/// `\xFF` or `\x{10FFFF}`, read up to the first character that cannot be part of it.
fn hexadecimal(rest: &mut std::str::Chars<'_>) -> Option<u32> {
    let first = rest.next()?;
    if first != '{' {
        let second = rest.next();
        return Some(first.to_digit(16)? * 16 + second?.to_digit(16)?);
    }
    let mut code = None;
    loop {
        let next = rest.next()?;
        if next == '}' {
            return code;
        }
        let longer = code.unwrap_or(0) * 16 + next.to_digit(16)?;
        if longer > u32::from(char::MAX) {
            return None;
        }
        code = Some(longer);
    }
}
