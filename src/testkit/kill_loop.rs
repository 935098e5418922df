//! Kills a daemon again and again at random moments.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::daemon::Daemon;
use crate::error::TestkitError;
use crate::random::Random;
use crate::scratch::Scratch;

/// A schedule of kills; the same seed gives the same one.
#[derive(Debug)]
pub struct KillLoop {
    program: PathBuf,
    random: Random,
    /// How long a run lives at most before it is killed.
    max_life: Duration,
    kills: u32,
}

impl KillLoop {
    /// For a program; `max_life` is the longest time from a start to the kill.
    pub fn new(program: impl Into<PathBuf>, seed: u64, max_life: Duration) -> KillLoop {
        KillLoop { program: program.into(), random: Random::new(seed), max_life, kills: 0 }
    }

    /// How many runs have been killed.
    pub fn kills(&self) -> u32 {
        self.kills
    }

    /// Starts the daemon, kills it at a random moment between its first instruction and `max_life`.
    pub fn run_once(&mut self, scratch: &Scratch) -> Result<(), TestkitError> {
        let mut daemon = Daemon::start(&self.program, scratch)?;
        let life = self.max_life.mul_f64(self.random.unit());
        // Not a wait for something: the moment itself is what is being tried.
        thread::sleep(life);
        daemon.kill()?;
        self.kills += 1;
        Ok(())
    }

    /// Goes on until `enough` says so, which is asked before each run with the number of kills so far.
    pub fn run_until(
        &mut self,
        scratch: &Scratch,
        mut enough: impl FnMut(u32) -> bool,
    ) -> Result<(), TestkitError> {
        while !enough(self.kills) {
            self.run_once(scratch)?;
        }
        Ok(())
    }
}
