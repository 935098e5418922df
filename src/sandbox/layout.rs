//! Where the headers of a message stand that the table encoder wrote, and filling in those that it left out.

use bstr::BString;
use heka_message::Message;

/// Ends of the parts of an encoded message: uuid and timestamp, type, logger, severity, payload and environment version,
/// pid, hostname. Fields follow. An empty part is an absent header.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layout {
    pub(crate) ends: [usize; PARTS],
    /// Nanoseconds since the epoch.
    pub(crate) timestamp: i64,
    /// Where the timestamp's tag is.
    pub(crate) timestamp_at: usize,
    /// Severity or pid is no 32 bit number, so that parsing changes it.
    pub(crate) has_wide_number: bool,
}

const PARTS: usize = 7;
pub(crate) const HEAD: usize = 0;
pub(crate) const TYPE: usize = 1;
pub(crate) const LOGGER: usize = 2;
pub(crate) const SEVERITY: usize = 3;
pub(crate) const PAYLOAD: usize = 4;
pub(crate) const PID: usize = 5;
pub(crate) const HOSTNAME: usize = 6;

/// What a decoder puts into headers that the script's message lacks. `None` leaves a header out.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// Nanoseconds since the epoch.
    pub timestamp: Option<i64>,
    /// `Type`.
    pub msg_type: Option<BString>,
    /// `Logger`.
    pub logger: Option<BString>,
    /// `Severity`.
    pub severity: Option<i32>,
    /// `Pid`.
    pub pid: Option<i32>,
    /// `Hostname`.
    pub hostname: Option<BString>,
}

impl Layout {
    /// The message's timestamp in nanoseconds since the epoch.
    pub fn timestamp(&self) -> i64 {
        self.timestamp
    }

    /// Whether severity or pid is no 32 bit number, so that parsing changes the message.
    pub fn has_wide_number(&self) -> bool {
        self.has_wide_number
    }

    /// Whether [`Layout::fill`] has a header to fill in.
    pub fn is_incomplete(&self) -> bool {
        [TYPE, LOGGER, SEVERITY, PID, HOSTNAME].iter().any(|&part| self.ends[part - 1] == self.ends[part])
    }

    /// Appends the message in `bytes` to `out` with its missing headers filled in, as it would be after parsing, filling
    /// and serializing. `timestamp` replaces the message's own.
    pub fn fill(&self, bytes: &[u8], timestamp: Option<i64>, defaults: &Defaults, out: &mut Vec<u8>) {
        if self.has_wide_number && (timestamp.is_some() || self.is_incomplete()) {
            return self.fill_parsed(bytes, timestamp, defaults, out);
        }
        out.reserve(bytes.len() + 64);
        match timestamp {
            Some(timestamp) => {
                out.extend_from_slice(&bytes[..self.timestamp_at]);
                put_number(out, 2, timestamp as u64);
            }
            None => out.extend_from_slice(&bytes[..self.ends[HEAD]]),
        }
        self.text(bytes, TYPE, 3, defaults.msg_type.as_ref(), out);
        self.text(bytes, LOGGER, 4, defaults.logger.as_ref(), out);
        self.number(bytes, SEVERITY, 5, defaults.severity, out);
        out.extend_from_slice(self.part(bytes, PAYLOAD));
        self.number(bytes, PID, 8, defaults.pid, out);
        self.text(bytes, HOSTNAME, 9, defaults.hostname.as_ref(), out);
        out.extend_from_slice(&bytes[self.ends[HOSTNAME]..]);
    }

    /// Appends the message in `bytes` to `out` as it leaves a filter: its type behind `prefix`, and another logger and
    /// hostname.
    pub fn relabel(&self, bytes: &[u8], prefix: &[u8], logger: &[u8], hostname: &[u8], out: &mut Vec<u8>) {
        if self.has_wide_number {
            let mut message = Message::decode(bytes).unwrap_or_default();
            let given = message.msg_type.take().unwrap_or_default();
            message.msg_type = Some([prefix, &given].concat().into());
            message.logger = Some(logger.into());
            message.hostname = Some(hostname.into());
            return message.encode(out);
        }
        out.reserve(bytes.len() + prefix.len() + logger.len() + hostname.len() + 16);
        out.extend_from_slice(&bytes[..self.ends[HEAD]]);
        let given = text_of(self.part(bytes, TYPE));
        put_text_head(out, 3, prefix.len() + given.len());
        out.extend_from_slice(prefix);
        out.extend_from_slice(given);
        put_text_head(out, 4, logger.len());
        out.extend_from_slice(logger);
        out.extend_from_slice(&bytes[self.ends[LOGGER]..self.ends[PID]]);
        put_text_head(out, 9, hostname.len());
        out.extend_from_slice(hostname);
        out.extend_from_slice(&bytes[self.ends[HOSTNAME]..]);
    }

    fn fill_parsed(&self, bytes: &[u8], timestamp: Option<i64>, defaults: &Defaults, out: &mut Vec<u8>) {
        // The bytes come from our own encoder; should they not parse, an empty message is the safe answer.
        let mut message = Message::decode(bytes).unwrap_or_default();
        message.timestamp = timestamp.or(message.timestamp);
        defaults.fill(&mut message);
        message.encode(out);
    }

    fn part<'b>(&self, bytes: &'b [u8], part: usize) -> &'b [u8] {
        &bytes[self.ends[part - 1]..self.ends[part]]
    }

    fn text(&self, bytes: &[u8], part: usize, number: u8, default: Option<&BString>, out: &mut Vec<u8>) {
        let given = self.part(bytes, part);
        out.extend_from_slice(given);
        if let (true, Some(default)) = (given.is_empty(), default) {
            put_text_head(out, number, default.len());
            out.extend_from_slice(default);
        }
    }

    fn number(&self, bytes: &[u8], part: usize, number: u8, default: Option<i32>, out: &mut Vec<u8>) {
        let given = self.part(bytes, part);
        out.extend_from_slice(given);
        if let (true, Some(default)) = (given.is_empty(), default) {
            put_number(out, number, u64::from(default as u32));
        }
    }
}

impl Defaults {
    /// Takes over the headers that a message hands on to those made of it; keeps its memory.
    pub fn take_from(&mut self, message: &Message) {
        self.timestamp = message.timestamp;
        copy(&mut self.msg_type, message.msg_type.as_ref());
        copy(&mut self.logger, message.logger.as_ref());
        self.severity = Some(message.severity());
        self.pid = Some(message.pid.unwrap_or(0));
        copy(&mut self.hostname, message.hostname.as_ref());
    }

    /// Fills the headers that `message` lacks. Returns whether there were any.
    pub fn fill(&self, message: &mut Message) -> bool {
        let mut filled = fill_one(&mut message.timestamp, &self.timestamp);
        filled |= fill_one(&mut message.msg_type, &self.msg_type);
        filled |= fill_one(&mut message.logger, &self.logger);
        filled |= fill_one(&mut message.severity, &self.severity);
        filled |= fill_one(&mut message.pid, &self.pid);
        filled | fill_one(&mut message.hostname, &self.hostname)
    }
}

fn copy(to: &mut Option<BString>, from: Option<&BString>) {
    let to = to.get_or_insert_default();
    to.clear();
    if let Some(from) = from {
        to.extend_from_slice(from);
    }
}

fn fill_one<T: Clone>(header: &mut Option<T>, default: &Option<T>) -> bool {
    let missing = header.is_none();
    if missing {
        header.clone_from(default);
    }
    missing
}

/// The bytes of a part with one text: what follows its tag and length.
fn text_of(part: &[u8]) -> &[u8] {
    let length = part.iter().skip(1).take_while(|byte| **byte >= 0x80).count();
    part.get(length + 2..).unwrap_or_default()
}

fn put_text_head(out: &mut Vec<u8>, number: u8, length: usize) {
    out.push(number << 3 | 2);
    put_varint(out, length as u64);
}

fn put_number(out: &mut Vec<u8>, number: u8, value: u64) {
    out.push(number << 3);
    put_varint(out, value);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
