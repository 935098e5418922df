//! Answers to questions that clients put to each other inside messages (CTCP).

use jiff::Timestamp;

/// The answer to a message that is such a question: what to send back in a `NOTICE`.
pub(super) fn answer(text: &str, ident: &str) -> Option<String> {
    let question = text.strip_prefix('\x01')?;
    let question = question.strip_suffix('\x01').unwrap_or(question);
    let (word, rest) = question.split_once(' ').unwrap_or((question, ""));
    let answer = match word {
        "VERSION" => concat!("hekad ", env!("CARGO_PKG_VERSION")).into(),
        "PING" => rest.into(),
        "TIME" => format!("{:.0}", Timestamp::now()),
        "USERINFO" => ident.into(),
        "CLIENTINFO" => "PING VERSION TIME USERINFO CLIENTINFO".into(),
        _ => return None,
    };
    Some(format!("\x01{word} {answer}\x01"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_answered() {
        assert_eq!(answer("\x01PING 1 2\x01", "i").unwrap(), "\x01PING 1 2\x01");
        assert_eq!(answer("\x01USERINFO", "i").unwrap(), "\x01USERINFO i\x01");
        assert!(answer("\x01VERSION\x01", "i").unwrap().starts_with("\x01VERSION hekad "));
        assert!(answer("\x01TIME\x01", "i").unwrap().len() > 20);
        for text in ["hello", "", "\x01ACTION waves\x01"] {
            assert_eq!(answer(text, "i"), None);
        }
    }
}
