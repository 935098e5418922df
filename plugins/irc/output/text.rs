//! A payload as lines that fit into the protocol.

/// A protocol line has so many bytes at most, its end among them.
pub(super) const LINE_MAX: usize = 512;

/// The lines of a payload, each of at most `room` bytes. Empty ones are left out, as they cannot be sent. A longer line
/// is cut: before a blank if there is one in its last third (servers drop blanks at the end), else between two characters.
pub(super) fn lines(payload: &[u8], room: usize) -> Vec<Vec<u8>> {
    let room = room.max(4);
    let mut lines = Vec::new();
    for line in payload.split(|byte| matches!(byte, b'\n' | b'\r')) {
        // It would end the line for some servers.
        let line: Vec<u8> = line.iter().copied().filter(|byte| *byte != 0).collect();
        let mut rest = line.as_slice();
        while !rest.is_empty() {
            let (part, after) = rest.split_at(cut(rest, room));
            lines.push(part.to_vec());
            rest = after;
        }
    }
    lines
}

/// Where to cut a line.
fn cut(line: &[u8], room: usize) -> usize {
    if line.len() <= room {
        return line.len();
    }
    if let Some(blank) = memchr::memrchr(b' ', &line[room - room / 3..room]) {
        return room - room / 3 + blank;
    }
    // Continuation bytes of UTF-8 are 10xxxxxx, at most three of them.
    let whole = (room - 3..=room).rev().find(|at| line[*at] & 0xc0 != 0x80);
    whole.unwrap_or(room)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(payload: &str, room: usize) -> Vec<String> {
        lines(payload.as_bytes(), room).into_iter().map(|line| String::from_utf8(line).unwrap()).collect()
    }

    #[test]
    fn lines_are_cut_where_it_hurts_least() {
        assert_eq!(texts("one\r\n\ntwo\n", 100), ["one", "two"]);
        assert_eq!(texts("a\0b", 100), ["ab"]);
        assert_eq!(texts("", 100), [""; 0]);
        assert_eq!(texts("some words here", 12), ["some words", " here"]);
        assert_eq!(texts("abcdefgh", 4), ["abcd", "efgh"]);
        assert_eq!(texts("ééé", 5), ["éé", "é"]);
        assert_eq!(texts("x😀😀", 4), ["x", "😀", "😀"]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(payload in "[a-z é😀\n]{0,300}", room in 4usize..60) {
            let lines = texts(&payload, room);
            prop_assert!(lines.iter().all(|line| !line.is_empty() && line.len() <= room));
            prop_assert_eq!(lines.concat(), payload.replace('\n', ""));
        }

        #[test]
        fn any_bytes_are_cut(payload in proptest::collection::vec(any::<u8>(), 0..300), room in 0usize..20) {
            let lines = lines(&payload, room);
            let kept: Vec<u8> = payload.iter().copied().filter(|byte| !matches!(byte, 0 | b'\r' | b'\n')).collect();
            prop_assert!(lines.iter().all(|line| line.len() <= room.max(4)));
            prop_assert_eq!(lines.concat(), kept);
        }
    }
}
