//! SandboxFilter: a Lua script reads messages and makes new ones.

mod call;
mod preserved;

use heka_message::{Field, Message};
use heka_plugin::filter::FilterPlugin;
use heka_plugin::report::ReportRow;
use heka_plugin::{
    ConfigError, Context, Filter, FilterDefaults, Inject, PluginDef, PluginError, Record, registry,
};
use heka_sandbox::{FILTER, Outcome, Reencoding, Sandbox, SandboxConfig, Settings};

use crate::sandbox_timing::Timing;
use crate::word_name::word_name;
use call::{Call, Labels};
use preserved::Preserved;

/// The row of SandboxFilter.
pub static DEF: PluginDef = registry::filter::<SandboxFilter>();

/// Runs a script's `process_message` on every message and its `timer_event` on every tick.
pub struct SandboxFilter {
    sandbox: Sandbox,
    /// What the sandbox is opened with; again, when a saved state is taken up.
    settings: Settings,
    /// `None` without `preserve_data`.
    preserved: Option<Preserved>,
    labels: Labels,
    timer_event_on_shutdown: bool,
    /// A limit was broken and the script caught the error: the filter ends with this once it ends anyway.
    caught: Option<String>,
    timing: Timing,
    context: Context,
}

impl FilterPlugin for SandboxFilter {
    type Config = SandboxConfig;
    const NAME: &'static str = "SandboxFilter";
    const DEFAULTS: FilterDefaults = FilterDefaults { can_exit: true, ..FilterDefaults::USUAL };

    fn open(config: SandboxConfig, context: &Context) -> Result<SandboxFilter, ConfigError> {
        let mut settings = config.settings(&FILTER, &word_name(&context.name), context)?;
        settings.reencoding = Reencoding::Always;
        let preserved = settings.state_file.clone().map(Preserved::new);
        let sandbox = Sandbox::open(settings.clone()).map_err(ConfigError::Init)?;
        Ok(SandboxFilter {
            sandbox,
            settings,
            preserved,
            labels: Labels::new(context),
            timer_event_on_shutdown: config.timer_event_on_shutdown,
            caught: None,
            timing: Timing::new(&context.globals, config.profile),
            context: context.clone(),
        })
    }
}

impl Filter for SandboxFilter {
    fn process(&mut self, record: &Record<'_>, inject: &mut dyn Inject) -> Result<(), PluginError> {
        self.timing.counts.processed += 1;
        let began = self.timing.begin();
        let budget = self.context.globals.max_process_inject;
        let mut call = Call::new(Some(record.message), budget, &mut self.labels, &mut self.caught, inject);
        let outcome = self.sandbox.process_message(&mut call);
        let injected = call.injected;
        self.timing.processed(began, injected);
        match outcome {
            Outcome::Returned(status) if status <= 0 => {
                if status < 0 {
                    self.timing.counts.failures += 1;
                    self.log_failure();
                }
                Ok(())
            }
            outcome => Err(self.ended(outcome, inject)),
        }
    }

    fn tick(&mut self, now_ns: i64, inject: &mut dyn Inject) -> Result<(), PluginError> {
        match self.timer_event(now_ns, inject) {
            Outcome::Returned(_) => Ok(()),
            outcome => Err(self.ended(outcome, inject)),
        }
    }

    fn stop(&mut self, now_ns: i64, inject: &mut dyn Inject) -> Result<(), PluginError> {
        let mut result = match self.caught.take() {
            Some(reason) if self.sandbox.is_running() => Err(terminated(&reason)),
            _ => Ok(()),
        };
        if self.sandbox.is_running()
            && self.timer_event_on_shutdown
            && !matches!(self.timer_event(now_ns, inject), Outcome::Returned(_))
        {
            result = Err(PluginError::Run(format!("FATAL: {}", self.sandbox.last_error())));
        }
        if let Some(preserved) = &mut self.preserved
            && self.sandbox.is_running()
            && let Err(why) = preserved.finish(&mut self.sandbox)
        {
            if let Err(error) = &result {
                self.context.log.error(&error.to_string());
            }
            result = Err(PluginError::Run(why));
        }
        self.sandbox.terminate();
        result
    }

    fn report(&self) -> Vec<ReportRow> {
        self.timing.report(self.sandbox.figures(), true)
    }

    fn save(&mut self) -> Option<Vec<u8>> {
        self.preserved.as_mut()?.save(&mut self.sandbox)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), String> {
        let Some(preserved) = &mut self.preserved else { return Ok(()) };
        let Some(text) = preserved.take_up(state)? else { return Ok(()) };
        let settings = Settings { state: Some(text), ..self.settings.clone() };
        self.sandbox = Sandbox::open(settings)?;
        Ok(())
    }
}

impl SandboxFilter {
    fn timer_event(&mut self, now_ns: i64, inject: &mut dyn Inject) -> Outcome {
        let began = std::time::Instant::now();
        let budget = self.context.globals.max_timer_inject;
        let mut call = Call::new(None, budget, &mut self.labels, &mut self.caught, inject);
        let outcome = self.sandbox.timer_event(now_ns, &mut call);
        let injected = call.injected;
        self.timing.ticked(began, injected);
        outcome
    }

    /// The script, or a limit, ended the filter: says so in a message, and gives the error that ends its run.
    fn ended(&mut self, outcome: Outcome, inject: &mut dyn Inject) -> PluginError {
        let reason = self.sandbox.last_error();
        if outcome == Outcome::Aborted {
            // hekad stops hard: the queue takes no messages, and the state stays for the next start.
            return PluginError::Run("aborted".into());
        }
        self.sandbox.terminate();
        self.caught = None;
        let message = termination(&self.context.name, &reason, inject.new_message());
        // A filter whose matcher takes this message too is not told; the log has the reason as well.
        let _refused = inject.announce(&message);
        terminated(&reason)
    }

    fn log_failure(&self) {
        let why = self.sandbox.last_error();
        if !why.is_empty() {
            self.context.log.error(&why);
        }
    }
}

fn terminated(reason: &str) -> PluginError {
    PluginError::Terminated(format!("Terminated. Reason: {reason}"))
}

/// The message that tells of the end of a sandbox filter.
pub(super) fn termination(plugin: &str, reason: &str, mut message: Message) -> Message {
    message.msg_type = Some("heka.sandbox-terminated".into());
    message.logger = Some("hekad".into());
    message.payload = Some(reason.into());
    message.fields.push(Field::string("plugin", "", plugin));
    message
}

#[cfg(test)]
mod tests;
