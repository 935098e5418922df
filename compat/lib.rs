//! Cases recorded from hekad 0.11 and the runner that holds any `hekad` binary against them.
//!
//! A case is a folder `AREA/NAME` with
//!
//! | name | holds |
//! |---|---|
//! | `case.toml` | what is done and compared: [`case::Case`] |
//! | `hekad.toml` or `conf/` | the configuration, with `%ENV[...]` names of [`place::Place`] |
//! | `in/` | input data, copied to a scratch folder |
//! | `expected/` | the text of each comparison, a file each |
//!
//! | module | does |
//! |---|---|
//! | [`suite`] | finds the cases, runs them side by side, counts |
//! | [`run`] | one case: start, steps, wait for quiet, stop, compare |
//! | [`step`] | what is done to the daemon: data, files, signals, tools |
//! | [`sink`] | peers that keep what the daemon sends |
//! | [`shape`] | what is compared: streams decoded, texts masked and sorted |
//! | [`program`] | finds or builds the binaries under test |
#![forbid(unsafe_code)]

pub mod case;
pub mod compare;
pub mod error;
pub mod glob;
pub mod place;
pub mod program;
pub mod run;
pub mod shape;
pub mod sink;
pub mod step;
pub mod suite;

pub use error::CaseError;
pub use suite::{Suite, Verdict};
