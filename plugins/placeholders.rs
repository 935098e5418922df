//! Texts with placeholders, `%name%`: values of message templates, names and values of statistics.

/// A text with placeholders.
#[derive(Debug)]
pub(crate) struct Text(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    Literal(Vec<u8>),
    Placeholder(String),
}

impl Text {
    /// A text that stands for itself.
    pub(crate) fn fixed(text: &str) -> Text {
        Text(vec![Piece::Literal(text.into())])
    }

    /// A placeholder is a word between percent signs.
    pub(crate) fn interpolated(text: &str) -> Text {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let mut pieces = Vec::new();
        let mut literal = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find('%') {
            let word_len = rest[start + 1..].bytes().take_while(|&byte| is_word(byte)).count();
            let end = start + 1 + word_len;
            literal.extend_from_slice(&rest.as_bytes()[..start]);
            if word_len > 0 && rest.as_bytes().get(end) == Some(&b'%') {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                pieces.push(Piece::Placeholder(rest[start + 1..end].into()));
                rest = &rest[end + 1..];
            } else {
                literal.push(b'%');
                rest = &rest[start + 1..];
            }
        }
        literal.extend_from_slice(rest.as_bytes());
        pieces.push(Piece::Literal(literal));
        Text(pieces)
    }

    /// The text; a placeholder that stands for nothing becomes `<name>`.
    pub(crate) fn fill<'v>(&self, value_of: impl Fn(&str) -> Option<&'v [u8]>) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => out.extend_from_slice(text),
                Piece::Placeholder(name) => match value_of(name) {
                    Some(value) => out.extend_from_slice(value),
                    None => out.extend_from_slice(format!("<{name}>").as_bytes()),
                },
            }
        }
        out
    }
}
