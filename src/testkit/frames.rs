//! Heka's stream format: `1E | H | header (H bytes) | 1F | message`, the message's length in the header's field 1.

use crate::wire;

/// A record in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Where it starts, in bytes.
    pub start: usize,
    /// The protobuf header.
    pub header: &'a [u8],
    /// The protobuf message.
    pub message: &'a [u8],
}

/// Why the bytes at some place are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// There is no record separator where a record should start.
    #[error("not a record separator at byte {0}")]
    NoRecordSeparator(usize),
    /// The header is not followed by a unit separator.
    #[error("no unit separator at byte {0}")]
    NoUnitSeparator(usize),
    /// The header tells no message length.
    #[error("no message length in the header at byte {0}")]
    NoLength(usize),
    /// The stream ends inside the record.
    #[error("truncated message at byte {0}")]
    Truncated(usize),
}

/// Walks over a stream that should hold nothing but records; it ends after the first error.
pub fn frames(bytes: &[u8]) -> Frames<'_> {
    Frames { bytes, at: 0 }
}

/// The iterator of [`frames`].
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Frames<'a> {
    fn frame(&mut self) -> Result<Frame<'a>, FrameError> {
        let start = self.at;
        let bytes = &self.bytes[start..];
        if bytes[0] != 0x1e {
            return Err(FrameError::NoRecordSeparator(start));
        }
        let truncated = FrameError::Truncated(start);
        let size = usize::from(*bytes.get(1).ok_or(truncated)?);
        let header = bytes.get(2..2 + size).ok_or(truncated)?;
        if *bytes.get(2 + size).ok_or(truncated)? != 0x1f {
            return Err(FrameError::NoUnitSeparator(start + 2 + size));
        }
        let length = wire::varint_of(header, 1).ok_or(FrameError::NoLength(start))?;
        let end =
            usize::try_from(length).ok().and_then(|length| length.checked_add(3 + size)).ok_or(truncated)?;
        let message = bytes.get(3 + size..end).ok_or(truncated)?;
        self.at += end;
        Ok(Frame { start, header, message })
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let frame = self.frame();
        if frame.is_err() {
            self.at = self.bytes.len();
        }
        Some(frame)
    }
}

/// Walks over a stream that may hold torn records, as one written by a process that was killed: behind each damage
/// it looks for the next record. Framing has no checksum, so the caller says whether a record is whole. Also gives
/// the number of bytes that belong to no whole record.
pub fn intact_frames(bytes: &[u8], mut whole: impl FnMut(&Frame<'_>) -> bool) -> (Vec<Frame<'_>>, usize) {
    let mut found = Vec::new();
    let mut skipped = 0;
    let mut at = 0;
    while at < bytes.len() {
        let mut next = Frames { bytes, at };
        match next.frame() {
            Ok(frame) if whole(&frame) => {
                found.push(frame);
                at = next.at;
            }
            _ => {
                at += 1;
                skipped += 1;
            }
        }
    }
    (found, skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(message: &[u8]) -> Vec<u8> {
        let mut frame = vec![0x1e, 2, 0x08, message.len() as u8, 0x1f];
        frame.extend_from_slice(message);
        frame
    }

    fn message(payload: &str) -> Vec<u8> {
        let mut message = vec![0x0a, 16];
        message.extend_from_slice(&[7; 16]);
        message.extend_from_slice(&[0x32, payload.len() as u8]);
        message.extend_from_slice(payload.as_bytes());
        message
    }

    #[test]
    fn whole_streams_are_walked() {
        let stream = [framed(&message("a")), framed(&[]), framed(&message("bc"))].concat();
        let found: Vec<_> = frames(&stream).collect::<Result<_, _>>().unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(wire::bytes_of(found[2].message, 6), Some(&b"bc"[..]));
    }

    #[test]
    fn damage_is_named_by_place() {
        let whole = framed(&message("a"));
        assert_eq!(frames(&whole[..whole.len() - 1]).last(), Some(Err(FrameError::Truncated(0))));
        let garbage = [whole.as_slice(), b"x"].concat();
        assert_eq!(frames(&garbage).last(), Some(Err(FrameError::NoRecordSeparator(whole.len()))));
        assert_eq!(frames(&[0x1e, 1, 8, 9]).last(), Some(Err(FrameError::NoUnitSeparator(3))));
    }

    #[test]
    fn torn_records_are_stepped_over() {
        let whole = framed(&message("abc"));
        for cut in 1..whole.len() {
            let stream = [whole.as_slice(), &whole[..cut], &whole].concat();
            let (found, skipped) = intact_frames(&stream, |f| wire::bytes_of(f.message, 6) == Some(b"abc"));
            assert_eq!((found.len(), skipped), (2, cut));
        }
    }
}
