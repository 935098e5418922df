//! A mail as it is sent: header fields and the text in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::base64_text::write_base64;

/// Longest line of a header, without its end.
const LINE_MAX: usize = 78;
/// What stands around the text of an encoded word (RFC 2047), with the blank before it.
const WORD_FRAME: usize = " =?utf-8?B??=".len();
/// Characters of base64 in a line.
const BASE64_LINE: usize = 76;

/// The header fields, with the empty line behind them.
pub(super) fn header(from: &str, subject: &str) -> String {
    let subject = subject_field(subject);
    format!(
        "From: {from}\r\n{subject}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=\"utf-8\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n"
    )
}

/// Appends the text in base64, in lines; the last one has no end.
pub(super) fn write_body(text: &[u8], mail: &mut Vec<u8>) {
    for (number, part) in text.chunks(BASE64_LINE / 4 * 3).enumerate() {
        if number > 0 {
            mail.extend_from_slice(b"\r\n");
        }
        write_base64(part, mail);
    }
}

/// The field `Subject`: as it is if that is a line of printable ASCII, else in encoded words, one a line.
fn subject_field(subject: &str) -> String {
    let name = "Subject:";
    let is_plain = subject.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if subject.is_empty() || (is_plain && subject.len() < LINE_MAX - name.len()) {
        return format!("{name} {subject}");
    }
    let mut field = String::from(name);
    let mut used = name.len();
    let mut rest = subject;
    while !rest.is_empty() {
        if rest.len() != subject.len() {
            field.push_str("\r\n");
        }
        let room = LINE_MAX - used - WORD_FRAME;
        used = 0;
        let (base64, quoted) = (fitting_base64(rest, room), fitting_quoted(rest, room));
        // Whichever takes more of the text.
        let (kind, taken) = if quoted.len() >= base64.len() { ('Q', quoted) } else { ('B', base64) };
        let word = if kind == 'Q' { quoted_text(taken) } else { STANDARD.encode(taken) };
        field.push_str(&format!(" =?utf-8?{kind}?{word}?="));
        rest = &rest[taken.len()..];
    }
    field
}

/// The part of a text that has room as base64. Characters are not torn.
fn fitting_base64(text: &str, room: usize) -> &str {
    &text[..text.floor_char_boundary(room / 4 * 3)]
}

/// The part of a text that has room as quoted text. Characters are not torn.
fn fitting_quoted(text: &str, room: usize) -> &str {
    let mut left = room;
    let end = text.char_indices().find_map(|(at, letter)| {
        let width = if stands_for_itself(letter) { 1 } else { 3 * letter.len_utf8() };
        match left.checked_sub(width) {
            Some(rest) => {
                left = rest;
                None
            }
            None => Some(at),
        }
    });
    &text[..end.unwrap_or(text.len())]
}

/// Whether a character takes one place in quoted text.
fn stands_for_itself(letter: char) -> bool {
    matches!(letter, ' '..='~') && !matches!(letter, '=' | '?' | '_')
}

fn quoted_text(text: &str) -> String {
    let mut quoted = String::new();
    for letter in text.chars() {
        match letter {
            ' ' => quoted.push('_'),
            letter if stands_for_itself(letter) => quoted.push(letter),
            letter => {
                for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
                    quoted.push_str(&format!("={byte:02X}"));
                }
            }
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a reader makes of a folded field.
    fn read_back(field: &str) -> String {
        let text = field.strip_prefix("Subject:").unwrap();
        if !text.starts_with(" =?utf-8?") {
            return text.strip_prefix(' ').unwrap().into();
        }
        let mut bytes = Vec::new();
        for line in text.split("\r\n") {
            let word = line.strip_prefix(" =?utf-8?").unwrap().strip_suffix("?=").unwrap();
            let part = match word.split_once('?').unwrap() {
                ("B", text) => STANDARD.decode(text).unwrap(),
                (_, text) => {
                    let mut part = Vec::new();
                    let mut letters = text.bytes();
                    while let Some(byte) = letters.next() {
                        part.push(match byte {
                            b'_' => b' ',
                            b'=' => {
                                let digits = [letters.next().unwrap(), letters.next().unwrap()];
                                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                            }
                            other => other,
                        });
                    }
                    part
                }
            };
            assert!(std::str::from_utf8(&part).is_ok(), "a torn character: {line}");
            bytes.extend(part);
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_short_subject_stays_as_it_is() {
        assert_eq!(subject_field("Heka [out]"), "Subject: Heka [out]");
        assert_eq!(subject_field(""), "Subject: ");
        let longest = "x".repeat(69);
        assert_eq!(subject_field(&longest), format!("Subject: {longest}"));
    }

    #[test]
    fn other_subjects_are_encoded_by_whatever_takes_more() {
        assert_eq!(
            subject_field(&"x".repeat(70)),
            format!("Subject: =?utf-8?Q?{}?=\r\n =?utf-8?Q?{}?=", "x".repeat(57), "x".repeat(13))
        );
        assert_eq!(subject_field("été ?"), "Subject: =?utf-8?Q?=C3=A9t=C3=A9_=3F?=");
        let cyrillic = "ошибка на сервере, смотрите журнал";
        assert_eq!(
            subject_field(cyrillic),
            "Subject: =?utf-8?B?0L7RiNC40LHQutCwINC90LAg0YHQtdGA0LLQtdGA0LUsINGB0LzQvtGC?=\r\n \
             =?utf-8?Q?=D1=80=D0=B8=D1=82=D0=B5_=D0=B6=D1=83=D1=80=D0=BD=D0=B0=D0=BB?="
        );
        assert_eq!(subject_field("a\r\nBcc: x"), "Subject: =?utf-8?Q?a=0D=0ABcc:_x?=");
    }

    #[test]
    fn header_and_body() {
        let mut mail = header("a@b", "s").into_bytes();
        write_body(&[b'x'; 58], &mut mail);
        let expected = format!(
            "From: a@b\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=\"utf-8\"\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{}\r\neA==",
            "eHh4".repeat(19)
        );
        assert_eq!(String::from_utf8(mail).unwrap(), expected);
        let mut empty = Vec::new();
        write_body(b"", &mut empty);
        assert_eq!(empty, b"");
    }

    proptest! {
        #[test]
        fn any_subject_can_be_read_back_and_its_lines_are_short(subject in "(.|[é☃😀=_?\r\n ]){0,200}") {
            let field = subject_field(&subject);
            prop_assert!(field.split("\r\n").all(|line| line.len() <= LINE_MAX), "{}", field);
            prop_assert_eq!(read_back(&field), subject);
        }
    }
}
