//! Support for tests that hold a whole `hekad` process against the world: start it, feed it, kill it, count what came out.
//!
//! | module | holds |
//! |---|---|
//! | [`scratch`] | a folder of one test, gone at its end |
//! | [`daemon`] | the process: configuration text in, log lines, signals, exit status, what it used |
//! | [`kill_loop`] | SIGKILL at seeded random moments, again and again |
//! | [`growing_log`] | a log that another program appends to and rotates |
//! | [`access_log`] | lines like a real nginx access log, each with its own id |
//! | [`tally`] | sent ids against received ones: lost, twice, out of order |
//! | [`frames`], [`wire`] | Heka's stream format and protobuf, read without the daemon's own code |
//! | [`faulty_disk`] | a disk that is full or fails on command |
//! | [`peer`] | TCP peers that listen late, reset, or never read |
//! | [`trial`] | a daemon whose every record is accounted for, to be killed and disturbed |
//! | [`servers`] | real servers, made available by the project's scripts |
//! | [`usage`] | CPU time and memory of a process |
//! | [`random`], [`ports`], [`patience`] | seeded numbers, free ports, waiting for a condition |
//!
//! Nothing here uses the crates under test, so that a test cannot agree with a bug.
#![forbid(unsafe_code)]

pub mod access_log;
pub mod daemon;
pub mod error;
pub mod faulty_disk;
pub mod frames;
pub mod growing_log;
pub mod kill_loop;
pub mod patience;
pub mod peer;
pub mod ports;
pub mod random;
pub mod scratch;
pub mod servers;
pub mod tally;
pub mod trial;
pub mod usage;
pub mod wire;

pub use daemon::{Daemon, Signal};
pub use error::TestkitError;
pub use kill_loop::KillLoop;
pub use patience::wait_until;
pub use random::Random;
pub use scratch::Scratch;
pub use tally::Tally;
pub use trial::Trial;
