//! Heka's message: its protobuf form, stream framing and matcher.
//!
//! | module | what |
//! |---|---|
//! | [`Message`], [`Field`] | owned, built and changed |
//! | [`MessageView`], [`FieldView`] | borrowed, read in place |
//! | [`framing`] | frames in a stream: finding, writing, signatures |
//! | [`Matcher`] | `message_matcher` expressions |
//! | [`Regex`] | Go's regular expressions |
//! | [`uuid_text`], [`parse_uuid`] | UUIDs |
//! | [`golang`] | how Go writes and reads numbers, strings and times |
#![forbid(unsafe_code)]

mod decode;
mod encode;
mod error;
mod field;
pub mod framing;
pub mod golang;
mod matcher;
mod message;
mod re2;
mod uuid;
mod view;
mod wire;

pub use decode::{is_canonical, scan, validate};
pub use error::{DecodeError, Error, FrameError};
pub use field::{Field, Value, ValueType};
pub use framing::{
    DEFAULT_MAX_MESSAGE_SIZE, FindFrame, HEADER_FRAMING_SIZE, HashFunction, Header, HeaderProblem,
    MAX_HEADER_SIZE, RECORD_SEPARATOR, Signer, Signers, UNIT_SEPARATOR, Unframed, Verified, find_frame,
    max_record_size, unframe, verify, write_frame, write_frame_with, write_signed_frame,
};
pub use matcher::{Matcher, MatcherError};
pub use message::{DEFAULT_SEVERITY, Message};
pub use re2::{Captures, Match, Regex, RegexError};
pub use uuid::{UUID_SIZE, parse_uuid, uuid_text};
pub use view::{FieldView, Fields, Headers, MessageView, Values};
