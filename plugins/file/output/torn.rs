//! The end of a file of frames after its writer was killed in the middle of a write.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt;

use heka_fault::fault;
use heka_message::framing::Header;
use heka_message::{HEADER_FRAMING_SIZE, RECORD_SEPARATOR, UNIT_SEPARATOR, validate};

/// How far from the end a frame is looked for that shows where frames begin. A batch is no larger than this but for a
/// single large message.
const WINDOW: u64 = 1 << 20;

/// Cuts off an unfinished frame at the end of the file at `path`, which is open as `file` to be written. Anything else at
/// the end, also what is no frame at all, stays.
///
/// # Errors
/// The file cannot be read or cut.
pub(super) fn cut_torn_frame(file: &File, path: &str) -> io::Result<()> {
    let len = file.metadata()?.len();
    let start = len.saturating_sub(WINDOW);
    let mut tail = vec![0; usize::try_from(len - start).map_err(io::Error::other)?];
    File::open(path)?.read_exact_at(&mut tail, start)?;
    match torn_frame(&tail, start == 0) {
        Some(at) => {
            file.set_len(start + at as u64)?;
            fault!("file-output-cut");
            Ok(())
        }
        None => Ok(()),
    }
}

/// Where an unfinished frame begins that reaches to the end of `tail`. It counts only behind a whole frame, or at the very
/// beginning of the file.
fn torn_frame(tail: &[u8], is_whole_file: bool) -> Option<usize> {
    let first = if is_whole_file && tail.first() == Some(&RECORD_SEPARATOR) {
        0
    } else {
        (0..tail.len()).find(|&at| matches!(frame_len(&tail[at..]), ControlFlow::Continue(Some(_))))?
    };
    let mut at = first;
    while at < tail.len() {
        match frame_len(&tail[at..]) {
            ControlFlow::Continue(Some(len)) => at += len,
            ControlFlow::Continue(None) => return Some(at),
            // Foreign bytes among the frames: go on at the next one that is whole.
            ControlFlow::Break(()) => {
                let next = (at + 1..tail.len())
                    .find(|&at| matches!(frame_len(&tail[at..]), ControlFlow::Continue(Some(_))));
                at = next?;
            }
        }
    }
    None
}

/// Length of the whole frame at the start of `bytes`; `None`: it is cut short; `Break`: there is no frame.
fn frame_len(bytes: &[u8]) -> ControlFlow<(), Option<usize>> {
    if bytes.first() != Some(&RECORD_SEPARATOR) {
        return ControlFlow::Break(());
    }
    let Some(&header_len) = bytes.get(1) else { return ControlFlow::Continue(None) };
    let head = usize::from(header_len) + HEADER_FRAMING_SIZE;
    if bytes.len() < head {
        return ControlFlow::Continue(None);
    }
    let header = Header::decode(&bytes[2..head - 1]).ok().filter(|_| bytes[head - 1] == UNIT_SEPARATOR);
    let Some(message_len) = header.and_then(|header| header.message_length) else {
        return ControlFlow::Break(());
    };
    let len = head + message_len as usize;
    match bytes.get(head..len) {
        None => ControlFlow::Continue(None),
        Some(message) if validate(message).is_ok() => ControlFlow::Continue(Some(len)),
        Some(_) => ControlFlow::Break(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for i in 0..count {
            // A payload with separators in it.
            let message = heka_message::Message {
                payload: Some(format!("record {i} \x1e\x02\x08\x05\x1f").into()),
                ..Default::default()
            };
            let mut encoded = Vec::new();
            message.encode(&mut encoded);
            heka_message::write_frame(&encoded, 1000, &mut bytes).unwrap();
        }
        bytes
    }

    #[test]
    fn a_cut_anywhere_in_the_last_frame_leaves_the_whole_ones() {
        let (two, three) = (frames(2), frames(3));
        for cut in two.len() + 1..three.len() {
            assert_eq!(torn_frame(&three[..cut], true), Some(two.len()), "cut at {cut}");
            // Seen from the middle of the first frame.
            assert_eq!(torn_frame(&three[5..cut], false), Some(two.len() - 5), "cut at {cut}");
        }
        assert_eq!(torn_frame(&three, true), None);
        assert_eq!(torn_frame(&[], true), None);
    }

    #[test]
    fn the_only_frame_of_a_file_may_be_torn() {
        assert_eq!(torn_frame(&frames(1)[..9], true), Some(0));
    }

    #[test]
    fn what_is_no_frame_stays() {
        let mut bytes = frames(1);
        bytes.extend_from_slice(b"some text");
        assert_eq!(torn_frame(&bytes, true), None);
        assert_eq!(torn_frame(b"text only \x1e", true), None);
    }

    #[test]
    fn the_file_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out").display().to_string();
        let three = frames(3);
        std::fs::write(&path, &three[..three.len() - 1]).unwrap();
        let file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        cut_torn_frame(&file, &path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), frames(2));
    }
}
