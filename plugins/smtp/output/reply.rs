//! A reply of an SMTP server: a code of three digits and lines of text.

use std::fmt;

/// A reply.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    pub(super) lines: Vec<String>,
}

/// A reply with more lines is none.
const LINES_MAX: usize = 1000;

impl fmt::Display for Reply {
    /// On one line, without control characters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        for line in &self.lines {
            write!(f, " {}", line.trim().replace(|letter: char| letter.is_control(), " "))?;
        }
        Ok(())
    }
}

impl Reply {
    /// Reads a reply, line by line. The inner error tells that what came is no reply.
    ///
    /// # Errors
    /// Those of `next`.
    pub(super) fn read<E>(mut next: impl FnMut() -> Result<Vec<u8>, E>) -> Result<Result<Reply, String>, E> {
        let mut lines = Vec::new();
        loop {
            let line = next()?;
            let Some((code, goes_on, text)) = parse(&line) else {
                let shown: String = String::from_utf8_lossy(&line).chars().take(100).collect();
                return Ok(Err(format!("malformed reply {shown:?}")));
            };
            lines.push(text);
            if !goes_on {
                return Ok(Ok(Reply { code, lines }));
            }
            if lines.len() == LINES_MAX {
                return Ok(Err("the reply is too long".into()));
            }
        }
    }

    /// Whether the server did what it was asked to.
    pub(super) fn is_ok(&self) -> bool {
        (200..300).contains(&self.code)
    }
}

/// Code, whether more lines follow, text.
fn parse(line: &[u8]) -> Option<(u16, bool, String)> {
    let (code, rest) = line.split_at_checked(3)?;
    let code: u16 = std::str::from_utf8(code).ok()?.parse().ok().filter(|code| *code >= 100)?;
    let goes_on = match rest.first() {
        None | Some(b' ') => false,
        Some(b'-') => true,
        Some(_) => return None,
    };
    Some((code, goes_on, String::from_utf8_lossy(rest.get(1..).unwrap_or_default()).into_owned()))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::prelude::*;

    use super::*;

    fn read(text: &[u8]) -> Result<Result<Reply, String>, ()> {
        let mut lines: VecDeque<Vec<u8>> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        Reply::read(|| lines.pop_front().ok_or(()))
    }

    #[test]
    fn replies_have_one_line_or_more() {
        let reply = read(b"250-localhost\n250-STARTTLS\n250 HELP").unwrap().unwrap();
        assert_eq!((reply.code, reply.lines.len(), reply.is_ok()), (250, 3, true));
        assert_eq!(reply.to_string(), "250 localhost STARTTLS HELP");
        assert_eq!(read(b"354").unwrap().unwrap(), Reply { code: 354, lines: vec![String::new()] });
        assert_eq!(read(b"250-and"), Err(()));
    }

    #[test]
    fn what_is_no_reply_is_shown() {
        for text in ["hello", "25", "250_x", "099 x", "", "SSH-2.0-x"] {
            let why = read(text.as_bytes()).unwrap().unwrap_err();
            assert_eq!(why, format!("malformed reply {text:?}"));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(Ok(reply)) = read(&text) {
                prop_assert!(!reply.to_string().contains('\n'));
            }
        }
    }
}
