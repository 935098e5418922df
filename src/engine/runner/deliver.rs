//! One stream's way from bytes to queued messages: split, make a message, decorate, decode, append.

use std::sync::Arc;

use heka_plugin::input::Decorator;
use heka_plugin::{Deliverer, Log, Pack, PluginError, Pushed, Receipt, Splitter, fresh_uuid};

use super::append::Appender;
use super::decode::DecoderRunner;

/// How a splitter section's options apply to a stream.
#[derive(Clone, Copy, Debug)]
pub struct SplitRules {
    /// Deliver the first part of an over-long record.
    pub keep_truncated: bool,
    /// A record is a serialized message.
    pub use_message_bytes: bool,
    /// Deliver an unfinished record when the stream ends.
    pub deliver_incomplete_final: bool,
    /// Longest record in bytes.
    pub max_record_size: usize,
}

/// What a stream is made of.
pub struct Parts {
    /// Name of the input, which is the Logger of its messages.
    pub input: String,
    /// Cuts the records.
    pub splitter: Box<dyn Splitter>,
    /// The splitter section's options.
    pub rules: SplitRules,
    /// Decodes them, if anything does.
    pub decoder: Option<DecoderRunner>,
    /// Where they go.
    pub appender: Appender,
    /// The input's log.
    pub input_log: Arc<dyn Log>,
    /// The splitter's log.
    pub splitter_log: Arc<dyn Log>,
    /// Told when a decoder cannot go on.
    pub on_fatal: Arc<dyn Fn() + Send + Sync>,
    /// Called when the stream ends.
    pub on_end: Box<dyn FnMut() + Send>,
}

/// The engine's [`Deliverer`].
pub struct StreamDeliverer {
    parts: Parts,
    decorator: Option<Decorator>,
    /// The beginning of an unfinished record.
    rest: Vec<u8>,
    /// The next record is the tail of an over-long one.
    swallow_next: bool,
    /// Tails of over-long records are no records of their own.
    swallows_tails: bool,
    done: u64,
    records: u64,
    pack: Pack,
    extra: Vec<Pack>,
    dead: bool,
}

impl StreamDeliverer {
    /// A deliverer for a new stream.
    pub fn new(parts: Parts) -> StreamDeliverer {
        StreamDeliverer {
            parts,
            decorator: None,
            rest: Vec::new(),
            swallow_next: false,
            swallows_tails: false,
            done: 0,
            records: 0,
            pack: Pack::new(),
            extra: Vec::new(),
            dead: false,
        }
    }

    /// Delivers the complete records at the start of `data`; returns how many bytes are done with.
    fn split(&mut self, data: &[u8]) -> Result<usize, PluginError> {
        let max = self.parts.rules.max_record_size;
        let mut start = 0;
        while start < data.len() && !self.dead {
            let window = &data[start..data.len().min(start + max)];
            let found = self.parts.splitter.find(window);
            if let Some(problem) = &found.problem {
                self.parts.splitter_log.error(problem);
            }
            match found.record {
                Some(range) => {
                    let consumed = found.consumed.max(1);
                    if std::mem::take(&mut self.swallow_next) {
                        // Nothing: the remainder of a record that was dropped or cut.
                    } else if !range.is_empty() {
                        self.record(&window[range])?;
                    }
                    start += consumed;
                }
                None if found.consumed > 0 => start += found.consumed,
                None if window.len() == max => {
                    self.overlong(window)?;
                    start += max;
                }
                None => break,
            }
        }
        Ok(start)
    }

    fn overlong(&mut self, window: &[u8]) -> Result<(), PluginError> {
        let max = self.parts.rules.max_record_size;
        let keep = self.parts.rules.keep_truncated;
        let fate = match (self.swallows_tails, keep) {
            (false, _) => "",
            (true, true) => " and was truncated",
            (true, false) => " and was dropped",
        };
        self.parts.input_log.error(&format!("record exceeded MAX_RECORD_SIZE {max}{fate}"));
        if keep {
            self.record(window)?;
        }
        self.swallow_next = self.swallows_tails;
        Ok(())
    }

    fn record(&mut self, record: &[u8]) -> Result<(), PluginError> {
        let Some(unframed) = self.parts.splitter.unframe(record) else {
            return Ok(());
        };
        self.records += 1;
        let body = &record[unframed.message];
        if self.parts.rules.use_message_bytes {
            self.pack.set_raw(body);
        } else {
            self.make_message(body);
        }
        self.pack.signer = unframed.signer;
        self.decode_and_queue()
    }

    fn make_message(&mut self, payload: &[u8]) {
        self.pack.clear();
        let message = self.pack.message_mut();
        message.uuid = Some(fresh_uuid()[..].into());
        message.timestamp = Some(now_ns());
        message.logger = Some(self.parts.input.as_str().into());
        message.payload = Some(payload.into());
        if let Some(decorate) = &mut self.decorator {
            decorate(&mut self.pack);
        }
    }

    fn decode_and_queue(&mut self) -> Result<(), PluginError> {
        let Some(decoder) = &mut self.parts.decoder else {
            if self.parts.rules.use_message_bytes && self.pack.trust_raw().is_err() {
                // No decoder will ever make sense of these bytes; kept as a payload they are not lost.
                let raw = self.pack.raw().to_vec();
                self.make_message(&raw);
            }
            return self.parts.appender.add(&mut self.pack, 0);
        };
        let outcome = decoder.decode(&mut self.pack, &mut self.extra);
        if outcome.pack {
            self.parts.appender.add(&mut self.pack, 0)?;
        }
        let signer = self.pack.signer.clone();
        for mut extra in self.extra.drain(..) {
            extra.signer.clone_from(&signer);
            self.parts.appender.add(&mut extra, 0)?;
        }
        if outcome.fatal {
            self.dead = true;
            (self.parts.on_fatal)();
        }
        Ok(())
    }

    fn pushed(&mut self, records_before: u64) -> Result<Pushed, PluginError> {
        if let Some(decoder) = &mut self.parts.decoder {
            decoder.leave_report();
        }
        let receipt = self.parts.appender.append()?;
        Ok(Pushed { done: self.done, records: self.records - records_before, receipt })
    }

    fn alive(&self) -> Result<(), PluginError> {
        if self.dead { Err(PluginError::run("the decoder has ended")) } else { Ok(()) }
    }
}

impl Deliverer for StreamDeliverer {
    fn set_decorator(&mut self, decorator: Decorator) {
        self.decorator = (!self.parts.rules.use_message_bytes).then_some(decorator);
    }

    fn swallow_long_tails(&mut self) {
        self.swallows_tails = true;
    }

    fn push(&mut self, bytes: &[u8]) -> Result<Pushed, PluginError> {
        self.alive()?;
        let before = self.records;
        if self.rest.is_empty() {
            let done = self.split(bytes)?;
            self.rest.extend_from_slice(&bytes[done..]);
            self.done += done as u64;
        } else {
            let mut data = std::mem::take(&mut self.rest);
            data.extend_from_slice(bytes);
            let done = self.split(&data)?;
            data.drain(..done);
            self.rest = data;
            self.done += done as u64;
        }
        self.pushed(before)
    }

    fn finish(&mut self) -> Result<Pushed, PluginError> {
        self.alive()?;
        let before = self.records;
        let rest = std::mem::take(&mut self.rest);
        let swallow = std::mem::take(&mut self.swallow_next);
        if self.parts.rules.deliver_incomplete_final && !rest.is_empty() && !swallow {
            self.record(&rest)?;
            self.done += rest.len() as u64;
        }
        self.pushed(before)
    }

    fn finish_record(&mut self) -> Result<Pushed, PluginError> {
        self.alive()?;
        let before = self.records;
        let rest = std::mem::take(&mut self.rest);
        let swallow = std::mem::take(&mut self.swallow_next);
        if !rest.is_empty() && !swallow {
            self.record(&rest)?;
        }
        self.done += rest.len() as u64;
        self.pushed(before)
    }

    fn push_blob(&mut self, bytes: &[u8]) -> Result<Pushed, PluginError> {
        self.alive()?;
        let before = self.records;
        self.swallow_next = false;
        let done = self.split(bytes)?;
        let tail = &bytes[done..];
        if !tail.is_empty() && self.parts.rules.deliver_incomplete_final {
            self.record(tail)?;
        }
        self.done += bytes.len() as u64;
        let pushed = self.pushed(before)?;
        if pushed.records == 0 && !bytes.is_empty() && !tail.is_empty() {
            return Err(PluginError::run("no records"));
        }
        Ok(pushed)
    }

    fn push_whole(&mut self, bytes: &[u8]) -> Result<Pushed, PluginError> {
        if self.takes_whole_reads() {
            self.alive()?;
            let before = self.records;
            if !bytes.is_empty() {
                self.record(bytes)?;
            }
            self.done += bytes.len() as u64;
            return self.pushed(before);
        }
        let pushed = self.push(bytes)?;
        let finished = self.finish()?;
        self.reset();
        Ok(Pushed { records: pushed.records + finished.records, ..finished })
    }

    fn inject(&mut self, pack: &mut Pack) -> Result<Receipt, PluginError> {
        self.parts.appender.add(pack, 0)?;
        self.parts.appender.append()
    }

    fn deliver(&mut self, pack: &mut Pack) -> Result<Receipt, PluginError> {
        self.alive()?;
        if self.parts.decoder.is_none() {
            return self.inject(pack);
        }
        let before = self.records;
        self.records += 1;
        std::mem::swap(&mut self.pack, pack);
        let decoded = self.decode_and_queue();
        std::mem::swap(&mut self.pack, pack);
        decoded?;
        Ok(self.pushed(before)?.receipt)
    }

    fn reset(&mut self) {
        self.rest.clear();
        self.swallow_next = false;
        self.done = 0;
    }

    fn pending(&self) -> usize {
        self.rest.len()
    }

    fn takes_whole_reads(&self) -> bool {
        self.parts.splitter.takes_whole_reads()
    }
}

impl Drop for StreamDeliverer {
    fn drop(&mut self) {
        if let Some(decoder) = &mut self.parts.decoder {
            decoder.stop();
        }
        (self.parts.on_end)();
    }
}

/// Nanoseconds since the epoch.
pub fn now_ns() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
