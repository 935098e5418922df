//! Percent-encoding in URLs and bodies, read as Go's `net/url` reads it.

use bstr::BString;

/// Undoes `%XX`, and `+` for a blank if `plus`. `None`: a `%` without two hexadecimal digits.
pub(crate) fn unescape(text: &[u8], plus: bool) -> Option<BString> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'%' => {
                let (digits, after) = rest.split_at_checked(2)?;
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let value = digit(digits[0])? * 16 + digit(digits[1])?;
                out.push(u8::try_from(value).ok()?);
                rest = after;
            }
            b'+' if plus => out.push(b' '),
            other => out.push(*other),
        }
    }
    Some(out.into())
}

/// The pairs of a query; those of one key together, keys in the order in which they appear. Pairs that are not well-formed,
/// or contain a semicolon, are left out.
pub(crate) fn pairs(query: &[u8]) -> Vec<(BString, BString)> {
    let mut keys: Vec<(BString, Vec<BString>)> = Vec::new();
    let parts = query.split(|byte| *byte == b'&').filter(|part| !part.is_empty() && !part.contains(&b';'));
    for part in parts {
        let at = part.iter().position(|byte| *byte == b'=').unwrap_or(part.len());
        let (key, value) = (&part[..at], part.get(at + 1..).unwrap_or_default());
        let (Some(key), Some(value)) = (unescape(key, true), unescape(value, true)) else { continue };
        match keys.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) => values.push(value),
            None => keys.push((key, vec![value])),
        }
    }
    keys.into_iter()
        .flat_map(|(key, values)| values.into_iter().map(move |value| (key.clone(), value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(query: &str) -> Vec<(String, String)> {
        pairs(query.as_bytes()).into_iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    fn of(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(unescape(b"/p%20q+r", false).unwrap(), "/p q+r");
        assert_eq!(unescape(b"v%26w+x", true).unwrap(), "v&w x");
        assert_eq!(unescape("%e2%98%83".as_bytes(), true).unwrap(), "☃");
        for wrong in ["%", "%a", "%zz", "a%2"] {
            assert_eq!(unescape(wrong.as_bytes(), true), None, "{wrong}");
        }
    }

    #[test]
    fn pairs_of_a_key_stand_together_and_broken_ones_are_left_out() {
        assert_eq!(texts("k=1&x=2&k=3"), of(&[("k", "1"), ("k", "3"), ("x", "2")]));
        assert_eq!(texts("a=%zz&b=1&c;d=2&&=v&e=f=g"), of(&[("b", "1"), ("", "v"), ("e", "f=g")]));
        assert_eq!(texts("empty=&noval"), of(&[("empty", ""), ("noval", "")]));
        assert_eq!(texts(""), of(&[]));
    }

    proptest! {
        #[test]
        fn what_was_escaped_comes_back(bytes: Vec<u8>) {
            let escaped: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(unescape(escaped.as_bytes(), true), Some(bytes.into()));
        }

        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            pairs(&bytes);
        }
    }
}
