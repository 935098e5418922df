//! What a sandbox may do with messages while a call runs: the side that the plugin gives.

use bstr::{BStr, ByteSlice};
use heka_message::{Field, FieldView, Message, MessageView, Value};

use crate::Layout;

/// A message to read, in whichever form it is at hand.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// A parsed message.
    Parsed(&'a Message),
    /// A serialized one.
    Encoded(MessageView<'a>),
}

/// One dynamic field of a [`Source`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum SourceField<'a> {
    Parsed(&'a Field),
    Encoded(FieldView<'a>),
}

/// Why an injection failed; the script gets it as an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The bytes are no message.
    Unmarshal,
    /// More injections than this call may do.
    Count,
    /// The message's loop count would pass `max_message_loops`.
    Loops,
    /// The message matches the plugin's own matcher.
    Circular,
    /// hekad is stopping hard. The script ends, its state is kept.
    Aborted,
}

impl Refused {
    /// The error's text behind the host function's name.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Refused::Unmarshal => "protobuf unmarshal failed",
            Refused::Count => "exceeded InjectMessage count",
            Refused::Loops => "exceeded MaxMsgLoops",
            Refused::Circular => "creates a circular reference (matches this plugin's message_matcher)",
            Refused::Aborted => "aborted",
        }
    }
}

/// A message that a script injects.
#[derive(Clone, Copy, Debug)]
pub struct Injected<'a> {
    /// Its protobuf bytes.
    pub bytes: &'a [u8],
    /// Where the headers stand, if the bytes were made of a table here; `None`: the script brought them, and they are
    /// to be checked.
    pub layout: Option<&'a Layout>,
}

/// A payload that a script injects.
#[derive(Clone, Copy, Debug)]
pub struct InjectedPayload<'a> {
    /// The text.
    pub payload: &'a [u8],
    /// Its type: a file extension.
    pub payload_type: &'a [u8],
    /// Its name.
    pub name: &'a [u8],
}

/// The plugin's side of a running call. A plugin implements what its kind can do; the rest keeps the default.
pub trait Messages {
    /// The message being processed.
    fn current(&mut self) -> Option<Source<'_>> {
        None
    }

    /// What scripts read as `raw`; `None` is nil.
    fn raw(&mut self) -> Option<&[u8]> {
        match self.current() {
            Some(Source::Encoded(view)) => Some(view.bytes()),
            _ => None,
        }
    }

    /// The message being processed, to edit.
    fn edit(&mut self) -> Option<&mut Message> {
        None
    }

    /// Takes a message.
    ///
    /// # Errors
    /// It is refused.
    fn inject_message(&mut self, message: Injected<'_>) -> Result<(), Refused> {
        let _ = message;
        Err(Refused::Count)
    }

    /// Takes a payload.
    ///
    /// # Errors
    /// It is refused.
    fn inject_payload(&mut self, payload: InjectedPayload<'_>) -> Result<(), Refused> {
        let _ = payload;
        Err(Refused::Count)
    }
}

/// No message and nothing to inject into: while a script is loaded.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMessages;

impl Messages for NoMessages {}

impl<'a> Source<'a> {
    /// The bytes of a string header by its Lua name.
    pub(crate) fn text(&self, header: TextHeader) -> Option<&'a [u8]> {
        let text = match (self, header) {
            (Source::Parsed(message), TextHeader::Uuid) => message.uuid.as_ref().map(|t| t.as_bstr()),
            (Source::Parsed(message), TextHeader::Type) => message.msg_type.as_ref().map(|t| t.as_bstr()),
            (Source::Parsed(message), TextHeader::Logger) => message.logger.as_ref().map(|t| t.as_bstr()),
            (Source::Parsed(message), TextHeader::Payload) => message.payload.as_ref().map(|t| t.as_bstr()),
            (Source::Parsed(message), TextHeader::EnvVersion) => {
                message.env_version.as_ref().map(|t| t.as_bstr())
            }
            (Source::Parsed(message), TextHeader::Hostname) => message.hostname.as_ref().map(|t| t.as_bstr()),
            (Source::Encoded(view), TextHeader::Uuid) => view.uuid().map(BStr::new),
            (Source::Encoded(view), TextHeader::Type) => view.msg_type(),
            (Source::Encoded(view), TextHeader::Logger) => view.logger(),
            (Source::Encoded(view), TextHeader::Payload) => view.payload(),
            (Source::Encoded(view), TextHeader::EnvVersion) => view.env_version(),
            (Source::Encoded(view), TextHeader::Hostname) => view.hostname(),
        };
        text.map(|text| text.as_bytes())
    }

    /// A number header by its Lua name.
    pub(crate) fn number(&self, header: NumberHeader) -> Option<i64> {
        match (self, header) {
            (Source::Parsed(message), NumberHeader::Timestamp) => message.timestamp,
            (Source::Parsed(message), NumberHeader::Severity) => message.severity.map(i64::from),
            (Source::Parsed(message), NumberHeader::Pid) => message.pid.map(i64::from),
            (Source::Encoded(view), NumberHeader::Timestamp) => view.timestamp(),
            (Source::Encoded(view), NumberHeader::Severity) => view.severity().map(i64::from),
            (Source::Encoded(view), NumberHeader::Pid) => view.pid().map(i64::from),
        }
    }

    /// Element `element` of the `index`-th field of this name.
    pub(crate) fn field_value(&self, name: &[u8], index: usize, element: usize) -> Option<Value<'a>> {
        match self {
            Source::Parsed(message) => {
                let mut named = message.fields.iter().filter(|field| field.name() == name);
                named.nth(index)?.value(element)
            }
            Source::Encoded(view) => view.field(name, index)?.value(element),
        }
    }

    /// The `index`-th of all fields.
    pub(crate) fn nth_field(&self, index: usize) -> Option<SourceField<'a>> {
        match self {
            Source::Parsed(message) => message.fields.get(index).map(SourceField::Parsed),
            Source::Encoded(view) => view.fields().nth(index).map(SourceField::Encoded),
        }
    }
}

impl<'a> SourceField<'a> {
    pub(crate) fn name(&self) -> &'a [u8] {
        match self {
            SourceField::Parsed(field) => field.name(),
            SourceField::Encoded(view) => view.name(),
        }
    }

    pub(crate) fn value_type(&self) -> i32 {
        match self {
            SourceField::Parsed(field) => field.value_type().raw(),
            SourceField::Encoded(view) => view.value_type().raw(),
        }
    }

    pub(crate) fn representation(&self) -> &'a [u8] {
        match self {
            SourceField::Parsed(field) => field.representation.as_ref().map(|text| text.as_bstr()),
            SourceField::Encoded(view) => view.representation(),
        }
        .unwrap_or_default()
    }

    pub(crate) fn first(&self) -> Option<Value<'a>> {
        match self {
            SourceField::Parsed(field) => field.value(0),
            SourceField::Encoded(view) => view.value(0),
        }
    }

    pub(crate) fn count(&self) -> usize {
        match self {
            SourceField::Parsed(field) => field.value_count(),
            SourceField::Encoded(view) => view.value_count(),
        }
    }
}

/// Headers that are text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextHeader {
    Uuid,
    Type,
    Logger,
    Payload,
    EnvVersion,
    Hostname,
}

/// Headers that are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberHeader {
    Timestamp,
    Severity,
    Pid,
}
