//! Log lines as Heka writes them: information to stdout, errors to stderr, each with Go's `log` prefix.

use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use heka_message::golang::{GoTime, Zone};
use heka_plugin::Log;
use heka_plugin::telemetry::Problem;

use crate::counters::Problems;
use crate::runner::deliver::now_ns;

const DATE: i64 = 1;
const TIME: i64 = 2;
const MICROSECONDS: i64 = 4;
const LONG_FILE: i64 = 8;
const SHORT_FILE: i64 = 16;
const UTC: i64 = 32;

/// The daemon's log. Clones write to the same place with the same flags.
#[derive(Clone)]
pub struct Logger {
    flags: Arc<AtomicI64>,
    /// Errors of inputs, filters and outputs, by kind and name.
    problems: Arc<Mutex<HashMap<String, Arc<Problems>>>>,
    /// Where lines are kept instead of being written.
    kept: Option<Arc<Mutex<Vec<String>>>>,
}

impl Default for Logger {
    fn default() -> Logger {
        Logger { flags: Arc::new(AtomicI64::new(DATE | TIME)), problems: Arc::default(), kept: None }
    }
}

impl Logger {
    /// A log that writes nothing and keeps its lines, without prefix, until they are taken.
    pub fn keeping() -> Logger {
        Logger { kept: Some(Arc::default()), ..Logger::default() }
    }

    /// The lines that were kept since the last call.
    pub fn take_kept(&self) -> Vec<String> {
        let kept = self.kept.as_ref().map(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner));
        kept.map(|mut lines| std::mem::take(&mut *lines)).unwrap_or_default()
    }

    /// Takes over `[hekad] log_flags`.
    pub fn set_flags(&self, flags: i64) {
        self.flags.store(flags, Ordering::Relaxed);
    }

    /// A line on stdout.
    pub fn info(&self, text: &str) {
        self.line(&mut std::io::stdout().lock(), text.as_bytes());
    }

    /// A line on stderr.
    pub fn error(&self, text: &str) {
        self.line(&mut std::io::stderr().lock(), text.as_bytes());
    }

    /// A line of bytes on stdout.
    pub fn plain(&self, bytes: &[u8]) {
        self.line(&mut std::io::stdout().lock(), bytes);
    }

    /// A log that puts `info_prefix` or `error_prefix` before each text.
    pub fn source(&self, kind: &str, name: &str) -> Arc<dyn Log> {
        // Decoders come and go with streams; their failures are counted elsewhere.
        let counts = matches!(kind, "Input" | "Plugin");
        Arc::new(SourceLog {
            logger: self.clone(),
            problems: counts.then(|| self.problems_of(kind, name)),
            info_prefix: format!("{kind} '{name}': "),
            error_prefix: format!("{kind} '{name}' error: "),
        })
    }

    /// How many errors an input (`Input`), a filter or an output (`Plugin`) has logged, and the last of them.
    pub fn problems(&self, kind: &str, name: &str) -> (u64, Option<Problem>) {
        self.problems_of(kind, name).get()
    }

    fn problems_of(&self, kind: &str, name: &str) -> Arc<Problems> {
        let mut all = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(format!("{kind} {name}")).or_default().clone()
    }

    fn line(&self, out: &mut impl Write, text: &[u8]) {
        if let Some(kept) = &self.kept {
            let text = String::from_utf8_lossy(text).trim_end_matches('\n').to_string();
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(text);
            return;
        }
        let mut line = self.prefix().into_bytes();
        line.extend_from_slice(text);
        if line.last() != Some(&b'\n') {
            line.push(b'\n');
        }
        // A log that cannot be written has nowhere to say so; the daemon's work goes on.
        let _unwritable = out.write_all(&line).and_then(|()| out.flush());
    }

    fn prefix(&self) -> String {
        let flags = self.flags.load(Ordering::Relaxed);
        let zone = if flags & UTC != 0 { Zone::Utc } else { Zone::local() };
        prefix(flags, &GoTime::from_nanos(now_ns(), zone))
    }
}

/// Go's `log` prefix for a flag set.
fn prefix(flags: i64, now: &GoTime) -> String {
    let mut text = String::new();
    let at = now.civil();
    if flags & DATE != 0 {
        text += &format!("{:04}/{:02}/{:02} ", at.year, at.month, at.day);
    }
    if flags & (TIME | MICROSECONDS) != 0 {
        text += &format!("{:02}:{:02}:{:02}", at.hour, at.minute, at.second);
        if flags & MICROSECONDS != 0 {
            text += &format!(".{:06}", at.nanos / 1000);
        }
        text.push(' ');
    }
    if flags & (SHORT_FILE | LONG_FILE) != 0 {
        // Where the line comes from in our source would tell an operator of Heka nothing; the field stays parsable.
        text += "hekad:0: ";
    }
    text
}

struct SourceLog {
    logger: Logger,
    problems: Option<Arc<Problems>>,
    info_prefix: String,
    error_prefix: String,
}

impl Log for SourceLog {
    fn info(&self, text: &str) {
        self.logger.info(&format!("{}{text}", self.info_prefix));
    }

    fn error(&self, text: &str) {
        if let Some(problems) = &self.problems {
            problems.note(text);
        }
        self.logger.error(&format!("{}{text}", self.error_prefix));
    }

    fn plain(&self, bytes: &[u8]) {
        self.logger.plain(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_a_plugin_are_counted_wherever_they_are_logged() {
        let logger = Logger::keeping();
        logger.source("Plugin", "out").error("one");
        logger.source("Plugin", "out").error("two");
        logger.source("Plugin", "out").info("three");
        logger.source("Input", "out").error("another's");
        let (count, last) = logger.problems("Plugin", "out");
        assert_eq!((count, last.map(|last| last.text)), (2, Some("two".into())));
        assert_eq!(logger.problems("Plugin", "other"), (0, None));
    }

    #[test]
    fn prefixes_follow_the_flags() {
        let now = GoTime::from_nanos(1_425_445_567_008_009_000, Zone::Utc);
        assert_eq!(prefix(3, &now), "2015/03/04 05:06:07 ");
        assert_eq!(prefix(0, &now), "");
        assert_eq!(prefix(1, &now), "2015/03/04 ");
        assert_eq!(prefix(4 | 32, &now), "05:06:07.008009 ");
        assert_eq!(prefix(7, &now), "2015/03/04 05:06:07.008009 ");
    }
}
