//! SandboxInput: a Lua script brings messages in.

use std::time::{Duration, Instant};

use heka_message::Message;
use heka_plugin::input::{InputPlugin, PackInjector};
use heka_plugin::report::{ReportRow, row};
use heka_plugin::{
    ConfigError, Context, Inlet, Input, InputDefaults, Pack, PluginDef, PluginError, Stop, registry,
};
use heka_sandbox::{INPUT, Injected, Messages, Outcome, Reencoding, Refused, Sandbox, SandboxConfig};

use crate::home_zone::HomeZone;
use crate::sandbox_data::SandboxData;
use crate::sandbox_timing::sandbox_rows;

/// The row of SandboxInput.
pub static DEF: PluginDef = registry::input::<SandboxInput>();

/// What a script's error ends with when it was interrupted because hekad stops.
const SHUTTING_DOWN: &str = "shutting down";

/// Runs a script's `process_message`, once or on every tick; what it injects goes into the pipeline as it is.
pub struct SandboxInput {
    sandbox: Sandbox,
    /// `None` without `preserve_data`.
    data: Option<SandboxData>,
    zone: HomeZone,
    counts: InputCounts,
}

/// What an input has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InputCounts {
    /// Messages injected.
    pub messages: u64,
    /// Their protobuf bytes.
    pub bytes: u64,
    /// Calls of `process_message` that failed.
    pub failures: u64,
}

impl InputPlugin for SandboxInput {
    type Config = SandboxConfig;
    const NAME: &'static str = "SandboxInput";
    const DEFAULTS: InputDefaults = InputDefaults { can_exit: true, ..InputDefaults::USUAL };

    fn open(config: SandboxConfig, context: &Context) -> Result<SandboxInput, ConfigError> {
        let zone = HomeZone::of(&config)?;
        let mut settings = config.settings(&INPUT, "", context)?;
        settings.reencoding = Reencoding::Always;
        let data = SandboxData::of(&mut settings, &context.name);
        let open = if context.only_check { Sandbox::check } else { Sandbox::open };
        let sandbox = open(settings).map_err(ConfigError::Init)?;
        Ok(SandboxInput { sandbox, data, zone, counts: InputCounts::default() })
    }
}

impl Input for SandboxInput {
    fn run(&mut self, inlet: &dyn Inlet, stop: &Stop) -> Result<(), PluginError> {
        self.sandbox.interrupt_on(stop.clone());
        let mut injector = inlet.injector().map_err(PluginError::Run)?;
        let result = self.poll(inlet, injector.as_mut(), stop);
        if let Some(data) = &self.data
            && let Err(why) = data.save(&mut self.sandbox)
        {
            inlet.log_error(&why);
        }
        self.sandbox.terminate();
        result
    }

    fn report(&self) -> Vec<ReportRow> {
        let mut rows = sandbox_rows(self.sandbox.figures(), true);
        rows.push(row("ProcessMessageCount", self.counts.messages, "count"));
        rows.push(row("ProcessMessageFailures", self.counts.failures, "count"));
        rows.push(row("ProcessMessageBytes", self.counts.bytes, "B"));
        rows
    }
}

impl SandboxInput {
    /// What was counted so far.
    pub fn counts(&self) -> InputCounts {
        self.counts
    }

    /// Calls the script until it ends, `stop` is requested, or, without a ticker, once.
    fn poll(
        &mut self,
        inlet: &dyn Inlet,
        injector: &mut dyn PackInjector,
        stop: &Stop,
    ) -> Result<(), PluginError> {
        let every = Duration::from_secs(inlet.ticker_interval_s());
        let mut due = Instant::now();
        inlet.leave_report(self.report());
        loop {
            match self.process(injector) {
                Outcome::Returned(status) if status <= 0 => {
                    if status < 0 {
                        self.counts.failures += 1;
                        let why = self.sandbox.last_error();
                        if !why.is_empty() {
                            inlet.log_error(&why);
                        }
                    }
                }
                Outcome::Aborted => return Ok(()),
                _ => return self.ended(),
            }
            inlet.leave_report(self.report());
            if every.is_zero() {
                inlet.log_info("single run completed");
                return Ok(());
            }
            due += every;
            let now = Instant::now();
            if due <= now {
                // Ticks that came while the script ran are one.
                due = now;
            }
            if stop.wait(due.saturating_duration_since(now)) {
                return Ok(());
            }
        }
    }

    fn process(&mut self, injector: &mut dyn PackInjector) -> Outcome {
        let SandboxInput { sandbox, zone, counts, .. } = self;
        sandbox.process_message(&mut Call { injector, zone, counts, pack: Pack::new() })
    }

    fn ended(&self) -> Result<(), PluginError> {
        let why = self.sandbox.last_error();
        if why.ends_with(SHUTTING_DOWN) { Ok(()) } else { Err(PluginError::Run(why)) }
    }
}

/// One call of the script.
struct Call<'a> {
    injector: &'a mut dyn PackInjector,
    zone: &'a HomeZone,
    counts: &'a mut InputCounts,
    pack: Pack,
}

impl Call<'_> {
    /// A message that the script brought as bytes, or whose time is to be moved.
    fn parse(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let mut message = Message::decode(bytes).map_err(|_| Refused::Unmarshal)?;
        let (Some(_), Some(timestamp)) = (&message.uuid, message.timestamp) else {
            return Err(Refused::Unmarshal);
        };
        message.timestamp = self.zone.moved(timestamp).or(Some(timestamp));
        *self.pack.message_mut() = message;
        Ok(())
    }
}

impl Messages for Call<'_> {
    fn inject_message(&mut self, message: Injected<'_>) -> Result<(), Refused> {
        self.pack.clear();
        match message.layout {
            Some(layout) if !self.zone.moves() && !layout.has_wide_number() => {
                self.pack.bytes_mut().extend_from_slice(message.bytes);
                self.pack.trust_canonical();
            }
            _ => self.parse(message.bytes)?,
        }
        // Queued at once: a script may wait for its next message inside the call, for as long as it likes.
        let queued = self.injector.inject(&mut self.pack).and_then(|()| self.injector.flush());
        if queued.is_err() {
            return Err(Refused::Aborted);
        }
        self.counts.messages += 1;
        self.counts.bytes += message.bytes.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
