//! How far the logs of containers were read: the file that `since_path` names.
//!
//! It is a line of JSON: `{"Since":S,"Containers":{"ID":T}}`, all times in Unix seconds. T is 0 while a container is followed;
//! then what was read is what had been written until S.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::addressing::reason;

const DAY_S: i64 = 24 * 3600;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Noted {
    since: i64,
    containers: BTreeMap<String, i64>,
}

struct State {
    noted: Noted,
    /// Until when the logs of followed containers are known to have been read and queued.
    read_until: BTreeMap<String, i64>,
    saved: Instant,
}

/// The file, and what is to be written to it.
pub(super) struct Since {
    path: PathBuf,
    interval: Duration,
    expiry_s: i64,
    replay: bool,
    state: Mutex<State>,
}

/// Now, in Unix seconds.
pub(super) fn now_s() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

impl Since {
    /// Reads the file; makes it if there is none, unless `only_check`.
    ///
    /// # Errors
    /// It cannot be read or made.
    pub(super) fn open(
        path: PathBuf,
        interval: Duration,
        expiry_days: i32,
        replay: bool,
        only_check: bool,
    ) -> Result<Since, String> {
        let shown = path.display().to_string();
        let mut noted: Noted = match fs::read(&path) {
            // A file that a crash left empty says nothing.
            Ok(bytes) if bytes.is_empty() => Noted::default(),
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| format!("Can't decode \"since\" file '{shown}': {error}"))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Noted::default(),
            Err(error) => return Err(format!("Can't open \"since\" file '{shown}': {}", reason(&error))),
        };
        let is_new = !path.exists();
        // Those that were followed when hekad died were read until then.
        let since_s = noted.since;
        noted.containers.values_mut().filter(|stamp| **stamp == 0).for_each(|stamp| *stamp = since_s);
        let state = State { noted, read_until: BTreeMap::new(), saved: Instant::now() };
        let expiry_s = i64::from(expiry_days) * DAY_S;
        let since = Since { path, interval, expiry_s, replay, state: Mutex::new(state) };
        if is_new && !only_check {
            let noted = since.lock().noted.clone();
            since.write(&noted)?;
        }
        Ok(since)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A container is followed from now on. Returns since when its log is to be asked for; 0: from its beginning.
    pub(super) fn begin(&self, id: &str) -> i64 {
        let mut state = self.lock();
        let global = state.noted.since;
        let since = match state.noted.containers.insert(id.into(), 0) {
            None if self.replay => 0,
            None | Some(0) => global,
            Some(stamp) => stamp,
        };
        state.read_until.insert(id.into(), since);
        since
    }

    /// All that a followed container had written until then is queued.
    pub(super) fn advance(&self, id: &str, until: i64) {
        if let Some(held) = self.lock().read_until.get_mut(id) {
            *held = until.max(*held);
        }
    }

    /// A container is followed no more. `until`: as far as its log was read; `None`: as far as was said last.
    pub(super) fn end(&self, id: &str, until: Option<i64>) {
        let mut state = self.lock();
        let last = state.read_until.remove(id);
        match until.or(last) {
            // A log of which nothing was read is still to be read from its beginning.
            Some(0) | None => state.noted.containers.remove(id),
            Some(stamp) => state.noted.containers.insert(id.into(), stamp),
        };
    }

    /// Writes the file if the time has come.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn save_if_due(&self, forced: bool) -> Result<(), String> {
        let noted = {
            let mut state = self.lock();
            let due = !self.interval.is_zero() && state.saved.elapsed() >= self.interval;
            if !due && !forced {
                return Ok(());
            }
            state.saved = Instant::now();
            let now = now_s();
            let since = state.read_until.values().copied().min().unwrap_or(now);
            // One that is read from its beginning has no time yet; it is left out, to be read so again.
            let behind: Vec<String> =
                state.read_until.iter().filter(|(_, until)| **until == 0).map(|(id, _)| id.clone()).collect();
            let rest = state.read_until.values().copied().filter(|until| *until > 0).min();
            state.noted.since = if since == 0 { rest.unwrap_or(now) } else { since };
            let oldest = now - self.expiry_s;
            state.noted.containers.retain(|_, stamp| *stamp == 0 || *stamp >= oldest);
            let mut noted = state.noted.clone();
            noted.containers.retain(|id, _| !behind.contains(id));
            noted
        };
        self.write(&noted)
    }

    /// Replaces the file as a whole, so that a crash leaves the old one or the new one.
    fn write(&self, noted: &Noted) -> Result<(), String> {
        let path = self.path.display();
        let failed =
            |error: std::io::Error| format!("Can't write \"since\" file '{path}': {}", reason(&error));
        if let Some(folder) = self.path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
        }
        let mut text = serde_json::to_vec(noted).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        let fresh = self.path.with_extension("new");
        let mut file = fs::File::create(&fresh).map_err(failed)?;
        file.write_all(&text).and_then(|()| file.sync_data()).map_err(failed)?;
        fs::rename(&fresh, &self.path).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &std::path::Path, replay: bool) -> Since {
        Since::open(path.into(), Duration::from_secs(5), 30, replay, false).unwrap()
    }

    #[test]
    fn what_was_read_is_known_after_a_stop_and_after_a_crash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker/since.txt");
        let since = open(&path, true);
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"Since\":0,\"Containers\":{}}\n");
        assert_eq!((since.begin("a"), since.begin("b")), (0, 0));
        let now = now_s();
        since.advance("a", now - 10);
        since.save_if_due(true).unwrap();
        // After a crash now: `b` was not read to any known point.
        let crashed = open(&path, true);
        assert_eq!((crashed.begin("a"), crashed.begin("b")), (now - 10, 0));
        since.advance("b", now - 20);
        since.end("a", Some(now - 5));
        since.save_if_due(true).unwrap();
        let text = format!("{{\"Since\":{},\"Containers\":{{\"a\":{},\"b\":0}}}}\n", now - 20, now - 5);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        let again = open(&path, false);
        assert_eq!((again.begin("a"), again.begin("b"), again.begin("c")), (now - 5, now - 20, now - 20));
    }

    #[test]
    fn old_containers_are_forgotten_and_an_empty_file_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("since");
        let old = now_s() - 31 * DAY_S;
        fs::write(&path, format!("{{\"Since\":1,\"Containers\":{{\"old\":{old},\"held\":0}}}}")).unwrap();
        let since = open(&path, true);
        since.save_if_due(true).unwrap();
        assert!(!fs::read_to_string(&path).unwrap().contains("old"));
        fs::write(&path, "").unwrap();
        open(&path, true);
        fs::write(&path, "{").unwrap();
        let error = Since::open(path, Duration::ZERO, 30, true, true).err().unwrap();
        assert!(error.starts_with("Can't decode \"since\" file"), "{error}");
    }
}
