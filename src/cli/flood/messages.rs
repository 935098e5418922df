//! The messages: made once, as frames, and sent again and again.

use heka_engine::log::Logger;
use heka_message::{Field, FrameError, Message, Signer, write_frame, write_signed_frame};

use super::options::Test;
use super::random::Random;
use super::schedule::Kind;
use crate::origin;

/// How many different messages there are when they vary.
const VARIETY: usize = 64;
/// How many fields of a kind a varied message has at most.
const MOST_FIELDS: usize = 4;
/// The largest `filler`, in KiB.
const MOST_FILLER: usize = 59;

/// Puts a message in a frame.
type Framing<'a> = &'a dyn Fn(&[u8], &mut Vec<u8>) -> Result<(), FrameError>;

/// Frames of each kind.
pub(super) struct Messages {
    plain: Vec<Vec<u8>>,
    signed: Vec<Vec<u8>>,
    oversized: Vec<Vec<u8>>,
}

impl Messages {
    /// Makes them. One that cannot be made is logged and left out.
    ///
    /// # Errors
    /// There is no plain one.
    pub(super) fn make(test: &Test, random: &mut Random, logger: &Logger) -> Result<Messages, String> {
        let count = if test.variable_size_messages { VARIETY } else { 1 };
        let max = test.max_message_size();
        let mut maker = Maker { test, random, hostname: origin::hostname() };
        let mut make = |count: usize, extra: usize, frame: Framing<'_>| {
            let mut frames = Vec::with_capacity(count);
            for _ in 0..count {
                let (mut bytes, mut out) = (Vec::new(), Vec::new());
                maker.message(extra).encode(&mut bytes);
                match frame(&bytes, &mut out) {
                    Ok(()) => frames.push(out),
                    Err(why) => logger.error(&why.to_string()),
                }
            }
            frames
        };
        let signer: Signer = test.signer.signer();
        let plain = make(count, 0, &|bytes, out| write_frame(bytes, max, out));
        if plain.is_empty() {
            return Err("There is no message to send.".into());
        }
        let signed = match test.signed_percentage > 0.0 {
            true => make(count, 0, &|bytes, out| write_signed_frame(bytes, &signer, max, out)),
            false => Vec::new(),
        };
        let oversized = match test.oversized_percentage > 0.0 {
            true => make(1, max, &|bytes, out| write_frame(bytes, usize::MAX, out)),
            false => Vec::new(),
        };
        Ok(Messages { plain, signed, oversized })
    }

    /// A frame of this kind; a plain one if there is none.
    pub(super) fn pick(&self, kind: Kind, random: &mut Random) -> &[u8] {
        let frames = match kind {
            Kind::Signed if !self.signed.is_empty() => &self.signed,
            Kind::Oversized if !self.oversized.is_empty() => &self.oversized,
            Kind::Plain | Kind::Signed | Kind::Oversized => &self.plain,
        };
        let index = if frames.len() == 1 { 0 } else { random.below(frames.len()) };
        frames.get(index).map_or(&[], Vec::as_slice)
    }
}

struct Maker<'a> {
    test: &'a Test,
    random: &'a mut Random,
    hostname: String,
}

impl Maker<'_> {
    /// A message with so many bytes of payload more than it would have.
    fn message(&mut self, extra: usize) -> Message {
        let pid = Some(i32::try_from(std::process::id()).unwrap_or_default());
        let message = Message { pid, ..origin::message("hekabench", &self.hostname) };
        if self.test.variable_size_messages {
            self.varied(message, extra)
        } else {
            self.fixed(message, extra)
        }
    }

    fn fixed(&mut self, mut message: Message, extra: usize) -> Message {
        message.severity = Some(6);
        message.env_version = Some("0.8".into());
        message.payload = Some(self.payload(self.test.fixed_size().saturating_add(extra)).into());
        message
    }

    fn varied(&mut self, mut message: Message, extra: usize) -> Message {
        message.logger = Some("flood".into());
        message.env_version = Some("0.2".into());
        let size = 1024 * self.random.below(3) + extra;
        message.payload = Some(self.payload(size).into());
        for number in 0..self.fields() {
            message.add_field(Field::string(format!("string{number}"), "", format!("value{number}")));
        }
        for number in 0..self.fields() {
            message.add_field(Field::bytes(format!("bytes{number}"), "", vec![number as u8; 8]));
        }
        for number in 0..self.fields() {
            message.add_field(Field::integer(format!("int{number}"), "", number as i64));
        }
        for number in 0..self.fields() {
            message.add_field(Field::double(format!("double{number}"), "", number as f64));
        }
        for number in 0..self.fields() {
            message.add_field(Field::boolean(format!("bool{number}"), "", true));
        }
        let filler = vec![0; 1024 * self.random.below(MOST_FILLER + 1)];
        message.add_field(Field::bytes("filler", "", filler));
        message
    }

    fn fields(&mut self) -> usize {
        self.random.below(MOST_FIELDS + 1)
    }

    fn payload(&mut self, size: usize) -> Vec<u8> {
        let mut payload = format!("hekabench: {} - ", self.hostname).into_bytes();
        self.random.append(size, self.test.ascii_only, &mut payload);
        payload
    }
}
