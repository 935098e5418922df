//! An inlet for the tests of inputs: records are lines, and they end up in a list.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use heka_message::Message;
use heka_plugin::input::Decorator;
use heka_plugin::{Deliverer, Inlet, Pack, PluginError, Pushed, Receipt};

/// Longest wait for something to happen.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Default)]
pub(crate) struct Seen {
    messages: Vec<Message>,
    tokens: Vec<String>,
    log: Vec<String>,
    ended: usize,
}

/// What the inputs under test have brought.
#[derive(Clone, Default)]
pub(crate) struct FakeInlet {
    pub(crate) seen: Arc<(Mutex<Seen>, Condvar)>,
    /// One read is one record.
    pub(crate) whole_reads: bool,
    /// An unfinished record is delivered at the end.
    pub(crate) final_too: bool,
    /// `ticker_interval`.
    pub(crate) tick_s: u64,
}

impl FakeInlet {
    fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.0.lock().unwrap());
        self.seen.1.notify_all();
    }

    fn await_until<T>(&self, done: impl Fn(&Seen) -> bool, give: impl Fn(&Seen) -> T) -> T {
        let seen = self.seen.0.lock().unwrap();
        let (seen, waited) = self.seen.1.wait_timeout_while(seen, PATIENCE, |seen| !done(seen)).unwrap();
        assert!(!waited.timed_out(), "waited in vain; log: {:?}", seen.log);
        give(&seen)
    }

    /// The first messages, once there are so many.
    pub(crate) fn messages(&self, count: usize) -> Vec<Message> {
        self.await_until(|seen| seen.messages.len() >= count, |seen| seen.messages.clone())
    }

    /// Their payloads.
    pub(crate) fn payloads(&self, count: usize) -> Vec<String> {
        let text = |message: Message| message.payload.unwrap_or_default().to_string();
        self.messages(count).into_iter().map(text).collect()
    }

    /// The tokens of all streams, once there are so many.
    pub(crate) fn tokens(&self, count: usize) -> Vec<String> {
        self.await_until(|seen| seen.tokens.len() >= count, |seen| seen.tokens.clone())
    }

    /// The log, once a line contains `text`.
    pub(crate) fn log_with(&self, text: &str) -> Vec<String> {
        self.await_until(|seen| seen.log.iter().any(|line| line.contains(text)), |seen| seen.log.clone())
    }

    /// Waits until so many streams have ended.
    pub(crate) fn ended(&self, count: usize) {
        self.await_until(|seen| seen.ended >= count, |_| ());
    }
}

impl Inlet for FakeInlet {
    fn deliverer(&self, token: &str) -> Result<Box<dyn Deliverer>, String> {
        self.change(|seen| seen.tokens.push(token.into()));
        Ok(Box::new(Lines { inlet: self.clone(), decorator: None, rest: vec![], done: 0 }))
    }

    fn ticker_interval_s(&self) -> u64 {
        self.tick_s
    }

    fn log_info(&self, text: &str) {
        self.change(|seen| seen.log.push(format!("info: {text}")));
    }

    fn log_error(&self, text: &str) {
        self.change(|seen| seen.log.push(format!("error: {text}")));
    }
}

struct Lines {
    inlet: FakeInlet,
    decorator: Option<Decorator>,
    rest: Vec<u8>,
    done: u64,
}

impl Lines {
    fn record(&mut self, record: &[u8]) {
        self.done += record.len() as u64;
        let mut pack = Pack::new();
        pack.message_mut().payload = Some(record.into());
        if let Some(decorate) = &mut self.decorator {
            decorate(&mut pack);
        }
        let message = pack.message().clone();
        self.inlet.change(|seen| seen.messages.push(message));
    }

    fn pushed(&self, records: u64) -> Pushed {
        Pushed { done: self.done, records, receipt: Receipt::resolved() }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.inlet.change(|seen| seen.ended += 1);
    }
}

impl Deliverer for Lines {
    fn set_decorator(&mut self, decorator: Decorator) {
        self.decorator = Some(decorator);
    }

    fn swallow_long_tails(&mut self) {}

    fn push(&mut self, bytes: &[u8]) -> Result<Pushed, PluginError> {
        if bytes == b"panic\n" {
            panic!("asked to");
        }
        if self.inlet.whole_reads {
            self.record(bytes);
            return Ok(self.pushed(1));
        }
        self.rest.extend_from_slice(bytes);
        let mut records = 0;
        let bytes = std::mem::take(&mut self.rest);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if line.ends_with(b"\n") {
                self.record(line);
                records += 1;
            } else {
                self.rest = line.to_vec();
            }
        }
        Ok(self.pushed(records))
    }

    fn finish(&mut self) -> Result<Pushed, PluginError> {
        let rest = std::mem::take(&mut self.rest);
        if self.inlet.final_too && !rest.is_empty() {
            self.record(&rest);
        }
        Ok(self.pushed(0))
    }

    fn finish_record(&mut self) -> Result<Pushed, PluginError> {
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            self.record(&rest);
        }
        Ok(self.pushed(0))
    }

    fn push_blob(&mut self, bytes: &[u8]) -> Result<Pushed, PluginError> {
        self.record(bytes);
        Ok(self.pushed(1))
    }

    fn inject(&mut self, pack: &mut Pack) -> Result<Receipt, PluginError> {
        let message = pack.message().clone();
        self.inlet.change(|seen| seen.messages.push(message));
        Ok(Receipt::resolved())
    }

    fn reset(&mut self) {
        self.rest.clear();
    }

    fn pending(&self) -> usize {
        self.rest.len()
    }

    fn takes_whole_reads(&self) -> bool {
        self.inlet.whole_reads
    }
}
