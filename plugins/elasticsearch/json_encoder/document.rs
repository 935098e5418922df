//! A message as a JSON document.

use heka_message::golang::Strftime;
use heka_message::golang::clock::Civil;
use heka_message::{DEFAULT_SEVERITY, Headers, MessageView, uuid_text};

use super::dynamic::DynamicFields;
use super::part::Part;
use super::template::Template;
use super::text::{write_escaped, write_string};

/// Writes documents.
pub(crate) struct Document {
    /// The parts with their keys, quoted and with a colon.
    parts: Vec<(Part, Vec<u8>)>,
    timestamp: Timestamp,
    dynamic: DynamicFields,
    type_text: TypeText,
    /// The dynamic fields lie in an object of their own under this key.
    nested: bool,
    scratch: Vec<u8>,
}

/// What a document's type is.
pub(crate) enum TypeText {
    /// The message's type.
    Message,
    /// An interpolated text; the text itself if that fails or gives nothing.
    Template(Template),
}

impl Document {
    /// `nest_dynamic` is the key under which dynamic fields are nested, if they are.
    pub(crate) fn new(
        parts: &[(Part, &str)],
        timestamp: &str,
        dynamic: DynamicFields,
        type_text: TypeText,
        nest_dynamic: Option<&str>,
    ) -> Document {
        let quoted = |part: Part, key: &str| {
            let mut out = Vec::new();
            let key = if part == Part::DynamicFields { nest_dynamic.unwrap_or_default() } else { key };
            write_string(key.as_bytes(), &mut out);
            out.push(b':');
            (part, out)
        };
        Document {
            parts: parts.iter().map(|(part, key)| quoted(*part, key)).collect(),
            timestamp: Timestamp::new(timestamp),
            dynamic,
            type_text,
            nested: nest_dynamic.is_some(),
            scratch: Vec::new(),
        }
    }

    /// Appends the document and a newline. `time_ns` is what time formats in the type show.
    pub(crate) fn write(
        &mut self,
        message: MessageView<'_>,
        headers: &Headers<'_>,
        time_ns: i64,
        out: &mut Vec<u8>,
    ) {
        let Document { parts, timestamp, dynamic, type_text, nested, scratch } = self;
        out.push(b'{');
        let mut first = true;
        for (part, key) in parts {
            if *part == Part::DynamicFields && !*nested {
                first = dynamic.write(message, first, out);
                continue;
            }
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            out.extend_from_slice(key);
            match part {
                Part::Uuid => {
                    let mut text = [0; 36];
                    out.push(b'"');
                    out.extend_from_slice(uuid_text(headers.uuid.unwrap_or_default(), &mut text).as_bytes());
                    out.push(b'"');
                }
                Part::Timestamp => timestamp.write(headers.timestamp.unwrap_or(0), out),
                Part::Type => write_type(type_text, message, headers, time_ns, scratch, out),
                Part::Logger => write_text(headers.logger, out),
                Part::Severity => write_number(headers.severity.unwrap_or(DEFAULT_SEVERITY), out),
                Part::Payload => write_text(headers.payload, out),
                Part::EnvVersion => write_text(headers.env_version, out),
                Part::Pid => write_number(headers.pid.unwrap_or(0), out),
                Part::Hostname => write_text(headers.hostname, out),
                Part::DynamicFields => {
                    out.push(b'{');
                    dynamic.write(message, true, out);
                    out.push(b'}');
                }
            }
        }
        out.extend_from_slice(b"}\n");
    }
}

fn write_type(
    type_text: &TypeText,
    message: MessageView<'_>,
    headers: &Headers<'_>,
    time_ns: i64,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) {
    match type_text {
        TypeText::Message => write_text(headers.msg_type, out),
        TypeText::Template(template) => {
            scratch.clear();
            let found = template.write(message, headers, &Civil::utc(time_ns), scratch);
            let text = if found && !scratch.is_empty() { scratch } else { template.as_bytes() };
            write_string(text, out);
        }
    }
}

#[inline]
fn write_text(text: Option<&bstr::BStr>, out: &mut Vec<u8>) {
    write_string(text.map_or(&[], |text| text), out);
}

#[inline]
fn write_number(number: i32, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// The message's time as a JSON string; one that was written for the same second before is not made again.
struct Timestamp {
    format: Strftime,
    fractions: bool,
    scratch: Vec<u8>,
    cached: Vec<u8>,
    cached_s: Option<i64>,
}

impl Timestamp {
    fn new(format: &str) -> Timestamp {
        let format = Strftime::new(format);
        let fractions = format.shows_fractions();
        Timestamp { format, fractions, scratch: Vec::new(), cached: Vec::new(), cached_s: None }
    }

    fn write(&mut self, unix_ns: i64, out: &mut Vec<u8>) {
        let second = unix_ns.div_euclid(1_000_000_000);
        if self.fractions || self.cached_s != Some(second) {
            self.scratch.clear();
            self.format.write(&Civil::utc(unix_ns), &mut self.scratch);
            self.cached.clear();
            self.cached.push(b'"');
            write_escaped(&self.scratch, &mut self.cached);
            self.cached.push(b'"');
            self.cached_s = Some(second);
        }
        out.extend_from_slice(&self.cached);
    }
}
