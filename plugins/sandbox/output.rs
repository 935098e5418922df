//! SandboxOutput: a Lua script sends messages somewhere.

use heka_message::MessageView;
use heka_plugin::output::OutputPlugin;
use heka_plugin::report::ReportRow;
use heka_plugin::{
    ConfigError, Context, Output, OutputDefaults, PluginDef, Record, SendError, Stop, registry,
};
use heka_sandbox::{Messages, NoMessages, OUTPUT, Outcome, Sandbox, SandboxConfig, Source};

use crate::complaint::Complaint;
use crate::sandbox_data::SandboxData;
use crate::sandbox_timing::Timing;

/// The row of SandboxOutput.
pub static DEF: PluginDef = registry::output::<SandboxOutput>();

/// Runs a script's `process_message` on every message and its `timer_event` on every tick. A message that the script
/// fails on is not sent again.
pub struct SandboxOutput {
    sandbox: Sandbox,
    /// `None` without `preserve_data`.
    data: Option<SandboxData>,
    timer_event_on_shutdown: bool,
    /// Why the script cannot be called any more.
    fatal: Option<String>,
    /// The script hears of the stop.
    hears_stop: bool,
    complaint: Complaint,
    timing: Timing,
    context: Context,
}

impl OutputPlugin for SandboxOutput {
    type Config = SandboxConfig;
    const NAME: &'static str = "SandboxOutput";
    const DEFAULTS: OutputDefaults =
        OutputDefaults { can_exit: true, reads_message: true, ..OutputDefaults::USUAL };

    fn open(config: SandboxConfig, context: &Context) -> Result<SandboxOutput, ConfigError> {
        let mut settings = config.settings(&OUTPUT, "", context)?;
        let data = SandboxData::of(&mut settings, &context.name);
        let open = if context.only_check { Sandbox::check } else { Sandbox::open };
        Ok(SandboxOutput {
            sandbox: open(settings).map_err(ConfigError::Init)?,
            data,
            timer_event_on_shutdown: config.timer_event_on_shutdown,
            fatal: None,
            hears_stop: false,
            complaint: Complaint::default(),
            timing: Timing::new(&context.globals, false),
            context: context.clone(),
        })
    }
}

impl Output for SandboxOutput {
    fn send(&mut self, batch: &[Record<'_>], stop: &Stop) -> Result<(), SendError> {
        if !self.hears_stop {
            self.sandbox.interrupt_on(stop.clone());
            self.hears_stop = true;
        }
        self.check()?;
        for (index, record) in batch.iter().enumerate() {
            if !self.process(record.message) {
                // The message that ended the script is done with, else it would end it again at the next start.
                return Err(SendError::Reject { index, why: String::new() });
            }
        }
        Ok(())
    }

    fn tick(&mut self, now_ns: i64) -> Result<(), SendError> {
        self.check()?;
        self.timer_event(now_ns);
        self.check()
    }

    fn idle(&mut self, _: i64) -> Result<(), SendError> {
        self.check()
    }

    fn stop(&mut self) {
        if self.fatal.is_none() && self.timer_event_on_shutdown {
            self.timer_event(now_ns());
            if let Some(why) = &self.fatal {
                self.context.log.error(why);
            }
        }
        if let Some(data) = &self.data
            && let Err(why) = data.save(&mut self.sandbox)
        {
            self.context.log.error(&why);
        }
        self.sandbox.terminate();
    }

    fn report(&self) -> Vec<ReportRow> {
        self.timing.report(self.sandbox.figures(), false)
    }
}

impl SandboxOutput {
    /// Whether the script goes on.
    fn process(&mut self, message: MessageView<'_>) -> bool {
        let began = self.timing.begin();
        let outcome = self.sandbox.process_message(&mut Call(message));
        self.timing.processed(began, 0);
        match outcome {
            Outcome::Returned(0) => self.timing.counts.processed += 1,
            Outcome::Returned(status) if status < 0 => {
                self.timing.counts.failures += 1;
                let why = self.sandbox.last_error();
                if !why.is_empty() && self.complaint.is_due(&why) {
                    self.context.log.info(&format!("message not sent: {why}"));
                }
            }
            _ => self.fatal = Some(format!("FATAL: {}", self.sandbox.last_error())),
        }
        self.fatal.is_none()
    }

    fn timer_event(&mut self, now_ns: i64) {
        let began = std::time::Instant::now();
        let outcome = self.sandbox.timer_event(now_ns, &mut NoMessages);
        self.timing.ticked(began, 0);
        if !matches!(outcome, Outcome::Returned(_)) {
            self.fatal = Some(format!("FATAL: {}", self.sandbox.last_error()));
        }
    }

    fn check(&self) -> Result<(), SendError> {
        self.fatal.clone().map_or(Ok(()), |why| Err(SendError::Fatal(why)))
    }
}

fn now_ns() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_nanos()).unwrap_or(i64::MAX)
}

/// The message that the script reads.
struct Call<'a>(MessageView<'a>);

impl Messages for Call<'_> {
    fn current(&mut self) -> Option<Source<'_>> {
        Some(Source::Encoded(self.0))
    }
}

#[cfg(test)]
mod tests;
