//! Statistics on their way into an accumulator: what StatsdInput and StatFilter send and StatAccumInput takes.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bstr::BString;

/// What a value stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modifier {
    /// Added to a counter; written as nothing, `c`, or anything that is none of the others.
    Counter,
    /// `g`: replaces a gauge's value.
    Gauge,
    /// `ms`: one more value of a timer.
    Timer,
}

impl Modifier {
    /// How statsd writes it.
    pub fn letters(self) -> &'static str {
        match self {
            Modifier::Counter => "c",
            Modifier::Gauge => "g",
            Modifier::Timer => "ms",
        }
    }
}

/// One measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Stat {
    /// Its name.
    pub bucket: BString,
    /// The value as it was written.
    pub value: BString,
    /// What the value stands for.
    pub modifier: Modifier,
    /// The share of measurements that were sent, above 0 and up to 1; counters are scaled by it.
    pub sampling: f32,
}

impl fmt::Display for Stat {
    /// As Go prints its struct.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let modifier = self.modifier.letters();
        let Stat { bucket, value, sampling, .. } = self;
        write!(f, "{{Bucket:{bucket} Value:{value} Modifier:{modifier} Sampling:{sampling}}}")
    }
}

/// Takes measurements.
pub trait StatAccumulator: Send + Sync {
    /// Adds one. False: the accumulator has ended, and the measurement is lost.
    fn drop_stat(&self, stat: &Stat) -> bool;
}

/// The accumulators of a daemon by the names of their inputs.
#[derive(Default)]
pub struct Accumulators {
    inputs: Mutex<HashMap<String, Option<Arc<dyn StatAccumulator>>>>,
}

impl Accumulators {
    /// Notes that there is an input of this name.
    pub fn note_input(&self, name: &str) {
        self.inputs.lock().unwrap_or_else(PoisonError::into_inner).entry(name.into()).or_default();
    }

    /// Makes the input of this name an accumulator.
    pub fn register(&self, name: &str, accumulator: Arc<dyn StatAccumulator>) {
        self.inputs.lock().unwrap_or_else(PoisonError::into_inner).insert(name.into(), Some(accumulator));
    }

    /// The accumulator of this name. To be asked when all inputs are loaded: when a plugin runs.
    ///
    /// # Errors
    /// There is no such input, or it is no accumulator; the texts are Heka's.
    pub fn get(&self, name: &str) -> Result<Arc<dyn StatAccumulator>, String> {
        match self.inputs.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            Some(Some(accumulator)) => Ok(accumulator.clone()),
            Some(None) => Err(format!("Input '{name}' is not a StatAccumulator")),
            // As Heka words it, without the closing quote.
            None => Err(format!("No Input named '{name}")),
        }
    }
}

impl fmt::Debug for Accumulators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Accumulators")
    }
}
