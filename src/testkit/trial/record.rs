//! Records whose every byte follows from the input that they go to and their id, so that whoever receives one can tell
//! whether it is whole.

use crate::random::Random;

/// The `Type` of records that are sent as Heka messages.
pub const MESSAGE_TYPE: &str = "trial.record";
/// Digits of an id.
const ID_DIGITS: usize = 10;
/// Blank, id, blank behind the letter.
const HEAD: usize = 1 + 1 + ID_DIGITS + 1;
const LETTERS: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
/// One record in so many is large.
const LARGE_EVERY: u64 = 64;

/// Appends the text of a record: the input's letter, the id, letters and digits, a newline. Most have 30 to 330 bytes, some
/// several thousand.
pub fn write_text(input: u8, id: u64, out: &mut Vec<u8>) {
    let mut random = Random::new(id ^ (u64::from(input) << 48));
    let size = match random.below(LARGE_EVERY) {
        0 => 3000 + random.below(6000),
        _ => 20 + random.below(300),
    };
    out.push(input);
    out.extend_from_slice(format!(" {id:0ID_DIGITS$} ").as_bytes());
    let mut left = size;
    while left > 0 {
        let mut bits = random.next_u64();
        for _ in 0..left.min(10) {
            out.push(LETTERS[(bits & 63) as usize]);
            bits >>= 6;
        }
        left -= left.min(10);
    }
    out.push(b'\n');
}

/// Appends the record as a Heka message, whose bytes are the same each time.
pub fn write_message(input: u8, id: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0x0a, 16, input]);
    out.extend_from_slice(&[0x5a; 7]);
    out.extend_from_slice(&id.to_be_bytes());
    out.push(0x10);
    write_varint(1_500_000_000_000_000_000 + id, out);
    write_bytes(3, MESSAGE_TYPE.as_bytes(), out);
    let mut text = Vec::new();
    write_text(input, id, &mut text);
    write_bytes(6, &text, out);
}

/// Appends the record as a Heka message in Heka's stream framing.
pub fn write_frame(input: u8, id: u64, out: &mut Vec<u8>) {
    let mut message = Vec::new();
    write_message(input, id, &mut message);
    let mut header = vec![0x08];
    write_varint(message.len() as u64, &mut header);
    out.extend_from_slice(&[0x1e, header.len() as u8]);
    out.extend_from_slice(&header);
    out.push(0x1f);
    out.extend_from_slice(&message);
}

/// The input's letter and the id of a text, if it is one of [`write_text`] to the byte.
pub fn identify(text: &[u8]) -> Option<(u8, u64)> {
    let (&input, rest) = text.split_first()?;
    let digits = rest.strip_prefix(b" ")?.get(..ID_DIGITS)?;
    if !input.is_ascii_lowercase() {
        return None;
    }
    let id = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let mut expected = Vec::with_capacity(text.len());
    write_text(input, id, &mut expected);
    (expected == text).then_some((input, id))
}

/// Where a whole record begins that ends a line, behind what is left of a torn one.
pub fn find_in_line(line: &[u8]) -> Option<usize> {
    let may_begin = |at: &usize| line[at + 1] == b' ' && line[*at].is_ascii_lowercase();
    (1..line.len().checked_sub(HEAD)?).filter(may_begin).find(|at| identify(&line[*at..]).is_some())
}

fn write_varint(mut number: u64, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn write_bytes(field: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(field << 3 | 2);
    write_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::frames;
    use crate::wire;

    fn text(input: u8, id: u64) -> Vec<u8> {
        let mut out = Vec::new();
        write_text(input, id, &mut out);
        out
    }

    #[test]
    fn a_whole_record_is_known_and_a_changed_one_is_not() {
        for id in [0, 1, 64, 4_000_000_000] {
            let whole = text(b'b', id);
            assert_eq!(identify(&whole), Some((b'b', id)));
            for at in 0..whole.len() {
                let mut changed = whole.clone();
                changed[at] ^= 1;
                assert_eq!(identify(&changed), None, "byte {at}");
                assert_eq!(identify(&whole[..at]), None);
            }
        }
    }

    #[test]
    fn a_record_is_found_behind_a_torn_one() {
        let (torn, whole) = (text(b'a', 7), text(b'a', 6));
        for cut in 1..torn.len() - 1 {
            let line = [&torn[..cut], &whole].concat();
            assert_eq!(find_in_line(&line), Some(cut));
        }
    }

    #[test]
    fn a_frame_holds_the_text() {
        let mut stream = Vec::new();
        write_frame(b'c', 9, &mut stream);
        write_frame(b'c', 10, &mut stream);
        let found: Vec<_> = frames(&stream).map(|frame| frame.unwrap()).collect();
        assert_eq!(wire::bytes_of(found[1].message, 6), Some(text(b'c', 10).as_slice()));
        assert_eq!(wire::bytes_of(found[1].message, 3), Some(MESSAGE_TYPE.as_bytes()));
    }
}
