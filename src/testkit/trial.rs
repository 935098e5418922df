//! A daemon with four inputs, three outputs and counting filters, which is disturbed, and whose every record is
//! accounted for.
//!
//! | module | holds |
//! |---|---|
//! | [`record`] | records whose bytes follow from their ids |
//! | [`claims`] | the ids that an input was given, and those that it acknowledged |
//! | [`source`] | what feeds the inputs: logs, a TCP client, an HTTP client |
//! | [`arrivals`], [`ledger`], [`recent`] | what arrived at an output: lost, repeated, out of order, damaged |
//! | [`outlet`], [`recorder`] | how it is read: a file that grows, a TCP peer |
//! | [`totals`] | what counting filters tell |
//! | [`plan`] | the configuration |
//! | [`outcome`] | the result in a few lines |
//!
//! Everything is verified while it arrives, so a trial of any length takes bounded memory and disk.

pub mod arrivals;
pub mod claims;
pub mod ledger;
pub mod outcome;
pub mod outlet;
pub mod plan;
pub mod recent;
pub mod record;
pub mod recorder;
pub mod source;
pub mod totals;

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use self::ledger::{Ledger, Sender};
use self::outcome::{Outcome, OutputOutcome};
use self::outlet::Outlet;
use self::plan::{Options, Places, is_counted};
use self::recorder::Recorder;
use self::source::{Feeder, Source};
use self::totals::{COUNTER_LUA, Totals};
use crate::daemon::{Daemon, Signal};
use crate::error::TestkitError;
use crate::random::Random;
use crate::scratch::Scratch;

/// How long the harness waits for what must come; what is late has a limit of its own.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at the outputs.
const LOOK: Duration = Duration::from_millis(10);
/// The peer does not read in one run of so many.
const WEDGED_EVERY: u64 = 4;

/// A trial that goes on until [`Trial::finish`].
#[derive(Debug)]
pub struct Trial {
    hekad: PathBuf,
    options: Options,
    // Dropped first: sources and peer may wait for it.
    daemon: Option<Daemon>,
    feeders: Vec<Feeder>,
    senders: Vec<Sender>,
    framed: (Outlet, Ledger),
    text: (Outlet, Ledger),
    totals: (Outlet, Totals),
    recorder: Recorder,
    random: Random,
    outcome: Outcome,
    /// Segments of both queues: the highest numbers, and the lowest.
    numbers: [(u64, u64); 2],
    scratch: Scratch,
}

impl Trial {
    /// Prepares everything; the sources begin to feed, the daemon does not run yet.
    pub fn start(hekad: impl Into<PathBuf>, options: Options) -> Result<Trial, TestkitError> {
        let scratch = Scratch::new()?;
        for folder in ["logs", "share"] {
            fs::create_dir(scratch.join(folder)).map_err(TestkitError::io(folder))?;
        }
        scratch.write("counter.lua", COUNTER_LUA)?;
        let senders = options.senders();
        let ledger = |name: &str| Ledger::new(name, &senders);
        let outlet = |name: &str| Outlet::new(scratch.join(name), options.rotate_output_at);
        let recorder = Recorder::listen(ledger("peer")).map_err(TestkitError::io("listen"))?;
        let places = Places::find(recorder.address()).map_err(TestkitError::io("find ports"))?;
        options.configure(&scratch, &places)?;
        let mut trial = Trial {
            hekad: hekad.into(),
            options,
            daemon: None,
            feeders: Vec::new(),
            framed: (outlet("framed"), ledger("framed")),
            text: (outlet("text"), ledger("text")),
            totals: (outlet("totals"), Totals::default()),
            senders,
            recorder,
            random: Random::new(options.seed),
            outcome: Outcome::default(),
            numbers: [(0, 0); 2],
            scratch,
        };
        // A source may only feed a daemon that has its readers' places, else it would begin behind the first records.
        trial.boot()?;
        for at in 0..trial.senders.len() {
            let source = options.source(&trial.senders[at], &trial.scratch, &places);
            let source = source.map_err(TestkitError::io("make a source"))?;
            trial.feed(at, source);
        }
        Ok(trial)
    }

    fn feed(&mut self, at: usize, source: Box<dyn Source>) {
        let (claims, pace) = (self.senders[at].claims.clone(), self.options.pace);
        self.feeders.push(Feeder::start(source, claims, pace, self.options.seed + at as u64));
    }

    /// Starts the daemon, or looks after the one that runs.
    pub fn boot(&mut self) -> Result<&mut Daemon, TestkitError> {
        if self.daemon.is_none() {
            self.daemon = Some(Daemon::start(&self.hekad, &self.scratch)?);
        }
        let daemon = self.daemon.as_mut().ok_or_else(|| failed("there is no daemon"))?;
        daemon.check_alive()?;
        Ok(daemon)
    }

    /// A run of at most `longest` that ends with SIGKILL. In some the peer does not read.
    pub fn run_and_kill(&mut self, longest: Duration) -> Result<(), TestkitError> {
        let life = longest.mul_f64(self.random.unit());
        self.recorder.set_wedged(self.random.below(WEDGED_EVERY) == 0);
        self.boot()?;
        // Not a wait for something: the moment itself is what is being tried.
        thread::sleep(life);
        self.kill()
    }

    /// Kills the daemon, and verifies all that it has put out.
    pub fn kill(&mut self) -> Result<(), TestkitError> {
        self.boot()?.kill()?;
        self.daemon = None;
        self.outcome.kills += 1;
        self.recorder.set_wedged(false);
        self.recorder.drain(PATIENCE)?;
        self.end_run()?;
        for outlet in [&mut self.framed.0, &mut self.text.0] {
            // A torn end stays for the daemon to mend.
            if !outlet.has_rest().map_err(TestkitError::io("look at an output"))? {
                outlet.rotate_if_large().map_err(TestkitError::io("rotate an output"))?;
            }
        }
        self.count_segments()
    }

    fn end_run(&mut self) -> Result<(), TestkitError> {
        self.look()?;
        self.framed.1.end_run();
        self.text.1.end_run();
        self.recorder.ledger().end_run();
        let is_damaged =
            self.framed.1.is_damaged() || self.text.1.is_damaged() || self.recorder.ledger().is_damaged();
        if is_damaged || self.feeders.iter().any(Feeder::has_failed) {
            return Err(self.give_up("something arrived that should not, or a source failed"));
        }
        Ok(())
    }

    /// Reads what the outputs have put out. Where no output waits for a record any more its log may go.
    pub fn look(&mut self) -> Result<(), TestkitError> {
        let io = |result: std::io::Result<()>| result.map_err(TestkitError::io("read an output"));
        let Trial { framed, text, totals, recorder, senders, .. } = self;
        io(framed.0.read(|bytes| framed.1.take_frames(bytes)))?;
        io(text.0.read(|bytes| text.1.take_lines(bytes)))?;
        io(totals.0.read(|bytes| totals.1.take_frames(bytes)))?;
        let peer = recorder.ledger();
        for (at, sender) in senders.iter().enumerate() {
            sender.claims.confirm(framed.1.next(at).min(text.1.next(at)).min(peer.next(at)));
        }
        Ok(())
    }

    /// Has the outputs go on in new files once theirs are large, as logrotate does.
    pub fn rotate_outputs(&mut self) -> Result<bool, TestkitError> {
        let io = TestkitError::io("rotate an output");
        let rotated =
            self.framed.0.rotate_if_large().and_then(|one| Ok(self.text.0.rotate_if_large()? | one));
        let rotated = rotated.map_err(io)?;
        if rotated {
            self.boot()?.signal(Signal::HUP)?;
        }
        Ok(rotated)
    }

    /// The peer stops reading, or goes on.
    pub fn set_wedged(&self, wedged: bool) {
        self.recorder.set_wedged(wedged);
    }

    /// Claims a record of the first input that nobody sends. A trial that ends well in spite of it proves nothing.
    pub fn claim_what_is_not_sent(&self) {
        let claims = &self.senders[0].claims;
        claims.owe(claims.issue(1));
    }

    /// How many records have been sent.
    pub fn sent(&self) -> u64 {
        self.senders.iter().map(|sender| sender.claims.issued()).sum()
    }

    /// How many records have arrived everywhere.
    pub fn arrived(&self) -> u64 {
        self.senders.iter().map(|sender| sender.claims.confirmed()).sum()
    }

    /// How often it was killed.
    pub fn kills(&self) -> u64 {
        self.outcome.kills
    }

    /// Reads until a condition holds; false if it does not within `limit`.
    fn look_until(
        &mut self,
        limit: Duration,
        mut done: impl FnMut(&Trial) -> bool,
    ) -> Result<bool, TestkitError> {
        let end = Instant::now() + limit;
        loop {
            self.look()?;
            if done(self) {
                return Ok(true);
            }
            if Instant::now() >= end {
                return Ok(false);
            }
            self.boot()?;
            thread::sleep(LOOK);
        }
    }

    /// Ends the trial: a fresh record must pass, all that was acknowledged must be there, the filters must have counted
    /// right, and a clean stop must make nothing come twice.
    pub fn finish(mut self) -> Result<Outcome, TestkitError> {
        let mut sources = Vec::new();
        for feeder in std::mem::take(&mut self.feeders) {
            sources.push(feeder.stop().map_err(TestkitError::io("feed an input"))?);
        }
        self.recorder.set_wedged(false);
        self.daemon = None;
        self.pass_fresh_records(&mut sources)?;
        self.end_run()?;
        let counted: Vec<usize> =
            (0..self.senders.len()).filter(|at| is_counted(self.senders[*at].letter)).collect();
        let count = |trial: &Trial| counted.iter().map(|at| trial.framed.1.records(*at)).sum::<u64>();
        self.look_until(PATIENCE, |trial| trial.totals.1.are(count(trial)))?;
        self.stop()?;
        self.outcome.counted = count(&self);
        let problems = self.totals.1.problems(self.outcome.counted);
        self.outcome.problems.extend(problems);
        self.check_after_stop(&mut sources)?;
        self.conclude(sources)
    }

    /// A record of each input that is written after the restart must come to each output.
    fn pass_fresh_records(&mut self, sources: &mut [Box<dyn Source>]) -> Result<(), TestkitError> {
        let restarted = Instant::now();
        self.boot()?;
        for source in sources {
            while !source.burst(1).map_err(TestkitError::io("feed an input"))? {
                self.boot()?;
                if restarted.elapsed() > PATIENCE {
                    return Err(self.give_up("an input does not listen"));
                }
                thread::sleep(Duration::from_millis(1));
            }
        }
        if !self.look_until(PATIENCE, |trial| trial.arrived() == trial.sent())? {
            return Err(self.give_up("a fresh record does not pass"));
        }
        self.outcome.fresh = self.outcome.fresh.max(restarted.elapsed());
        Ok(())
    }

    fn stop(&mut self) -> Result<(), TestkitError> {
        let daemon = self.boot()?;
        let status = daemon.stop(PATIENCE)?;
        if !status.success() {
            return Err(failed(&format!("a stop ends with {status}; log:\n{}", daemon.log())));
        }
        self.daemon = None;
        Ok(())
    }

    /// Runs once more: what was put out before the stop does not come again.
    fn check_after_stop(&mut self, sources: &mut [Box<dyn Source>]) -> Result<(), TestkitError> {
        self.end_run()?;
        let repeats = |trial: &Trial| {
            let peer = trial.recorder.ledger().repeats().total;
            [trial.framed.1.repeats().total, trial.text.1.repeats().total, peer]
        };
        let before = repeats(self);
        self.pass_fresh_records(sources)?;
        self.stop()?;
        self.recorder.drain(PATIENCE)?;
        self.end_run()?;
        let after = repeats(self);
        if before != after {
            self.outcome.problems.push(format!("a clean stop has repeats: {before:?}, then {after:?}"));
        }
        Ok(())
    }

    fn conclude(mut self, sources: Vec<Box<dyn Source>>) -> Result<Outcome, TestkitError> {
        drop(sources);
        self.count_segments()?;
        let problems: Vec<String> = self.problems();
        let outcome = &mut self.outcome;
        outcome.problems.extend(problems);
        let input =
            |Sender { letter, claims }: &Sender| (char::from(*letter), claims.issued(), claims.owed_count());
        outcome.inputs = self.senders.iter().map(input).collect();
        let peer = self.recorder.ledger();
        outcome.outputs = [&self.framed.1, &self.text.1, &*peer]
            .map(|ledger| OutputOutcome {
                name: ledger.name.clone(),
                repeats: ledger.repeats(),
                torn: ledger.torn(),
            })
            .into();
        drop(peer);
        if !self.outcome.problems.is_empty() {
            self.scratch.keep();
            self.outcome.kept = Some(self.scratch.path().to_owned());
        }
        Ok(self.outcome.clone())
    }

    fn problems(&self) -> Vec<String> {
        let peer = self.recorder.ledger().problems();
        [self.framed.1.problems(), self.text.1.problems(), peer].concat()
    }

    /// An error with all that is known; the folder stays to be looked at.
    fn give_up(&mut self, why: &str) -> TestkitError {
        self.scratch.keep();
        let log = self.daemon.as_ref().map(Daemon::log).unwrap_or_default();
        let tail = &log[log.ceil_char_boundary(log.len().saturating_sub(2000))..];
        let problems = self.problems().join("\n");
        failed(&format!("{why} (kill {}):\n{problems}\nlog:\n{tail}", self.outcome.kills))
    }

    /// Looks at the queues' folders.
    fn count_segments(&mut self) -> Result<(), TestkitError> {
        let mut begun = 0;
        let mut unlinked = 0;
        let mut bytes = 0;
        for (queue, (highest, lowest)) in ["input", "filter"].iter().zip(&mut self.numbers) {
            let folder = self.scratch.join("base/queue").join(queue);
            let Ok(entries) = fs::read_dir(folder) else { continue };
            let mut numbers: Vec<u64> = Vec::new();
            for entry in entries.flatten() {
                let name = entry.file_name();
                let number = name.to_string_lossy().strip_suffix(".log").and_then(|stem| stem.parse().ok());
                if let Some(number) = number {
                    numbers.push(number);
                    bytes += entry.metadata().map_or(0, |metadata| metadata.len());
                }
            }
            if let (Some(&last), Some(&first)) = (numbers.iter().max(), numbers.iter().min()) {
                begun += last.saturating_sub(*highest);
                unlinked += first.saturating_sub((*lowest).max(1));
                (*highest, *lowest) = (last, first);
            }
        }
        self.outcome.segments.0 += begun;
        self.outcome.segments.1 += unlinked;
        self.outcome.full += u64::from(bytes > self.options.lag);
        Ok(())
    }
}

fn failed(what: &str) -> TestkitError {
    TestkitError::Io { what: "trial".into(), source: std::io::Error::other(what.to_owned()) }
}
