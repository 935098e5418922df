//! What the environment asks for.

use std::env;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Signal, getpid, kill_process};

/// Points, each with the number of passings until its turn comes.
type Armed = Vec<(String, AtomicU64)>;

static FAULTS: OnceLock<Armed> = OnceLock::new();
static FAILURES: OnceLock<Armed> = OnceLock::new();
static TRACE: OnceLock<Option<File>> = OnceLock::new();

/// Whether the process is to die here. Each call is a passing.
pub fn is_here(name: &str) -> bool {
    let trace = TRACE.get_or_init(|| {
        let path = env::var_os("HEKAD_FAULT_TRACE")?;
        OpenOptions::new().append(true).create(true).open(path).ok()
    });
    if let Some(mut file) = trace.as_ref() {
        // A line that is not written is missed by the test that reads it.
        let _ = file.write_all(format!("{name}\n").as_bytes());
    }
    is_turn(FAULTS.get_or_init(|| armed("HEKAD_FAULT")), name)
}

/// Ends the process as `kill -9` does.
pub fn die() -> ! {
    loop {
        // It does not come back, and nothing else can be done if it does.
        let _ = kill_process(getpid(), Signal::KILL);
    }
}

/// Whether a call of this name fails.
///
/// # Errors
/// `EIO`, when it is its turn.
pub fn failing(name: &str) -> io::Result<()> {
    if is_turn(FAILURES.get_or_init(|| armed("HEKAD_FAIL")), name) {
        return Err(rustix::io::Errno::IO.into());
    }
    Ok(())
}

fn is_turn(armed: &Armed, name: &str) -> bool {
    let mut turn = false;
    for (_, left) in armed.iter().filter(|(point, _)| point == name) {
        turn |= left.fetch_sub(1, Ordering::Relaxed) == 1;
    }
    turn
}

fn armed(variable: &str) -> Armed {
    parse(&env::var(variable).unwrap_or_default())
}

/// `name:n,name:n`; `:1` may be left out.
fn parse(text: &str) -> Armed {
    let points = text.split(',').filter(|point| !point.is_empty());
    points
        .map(|point| {
            let (name, turn) = point.split_once(':').unwrap_or((point, "1"));
            (name.to_owned(), AtomicU64::new(turn.parse().unwrap_or(1)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_comes_once() {
        let armed = parse("a:2,b");
        let turns: Vec<bool> = (0..4).map(|_| is_turn(&armed, "a")).collect();
        assert_eq!(turns, [false, true, false, false]);
        assert!(!is_turn(&armed, "c"));
        assert!(is_turn(&armed, "b"));
        assert!(!is_turn(&armed, "b"));
    }
}
