//! What hekad tells of itself: figures, metrics, health, reports, taps.
//!
//! | module | holds |
//! |---|---|
//! | [`roster`] | who runs, as far as it can be asked |
//! | [`snapshot`] | all figures at one moment |
//! | [`metrics`] | the figures in the text format of Prometheus |
//! | [`report`] | Heka's report, as text and as JSON |
//! | [`verdict`] | health and readiness |
//! | [`board`] | all of it for plugins |
//!
//! The engine listens nowhere itself: [`Listen`] is handed in by whoever knows HTTP.

pub mod board;
pub mod metrics;
mod process;
pub mod report;
pub mod roster;
pub mod snapshot;
mod tap;
pub mod verdict;

use std::sync::Arc;

use heka_plugin::{Log, Stop, Telemetry};

pub use board::Board;

/// Serves `/metrics`, `/health` and `/ready` at an address, until the stop is requested. Returns when all is set up; an address
/// that is taken is tried again.
pub type Listen = fn(&str, Arc<dyn Telemetry>, Arc<dyn Log>, &Stop) -> Result<(), String>;
