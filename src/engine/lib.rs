//! The engine: loads a configuration, runs its plugins over disk queues, stops them in order.
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | configuration files: dialect, environment, `[hekad]`, options common to plugins |
//! | [`admin`] | what hekad tells of itself: figures, metrics, health, reports |
//! | [`loader`] | from sections to plugin instances |
//! | [`daemon`] | the start and stop sequence |
//! | [`pipeline`] | queues, threads, who runs what |
//! | [`runner`] | the loops of inputs, filters and outputs |
//! | [`dead_letters`] | what outputs have rejected for good |
//! | [`desk`] | where running plugins leave their report rows |
//! | [`import`] | takes over queues that an old hekad left |
//! | [`keeper`] | saves cursors, prunes queues, holds inputs back |
//! | [`reload`] | a new configuration while hekad runs |
//! | [`relief`] | readers that start with too much before them |
//! | [`log`] | log lines in Heka's form |
#![forbid(unsafe_code)]

pub mod admin;
pub mod config;
pub mod counters;
pub mod daemon;
pub mod dead_letters;
pub mod desk;
pub mod filter_state;
pub mod gate;
mod held;
pub mod import;
pub mod keeper;
pub mod loader;
pub mod log;
pub mod pid_file;
pub mod pipeline;
pub mod place;
pub mod progress;
pub mod queues;
pub mod relief;
pub mod reload;
pub mod runner;
pub mod shutdown;
mod signals;
pub mod stops;
mod threads;
