//! Runs an input on its thread: restarts, and what follows when it ends.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;

use heka_plugin::{ConfigError, Input, Log, PluginError, Stop};

use super::inlet::StreamInlet;
use super::retry::Retry;

/// Makes the input anew for a restart.
pub type Remake<T> = Box<dyn Fn() -> Result<Box<T>, ConfigError> + Send>;

/// What an input's thread needs.
pub struct InputRunner {
    /// The input.
    pub input: Box<dyn Input>,
    /// What it sees of the engine.
    pub inlet: StreamInlet,
    /// Its attempts.
    pub retry: Retry,
    /// Makes it anew.
    pub remake: Remake<dyn Input>,
}

impl InputRunner {
    /// Runs it, again and again if it restarts. Returns when it has ended for good.
    pub fn run(mut self) {
        let counters = self.inlet.counters.clone();
        counters.running.store(true, Ordering::Relaxed);
        self.work();
        counters.running.store(false, Ordering::Relaxed);
    }

    fn work(&mut self) {
        loop {
            let stop = self.inlet.stop.clone();
            let result = guarded(|| self.input.run(&self.inlet, &stop));
            let Err(error) = result else { return };
            if stop.is_requested() && matches!(error, PluginError::Terminated(_)) {
                return;
            }
            self.inlet.log.error(&error.to_string());
            if stop.is_requested() || !self.inlet.defaults.restarts || !self.restart(&stop) {
                return;
            }
        }
    }

    fn restart(&mut self, stop: &Stop) -> bool {
        loop {
            let Some(pause) = self.retry.next_pause() else {
                self.inlet.log.error("Max retries exceeded");
                return false;
            };
            if stop.wait(pause) {
                return false;
            }
            let (times, max) = (self.retry.times, self.retry.max());
            self.inlet.log.info(&format!("Restarting (attempt {times}/{max})"));
            match (self.remake)() {
                Ok(input) => {
                    self.inlet.counters.restarts.add(1);
                    self.input = input;
                    return true;
                }
                Err(error) => self.inlet.log.error(&error.to_string()),
            }
        }
    }
}

/// Runs plugin code; a panic in it becomes that plugin's error and nobody else's.
///
/// # Errors
/// As the plugin's, or the panic's text.
pub fn guarded(run: impl FnOnce() -> Result<(), PluginError>) -> Result<(), PluginError> {
    std::panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(PluginError::Run(format!("panic: {}", text.unwrap_or_else(|| "unknown".into()))))
    })
}

/// Logs the end of a filter or output.
pub fn log_end(log: &dyn Log, result: &Result<(), PluginError>) {
    if let Err(error) = result {
        log.error(&error.to_string());
    }
    log.info("stopped");
}
