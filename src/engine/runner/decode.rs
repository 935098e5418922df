//! Runs one decoder instance for one stream: failures are logged, marked and counted as the input's options say.

use std::sync::Arc;
use std::time::{Duration, Instant};

use heka_message::Field;
use heka_plugin::{Decode, DecodeError, Decoder, Log, Pack};

use crate::counters::DecodeCounters;
use crate::desk::Desk;

/// A decoder runs on its input's thread, which cannot be asked while it waits. So its report is left every so often.
const REPORT_EVERY: Duration = Duration::from_millis(100);
/// `decode_error` is cut to so many bytes.
const ERROR_TEXT_MAX_BYTES: usize = 500;

/// What the input's options say about failures.
#[derive(Clone, Copy, Debug)]
pub struct FailureRules {
    /// `send_decode_failures`: a record that failed goes on, marked.
    pub send: bool,
    /// `log_decode_failures`
    pub log: bool,
    /// `synchronous_decode`, which changes how a failure is worded.
    pub synchronous: bool,
}

/// What [`DecoderRunner::decode`] left in the pack and the list of extra packs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The pack goes on.
    pub pack: bool,
    /// The decoder cannot go on; hekad has to stop.
    pub fatal: bool,
}

/// A decoder instance with its log and rules.
pub struct DecoderRunner {
    decoder: Box<dyn Decoder>,
    rules: FailureRules,
    decoder_log: Arc<dyn Log>,
    input_log: Arc<dyn Log>,
    desk: Desk,
    counters: Arc<DecodeCounters>,
    /// One in so many records is timed.
    sample: u64,
    until_sample: u64,
    reported_at: Option<Instant>,
}

impl DecoderRunner {
    /// A runner; failures go to the decoder's log or, decoding synchronously, to the input's.
    pub fn new(
        decoder: Box<dyn Decoder>,
        rules: FailureRules,
        decoder_log: Arc<dyn Log>,
        input_log: Arc<dyn Log>,
        desk: Desk,
    ) -> DecoderRunner {
        desk.answer(decoder.report());
        DecoderRunner {
            decoder,
            rules,
            decoder_log,
            input_log,
            desk,
            counters: Arc::default(),
            sample: 1,
            until_sample: 0,
            reported_at: None,
        }
    }

    /// The same, which counts what it does and times one in `sample` records, the first one always.
    pub fn counting(self, counters: Arc<DecodeCounters>, sample: u32) -> DecoderRunner {
        DecoderRunner { counters, sample: u64::from(sample.max(1)), ..self }
    }

    /// Leaves the decoder's report, if it is time to.
    pub fn leave_report(&mut self) {
        if self.reported_at.is_none_or(|at| at.elapsed() >= REPORT_EVERY) || self.desk.is_asked() {
            self.reported_at = Some(Instant::now());
            self.desk.answer(self.decoder.report());
        }
    }

    /// Decodes a pack; extra messages are pushed to `extra`.
    pub fn decode(&mut self, pack: &mut Pack, extra: &mut Vec<Pack>) -> Outcome {
        let began = self.sampled();
        let result = self.decoder.decode(pack, extra);
        if let Some(began) = began {
            self.counters.durations.add(began.elapsed());
        }
        for text in self.decoder.take_log() {
            self.decoder_log.error(&text);
        }
        match result {
            Ok(Decode::Done) => Outcome { pack: true, fatal: false },
            Ok(Decode::Nothing) => Outcome { pack: false, fatal: false },
            Err(DecodeError::Failed(why)) => Outcome { pack: self.failed(pack, &why), fatal: false },
            Err(DecodeError::Fatal { why, pack_is_done }) => {
                self.decoder_log.error(&why);
                Outcome { pack: pack_is_done, fatal: true }
            }
        }
    }

    /// Counts a record; the time now if it is one that is timed.
    fn sampled(&mut self) -> Option<Instant> {
        self.counters.records.add(1);
        let is_due = self.until_sample == 0;
        self.until_sample = if is_due { self.sample - 1 } else { self.until_sample - 1 };
        is_due.then(Instant::now)
    }

    /// Ends the decoder. It preserves its state.
    pub fn stop(&mut self) {
        if let Err(why) = self.decoder.stop() {
            self.decoder_log.error(&why);
        }
    }

    fn failed(&self, pack: &mut Pack, why: &str) -> bool {
        self.counters.failed.add(1);
        self.counters.problems.note(why);
        if self.rules.log {
            if self.rules.synchronous {
                self.input_log.error(&format!("decoding: {why}"));
            } else {
                self.decoder_log.error(why);
            }
        }
        if self.rules.send {
            let cut = &why.as_bytes()[..why.len().min(ERROR_TEXT_MAX_BYTES)];
            let fields = &mut pack.message_mut().fields;
            fields.push(Field::boolean("decode_failure", "", true));
            fields.push(Field::string("decode_error", "", cut));
        }
        self.rules.send
    }
}
