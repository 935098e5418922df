//! Inputs that another input starts and stops.

use std::time::Instant;

use crate::{ConfigError, Input, InputDefaults, Stop, Table};

/// Makes an input anew for a restart.
pub type RemakeInput = Box<dyn Fn() -> Result<Box<dyn Input>, ConfigError> + Send>;

/// An input that is to run beside the one that made it, on a thread of its own.
pub struct ChildInput {
    /// Its name in logs and messages.
    pub name: String,
    /// Its options, of which those that every input has are used.
    pub table: Table,
    /// Its type's defaults of them.
    pub defaults: InputDefaults,
    /// The instance.
    pub input: Box<dyn Input>,
    /// Makes it anew.
    pub remake: RemakeInput,
    /// Asks it to end. Whoever made it has to do so before its own end.
    pub stop: Stop,
}

/// A [`ChildInput`] that was started.
pub trait RunningInput: Send {
    /// Waits until it has ended, at most until `deadline`; says whether it has.
    fn wait(&self, deadline: Instant) -> bool;
}
