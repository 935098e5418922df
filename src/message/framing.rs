//! Stream framing: `1E | H | header (H bytes of protobuf) | 1F | message`.

mod find;
mod header;
mod signature;

pub use find::{FindFrame, HeaderProblem, find_frame};
pub use header::{Header, RawField, RawFields, RawValue};
pub use signature::{HashFunction, Signer, Signers, Verified, verify};

use crate::error::FrameError;
use crate::wire::{put_number, varint_len};

/// First byte of a frame.
pub const RECORD_SEPARATOR: u8 = 0x1e;
/// The byte between header and message.
pub const UNIT_SEPARATOR: u8 = 0x1f;
/// Most bytes of a header: its length is one byte.
pub const MAX_HEADER_SIZE: usize = 255;
/// Bytes in front of the header: separator and length.
pub const HEADER_DELIMITER_SIZE: usize = 2;
/// Bytes of a frame besides header and message.
pub const HEADER_FRAMING_SIZE: usize = 3;
/// Most bytes of a message unless configured otherwise.
pub const DEFAULT_MAX_MESSAGE_SIZE: usize = 65536;

/// Most bytes of a frame whose message has at most `max_message_size`.
pub const fn max_record_size(max_message_size: usize) -> usize {
    HEADER_FRAMING_SIZE + MAX_HEADER_SIZE + max_message_size
}

/// Appends `message` in an unsigned frame.
///
/// # Errors
/// When the message is larger than `max_message_size`; nothing is appended then.
pub fn write_frame(message: &[u8], max_message_size: usize, out: &mut Vec<u8>) -> Result<(), FrameError> {
    write_frame_with(message, &[], max_message_size, out)
}

/// Appends `message` in a frame whose header ends with `more`: encoded protobuf fields with numbers
/// above 6, which other readers skip.
///
/// # Errors
/// When message or header are too large; nothing is appended then.
pub fn write_frame_with(
    message: &[u8],
    more: &[u8],
    max_message_size: usize,
    out: &mut Vec<u8>,
) -> Result<(), FrameError> {
    let length = check_message_size(message, max_message_size)?;
    let size = 1 + varint_len(length) + more.len();
    let size = u8::try_from(size).map_err(|_| FrameError::HeaderTooBig { size })?;
    out.reserve(HEADER_FRAMING_SIZE + usize::from(size) + message.len());
    out.extend([RECORD_SEPARATOR, size]);
    put_number(out, 1, length);
    out.extend_from_slice(more);
    out.push(UNIT_SEPARATOR);
    out.extend_from_slice(message);
    Ok(())
}

/// Appends `message` in a frame that `signer` vouches for.
///
/// # Errors
/// When the message is larger than `max_message_size` or the signer's name does not fit a header;
/// nothing is appended then.
pub fn write_signed_frame(
    message: &[u8],
    signer: &Signer,
    max_message_size: usize,
    out: &mut Vec<u8>,
) -> Result<(), FrameError> {
    let length = check_message_size(message, max_message_size)?;
    let header = signer.header(length, message);
    let size = u8::try_from(header.len()).map_err(|_| FrameError::HeaderTooBig { size: header.len() })?;
    out.extend([RECORD_SEPARATOR, size]);
    out.extend_from_slice(&header);
    out.push(UNIT_SEPARATOR);
    out.extend_from_slice(message);
    Ok(())
}

fn check_message_size(message: &[u8], max: usize) -> Result<u64, FrameError> {
    let size = message.len();
    if size > max || u32::try_from(size).is_err() {
        return Err(FrameError::MessageTooBig { size, max });
    }
    Ok(size as u64)
}

/// A frame's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unframed<'a> {
    /// The header's protobuf bytes.
    pub header: &'a [u8],
    /// The message's protobuf bytes.
    pub message: &'a [u8],
}

/// Takes a whole frame, as [`find_frame`] delimits it, apart; `None` when it is too short to be one.
/// Nothing inside is checked.
pub fn unframe(frame: &[u8]) -> Option<Unframed<'_>> {
    let header_size = usize::from(*frame.get(1)?);
    let (framed_header, message) = frame.split_at_checked(header_size + HEADER_FRAMING_SIZE)?;
    let header = &framed_header[HEADER_DELIMITER_SIZE..HEADER_DELIMITER_SIZE + header_size];
    Some(Unframed { header, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_the_writer() {
        let mut out = b"before".to_vec();
        let error = write_frame(&[0; 101], 100, &mut out).unwrap_err();
        assert_eq!(error.to_string(), "Message too big, requires 101 (MAX_MESSAGE_SIZE = 100)");
        let signer = Signer { name: "x".repeat(250).into(), ..Signer::default() };
        let error = write_signed_frame(b"", &signer, 100, &mut out).unwrap_err();
        assert_eq!(error.to_string(), "Message header too big, requires 275 (MAX_HEADER_SIZE = 255)");
        let error = write_frame_with(b"", &[0x78; 254], 100, &mut out).unwrap_err();
        assert_eq!(error, FrameError::HeaderTooBig { size: 256 });
        assert_eq!(out, b"before");
        write_frame(&[0; 100], 100, &mut out).unwrap();
        assert_eq!(out.len(), 6 + 105);
        assert_eq!(max_record_size(DEFAULT_MAX_MESSAGE_SIZE), 65794);
    }

    #[test]
    fn more_header_fields_are_skipped_by_other_readers() {
        let mut out = Vec::new();
        write_frame_with(b"hi", &[0xc0, 0x3e, 7], 100, &mut out).unwrap();
        let found = find_frame(&out, 100);
        assert_eq!(
            found,
            FindFrame { consumed: out.len(), record: Some(0..out.len()), problems: Vec::new() }
        );
        let parts = unframe(&out).unwrap();
        assert_eq!(parts.message, b"hi");
        let last = Header::raw_fields(parts.header).last().unwrap();
        assert_eq!((last.number, last.value), (1000, RawValue::Varint(7)));
    }

    #[test]
    fn a_signer_is_written_even_without_name() {
        let mut out = Vec::new();
        write_signed_frame(b"", &Signer::default(), 100, &mut out).unwrap();
        let header = Header::decode(unframe(&out).unwrap().header).unwrap();
        assert_eq!(header.hmac_signer, Some(&b""[..]));
        assert_eq!((header.hmac_key_version, header.hmac_hash_function), (Some(0), None));
    }

    #[test]
    fn too_short_for_a_frame() {
        for frame in [&b""[..], b"\x1e", b"\x1e\x00", b"\x1e\x02\x08\x00"] {
            assert_eq!(unframe(frame), None);
        }
    }
}
