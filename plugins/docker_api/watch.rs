//! Follows all running containers: those that run already, and those that start.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use heka_plugin::{Inlet, PluginError, Stop};
use serde::Deserialize;

use super::{ApiError, Engine, Next};

/// Longest wait for an event.
const WAIT: Duration = Duration::from_millis(100);
/// The pause before the events are asked for again.
const PAUSE: Duration = Duration::from_millis(500);
/// How often the engine is asked in vain before the input ends, so that `[retries]` counts.
const ATTEMPTS_MAX: u32 = 10;
/// Longest line of a reply that is kept.
const LINE_MAX: usize = 16 << 20;

/// Pauses that double from a second to half a minute.
pub(crate) struct Backoff {
    pause: Duration,
    /// Pauses so far.
    pub(crate) times: u32,
}

impl Backoff {
    /// No pause so far.
    pub(crate) fn new() -> Backoff {
        Backoff { pause: Duration::from_secs(1), times: 0 }
    }

    /// Waits; true when a stop is asked for.
    pub(crate) fn wait(&mut self, stop: &Stop) -> bool {
        let pause = self.pause;
        self.times += 1;
        self.pause = (pause * 2).min(Duration::from_secs(30));
        stop.wait(pause)
    }
}

/// Cuts a stream into lines.
#[derive(Default)]
pub(crate) struct Lines(Vec<u8>);

impl Lines {
    /// Takes more bytes and gives the lines that are complete, without their ends.
    pub(crate) fn add(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.0.extend_from_slice(bytes);
        let Some(end) = self.0.iter().rposition(|byte| *byte == b'\n') else {
            if self.0.len() > LINE_MAX {
                self.0.clear();
            }
            return Vec::new();
        };
        let rest = self.0.split_off(end + 1);
        let whole = std::mem::replace(&mut self.0, rest);
        whole.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
    }
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "Id")]
    id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Event {
    status: String,
    id: String,
}

/// Containers that are followed; true: it has started once more.
type Followed = Mutex<HashMap<String, bool>>;

/// Calls `follow` on a thread of its own for each container that runs, with the first 12 digits of its id, and `tick` every
/// now and then. What is followed is told to stop before this returns.
///
/// # Errors
/// The engine cannot be asked.
pub(crate) fn watch(
    engine: &Engine,
    inlet: &dyn Inlet,
    stop: &Stop,
    follow: &(dyn Fn(&str, &Stop) + Sync),
    tick: &dyn Fn(),
) -> Result<(), PluginError> {
    let (ending, followed) = (Stop::new(), Followed::default());
    let (ending, followed) = (&ending, &followed);
    std::thread::scope(|scope| {
        let attach = |id: &str| {
            let id: String = id.chars().take(12).collect();
            let mut all = followed.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(again) = all.get_mut(&id) {
                *again = true;
                return;
            }
            all.insert(id.clone(), false);
            let key = id.clone();
            let run = move || {
                loop {
                    follow(&id, ending);
                    let mut all = followed.lock().unwrap_or_else(PoisonError::into_inner);
                    match all.get_mut(&id) {
                        Some(again) if *again && !ending.is_requested() => *again = false,
                        _ => {
                            all.remove(&id);
                            return;
                        }
                    }
                }
            };
            if let Err(error) = std::thread::Builder::new().name("container".into()).spawn_scoped(scope, run)
            {
                inlet.log_error(&format!("container {key} is not followed: {error}"));
                all.remove(&key);
            }
        };
        let result = attach_all(engine, inlet, stop, &attach, tick);
        ending.request();
        result
    })
}

fn attach_all(
    engine: &Engine,
    inlet: &dyn Inlet,
    stop: &Stop,
    attach: &dyn Fn(&str),
    tick: &dyn Fn(),
) -> Result<(), PluginError> {
    let mut backoff = Backoff::new();
    loop {
        // The events come first, so that no start falls between them and the list.
        let asked = engine.get("/events", stop).and_then(|events| {
            let listed: Vec<Listed> = engine.json("/containers/json", stop)?;
            Ok((events, listed))
        });
        let (mut events, listed) = match asked {
            Ok(both) => both,
            Err(ApiError::Stopped) => return Ok(()),
            Err(error) => {
                if backoff.times == 0 {
                    inlet.log_error(&format!("cannot ask Docker, trying again: {error}"));
                }
                if backoff.times >= ATTEMPTS_MAX {
                    let text = "Failed to attach to Docker containers after retrying. Plugin giving up.";
                    return Err(PluginError::run(text));
                }
                tick();
                if backoff.wait(stop) {
                    return Ok(());
                }
                continue;
            }
        };
        backoff = Backoff::new();
        listed.iter().for_each(|container| attach(&container.id));
        inlet.log_info("Attached to all containers");
        let mut lines = Lines::default();
        loop {
            tick();
            match events.next(WAIT) {
                _ if stop.is_requested() => return Ok(()),
                Next::Nothing => {}
                Next::Data(bytes) => {
                    let events = lines.add(&bytes);
                    let events = events.iter().filter_map(|line| serde_json::from_slice::<Event>(line).ok());
                    events.filter(|event| event.status == "start").for_each(|event| attach(&event.id));
                }
                Next::Ended(_) => break,
            }
        }
        inlet.log_error("Events channel closed, restarting...");
        if stop.wait(PAUSE) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_across_pieces() {
        let mut lines = Lines::default();
        assert!(lines.add(b"{\"a\"").is_empty());
        assert_eq!(lines.add(b":1}\n\n{}\n{"), [b"{\"a\":1}".to_vec(), b"{}".to_vec()]);
        assert_eq!(lines.add(b"}\r\n"), [b"{}\r".to_vec()]);
    }
}
