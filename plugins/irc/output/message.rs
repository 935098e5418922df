//! A line of the IRC protocol (RFC 2812, section 2.3).

/// A line in its parts. What is no UTF-8 is replaced.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    /// Who sent it: `nick!user@host` or a server's name; empty if it does not say.
    pub(super) prefix: String,
    /// The command in capitals, or a number of three digits.
    pub(super) command: String,
    pub(super) params: Vec<String>,
}

impl Message {
    /// Takes a line apart. An empty one gives an empty command.
    pub(super) fn parse(line: &[u8]) -> Message {
        let text = String::from_utf8_lossy(line);
        let mut rest = text.trim_matches(['\r', '\n', '\0']);
        // Tags (IRCv3) are not asked for, but may come.
        if rest.starts_with('@') {
            rest = rest.split_once(' ').map_or("", |(_, rest)| rest).trim_start_matches(' ');
        }
        let mut message = Message::default();
        if let Some(begun) = rest.strip_prefix(':') {
            let (prefix, after) = begun.split_once(' ').unwrap_or((begun, ""));
            message.prefix = prefix.into();
            rest = after.trim_start_matches(' ');
        }
        let (command, mut rest) = rest.split_once(' ').unwrap_or((rest, ""));
        message.command = command.to_ascii_uppercase();
        loop {
            rest = rest.trim_start_matches(' ');
            if let Some(last) = rest.strip_prefix(':') {
                message.params.push(last.into());
                return message;
            }
            if rest.is_empty() {
                return message;
            }
            let (param, after) = rest.split_once(' ').unwrap_or((rest, ""));
            message.params.push(param.into());
            rest = after;
        }
    }

    /// A parameter, or nothing.
    pub(super) fn param(&self, index: usize) -> &str {
        self.params.get(index).map_or("", String::as_str)
    }

    /// The last parameter, which is text in most replies.
    pub(super) fn text(&self) -> &str {
        self.params.last().map_or("", String::as_str)
    }

    /// The nick of who sent it.
    pub(super) fn nick(&self) -> &str {
        self.prefix.split(['!', '@']).next().unwrap_or_default()
    }
}

/// Whether two names are the same: `{}|^` are the small letters of `[]\~` (RFC 2812, section 2.2).
pub(super) fn same_name(one: &str, other: &str) -> bool {
    let fold = |byte: u8| match byte {
        b'[' => b'{',
        b']' => b'}',
        b'\\' => b'|',
        b'~' => b'^',
        byte => byte.to_ascii_lowercase(),
    };
    one.len() == other.len() && one.bytes().map(fold).eq(other.bytes().map(fold))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(line: &str) -> (String, String, Vec<String>) {
        let Message { prefix, command, params } = Message::parse(line.as_bytes());
        (prefix, command, params)
    }

    #[test]
    fn parts_are_found() {
        let strings = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(parts("PING :a b"), (String::new(), "PING".into(), strings(&["a b"])));
        assert_eq!(
            parts(":irc.x 366 me #a  :End of names\r"),
            ("irc.x".into(), "366".into(), strings(&["me", "#a", "End of names"]))
        );
        assert_eq!(parts("@t=1 :n!u@h kick #a me"), ("n!u@h".into(), "KICK".into(), strings(&["#a", "me"])));
        assert_eq!(parts(":n!u@h PART #a"), ("n!u@h".into(), "PART".into(), strings(&["#a"])));
        assert_eq!(parts(":only"), ("only".into(), String::new(), vec![]));
        let message = Message::parse(b":n!u@h PRIVMSG me :hi \xff");
        assert_eq!((message.nick(), message.param(0), message.text()), ("n", "me", "hi \u{fffd}"));
        assert_eq!((message.param(7), Message::default().text()), ("", ""));
    }

    #[test]
    fn names_know_no_case() {
        assert!(same_name("#Heka[1]", "#heKa{1}") && same_name("a~\\", "A^|"));
        assert!(!same_name("#a", "#b") && !same_name("#a", "#aa"));
    }

    proptest! {
        #[test]
        fn any_line_is_read(line in proptest::collection::vec(any::<u8>(), 0..100)) {
            let message = Message::parse(&line);
            prop_assert!(!message.command.contains(' '));
        }
    }
}
