//! What an input sees of the engine: it makes deliverers, each with its own splitter and decoder.

use std::sync::{Arc, Mutex, PoisonError};

use heka_plugin::report::ReportRow;
use heka_plugin::{
    ChildInput, ConfigError, Deliverer, Globals, Inlet, InputDefaults, Log, Pack, PackInjector, PluginError,
    Receipt, RunningInput, Stop,
};

use super::append::Appender;
use super::decode::{DecoderRunner, FailureRules};
use super::deliver::{Parts, SplitRules, StreamDeliverer};
use crate::admin::roster::InputCounters;
use crate::config::CommonInput;
use crate::desk::Desk;
use crate::gate::Gate;
use crate::loader::Catalog;
use crate::log::Logger;
use crate::queues::Queues;
use crate::shutdown::Shutdown;

/// A decoder or splitter that is alive.
#[derive(Clone)]
pub struct Live {
    /// Its runner's name.
    pub name: String,
    /// Where its report is.
    pub desk: Desk,
}

/// The decoders or splitters that are alive, in the order of their start.
pub type LiveDecoders = Arc<Mutex<Vec<Live>>>;

/// The engine's [`Inlet`].
pub struct StreamInlet {
    /// The input's name.
    pub name: String,
    /// Its options for every input.
    pub common: CommonInput,
    /// Its type's defaults of them.
    pub defaults: InputDefaults,
    /// Splitters and decoders by name.
    pub catalog: Arc<Catalog>,
    /// The daemon's options.
    pub globals: Arc<Globals>,
    /// Where messages go.
    pub queues: Arc<Queues>,
    /// What holds it back.
    pub gate: Arc<Gate>,
    /// Its stop signal.
    pub stop: Stop,
    /// Told when a decoder cannot go on.
    pub shutdown: Shutdown,
    /// Its log.
    pub log: Arc<dyn Log>,
    /// The daemon's log.
    pub logger: Logger,
    /// Decoders that are alive.
    pub live_decoders: LiveDecoders,
    /// Splitters that are alive.
    pub live_splitters: LiveDecoders,
    /// Where the input's report goes.
    pub desk: Desk,
    /// What it has done.
    pub counters: Arc<InputCounters>,
}

impl StreamInlet {
    fn splitter_section(&self) -> String {
        self.common.splitter_section(&self.defaults).into()
    }

    fn decoder_section(&self) -> String {
        self.common.decoder_section(&self.defaults).into()
    }

    /// Looks whether the sections that the input names exist.
    ///
    /// # Errors
    /// The text with which the input does not start.
    pub fn check(&self) -> Result<(), String> {
        let (splitter, decoder) = (self.splitter_section(), self.decoder_section());
        if !self.catalog.splitters.contains_key(&splitter) {
            return Err(format!("{} specifies undefined splitter {splitter}", self.name));
        }
        if !decoder.is_empty() && !self.catalog.decoders.contains_key(&decoder) {
            return Err(format!("no registered '{decoder}' decoder"));
        }
        Ok(())
    }

    fn appender(&self) -> Appender {
        let gate = Some(self.gate.clone());
        Appender::new(self.queues.input.clone(), gate, self.stop.clone(), self.log.clone())
            .counting(self.counters.appended.clone())
    }

    fn decoder(&self, token: &str) -> Result<Option<(DecoderRunner, Live)>, String> {
        let section = self.decoder_section();
        if section.is_empty() {
            return Ok(None);
        }
        let name = runner_name(&self.name, &section, token);
        let context = self.catalog.context("Decoder", &name, &section);
        let log = context.log.clone();
        let missing = || format!("no registered '{section}' decoder");
        let decoder = self.catalog.decoder(&section, &context).ok_or_else(missing)?.map_err(|error| {
            log.error(&error.to_string());
            missing()
        })?;
        let rules = FailureRules {
            send: self.common.send_decode_failures.unwrap_or(false),
            log: self.common.log_decode_failures.unwrap_or(true),
            synchronous: self.common.synchronous_decode.unwrap_or(false),
        };
        let desk = Desk::default();
        let runner = DecoderRunner::new(decoder, rules, log, self.log.clone(), desk.clone())
            .counting(self.counters.decoded.clone(), self.globals.sample_denominator);
        Ok(Some((runner, Live { name, desk })))
    }
}

fn forget(live: &LiveDecoders, name: &str) {
    let mut live = live.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(at) = live.iter().position(|other| other.name == name) {
        live.remove(at);
    }
}

/// `<input>-<section>[-<token>]`
fn runner_name(input: &str, section: &str, token: &str) -> String {
    if token.is_empty() { format!("{input}-{section}") } else { format!("{input}-{section}-{token}") }
}

/// Puts an input's own messages into the queue.
struct Injector(Appender);

impl PackInjector for Injector {
    fn inject(&mut self, pack: &mut Pack) -> Result<(), PluginError> {
        self.0.add(pack, 0)
    }

    fn flush(&mut self) -> Result<Receipt, PluginError> {
        self.0.append()
    }
}

impl Inlet for StreamInlet {
    fn deliverer(&self, token: &str) -> Result<Box<dyn Deliverer>, String> {
        let section = self.splitter_section();
        let undefined = || format!("{} specifies undefined splitter {section}", self.name);
        let splitter_name = runner_name(&self.name, &section, token);
        let context = self.catalog.context("Splitter", &splitter_name, &section);
        let splitter_log = context.log.clone();
        let made = self.catalog.splitter(&section, &context).ok_or_else(undefined)?;
        let made = made.map_err(|error: ConfigError| {
            format!("{} error creating splitter {section}: {error}", self.name)
        })?;
        let rules = SplitRules {
            keep_truncated: made.common.keep_truncated.unwrap_or(false),
            use_message_bytes: made.common.use_message_bytes.unwrap_or(made.defaults.use_message_bytes),
            deliver_incomplete_final: made.common.deliver_incomplete_final.unwrap_or(false),
            max_record_size: heka_message::max_record_size(self.globals.max_message_size),
        };
        let (decoder, live) = self.decoder(token)?.unzip();
        let asynchronous = !self.common.synchronous_decode.unwrap_or(false);
        let listed = live.filter(|_| asynchronous);
        if let Some(live) = &listed {
            self.live_decoders.lock().unwrap_or_else(PoisonError::into_inner).push(live.clone());
        }
        let live = Live { name: splitter_name.clone(), desk: Desk::default() };
        self.live_splitters.lock().unwrap_or_else(PoisonError::into_inner).push(live);
        let (decoders, splitters) = (self.live_decoders.clone(), self.live_splitters.clone());
        let (ending, failing) = (self.shutdown.clone(), self.shutdown.clone());
        Ok(Box::new(StreamDeliverer::new(Parts {
            input: self.name.clone(),
            splitter: made.splitter,
            rules,
            decoder,
            appender: self.appender(),
            input_log: self.log.clone(),
            splitter_log,
            on_fatal: Arc::new(move || failing.request(1)),
            on_end: Box::new(move || {
                // Those that end because hekad stops are listed by the stop sequence.
                if !ending.has_begun() {
                    forget(&splitters, &splitter_name);
                    listed.iter().for_each(|live| forget(&decoders, &live.name));
                }
            }),
        })))
    }

    fn injector(&self) -> Result<Box<dyn PackInjector>, String> {
        Ok(Box::new(Injector(self.appender())))
    }

    fn start_child(&self, child: ChildInput) -> Result<Box<dyn RunningInput>, String> {
        super::child::start(self, child)
    }

    fn leave_report(&self, rows: Vec<ReportRow>) {
        self.desk.answer(rows);
    }

    fn ticker_interval_s(&self) -> u64 {
        self.common.ticker_interval.unwrap_or(self.defaults.ticker_interval_s)
    }

    fn log_info(&self, text: &str) {
        self.log.info(text);
    }

    fn log_error(&self, text: &str) {
        self.log.error(text);
    }
}
