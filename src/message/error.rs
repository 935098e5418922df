//! What can go wrong in this crate, with the wording that hekad 0.11 printed.

use thiserror::Error;

use crate::matcher::MatcherError;
use crate::re2::RegexError;

/// Any failure of this crate, for callers that do not care which part it came from.
#[derive(Debug, Error)]
pub enum Error {
    /// Bytes are not a message. The record cannot be used; ask for the next one.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A message does not fit a frame. The message cannot be sent framed.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A message matcher has a syntax error. The configuration must be corrected.
    #[error(transparent)]
    Matcher(#[from] MatcherError),
    /// A regular expression has a syntax error. The configuration must be corrected.
    #[error(transparent)]
    Regex(#[from] RegexError),
}

/// Why bytes are not a protobuf message, in the words of the original's decoder.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end inside a value, or a length points past their end.
    #[error("unexpected EOF")]
    UnexpectedEof,
    /// A known field has a wire type that it cannot have.
    #[error("proto: wrong wireType = {wire_type} for field {field}")]
    WrongWireType {
        /// The wire type found, 0 to 7.
        wire_type: u8,
        /// Name of the field as the original's Go code spells it.
        field: &'static str,
    },
    /// An unknown field has one of the wire types that do not exist (6 and 7).
    #[error("proto: illegal wireType {0}")]
    IllegalWireType(u8),
}

/// Why a message cannot be framed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FrameError {
    /// The message is larger than `max_message_size`.
    #[error("Message too big, requires {size} (MAX_MESSAGE_SIZE = {max})")]
    MessageTooBig {
        /// Bytes of the message.
        size: usize,
        /// The limit in force, in bytes.
        max: usize,
    },
    /// The header does not fit its one length byte (a signer's name is too long).
    #[error("Message header too big, requires {size} (MAX_HEADER_SIZE = {max})", max = crate::framing::MAX_HEADER_SIZE)]
    HeaderTooBig {
        /// Bytes of the header.
        size: usize,
    },
}
