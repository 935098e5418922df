//! Where every reader of every queue stands: one small file, replaced atomically.
//!
//! ```text
//! heka cursors 1 GENERATION
//! QUEUE<tab>READER<tab>SEGMENT<tab>OFFSET
//! ...
//! crc32c 8HEXDIGITS
//! ```
//!
//! One line per reader, sorted. In names `%`, control characters and DEL are written as `%XX`. The CRC is over all
//! that comes before its line. A file that is there but does not fit this to the byte is damaged.
//!
//! Beside it lies `cursors.reserve`, a file of zeros. On a full disk the cursors are written into it and it takes the
//! place of the file: or else a disk that is full of segments could never be rid of those that all have read.

use crate::core::lock;
use crate::error::is_full;
use crate::fs::{Fs, uninterrupted, write_all_at};
use crate::{Position, QueueError, SyncMode};
use heka_fault::fault;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

const FILE_NAME: &str = "cursors";
/// Size of the reserve in bytes, unless twice the cursors are more.
const RESERVE_SIZE: usize = 4096;
const HEAD: &str = "heka cursors 1 ";

/// Queue and reader.
type Key = (String, String);

/// Where every reader of every queue stands. Shared by all threads.
#[derive(Debug)]
pub struct Cursors {
    path: PathBuf,
    fs: Arc<dyn Fs>,
    sync: SyncMode,
    state: Mutex<State>,
    /// Held through a save; `state` is not, so that readers do not wait for the disk.
    save: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    places: BTreeMap<Key, Position>,
    /// Counts changes.
    version: u64,
    /// The version that is durable, and what it says.
    saved: Option<u64>,
    durable: Durable,
    /// Counts the files written since the first.
    generation: u64,
    /// Size of the reserve as far as this process made one.
    reserve: usize,
}

/// Proof that cursors were saved: what [`Queue::prune`](crate::Queue::prune) asks for.
///
/// With [`SyncMode::None`] they are as durable as that mode makes anything.
#[derive(Debug, Clone, Default)]
pub struct Durable {
    lowest: BTreeMap<String, Position>,
}

impl Durable {
    /// The lowest saved position of all readers of a queue.
    pub fn lowest(&self, queue: &str) -> Option<Position> {
        self.lowest.get(queue).copied()
    }
}

impl Cursors {
    /// Loads the cursors of the queues below `dir`; a missing file means that there are none yet.
    ///
    /// # Errors
    ///
    /// [`QueueError::DamagedCursors`] if the file cannot be trusted, [`QueueError::Io`] if it cannot be read.
    pub fn open(dir: &Path, fs: Arc<dyn Fs>, sync: SyncMode) -> Result<Cursors, QueueError> {
        let cursors = Cursors::empty(dir, fs, sync);
        let bytes = match uninterrupted(|| cursors.fs.read(&cursors.path)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(cursors),
            Err(error) => return Err(QueueError::io("read cursors", &cursors.path)(error)),
        };
        let (generation, places) = decode(&bytes).map_err(|what| QueueError::DamagedCursors {
            path: cursors.path.clone(),
            what: what.to_owned(),
        })?;
        {
            let mut state = lock(&cursors.state);
            state.generation = generation;
            state.places = places;
        }
        Ok(cursors)
    }

    /// Sets a damaged file aside, as `cursors.damaged`, and begins with no cursors.
    ///
    /// # Errors
    ///
    /// [`QueueError::Io`] if the file cannot be renamed.
    pub fn start_anew(dir: &Path, fs: Arc<dyn Fs>, sync: SyncMode) -> Result<Cursors, QueueError> {
        let cursors = Cursors::empty(dir, fs, sync);
        let aside = dir.join("cursors.damaged");
        match uninterrupted(|| cursors.fs.rename(&cursors.path, &aside)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(QueueError::io("set aside", &cursors.path)(error))
            }
            _ => Ok(cursors),
        }
    }

    fn empty(dir: &Path, fs: Arc<dyn Fs>, sync: SyncMode) -> Cursors {
        let path = dir.join(FILE_NAME);
        Cursors { path, fs, sync, state: Mutex::default(), save: Mutex::default() }
    }

    /// Where a reader of a queue stands; `None` if it has no cursor.
    pub fn get(&self, reader: &str, queue: &str) -> Option<Position> {
        lock(&self.state).places.get(&key(reader, queue)).copied()
    }

    /// Moves a cursor, also backwards. Saved by the next [`Cursors::save_if_changed`].
    pub fn set(&self, reader: &str, queue: &str, position: Position) {
        let mut state = lock(&self.state);
        if state.places.insert(key(reader, queue), position) != Some(position) {
            state.version += 1;
        }
    }

    /// Removes a cursor, so that it no longer keeps segments alive.
    pub fn remove(&self, reader: &str, queue: &str) {
        let mut state = lock(&self.state);
        if state.places.remove(&key(reader, queue)).is_some() {
            state.version += 1;
        }
    }

    /// All cursors: reader, queue, position.
    pub fn all(&self) -> Vec<(String, String, Position)> {
        let state = lock(&self.state);
        state.places.iter().map(|((queue, reader), at)| (reader.clone(), queue.clone(), *at)).collect()
    }

    /// The highest segment that a cursor of `queue` points into: open the queue with
    /// [`first_segment`](crate::Options::first_segment) one above it.
    pub fn highest_segment(&self, queue: &str) -> Option<u64> {
        let state = lock(&self.state);
        let of_queue = state.places.iter().filter(|((name, _), _)| name == queue);
        of_queue.map(|(_, position)| position.segment).max()
    }

    /// Writes the file if a cursor moved since it was written, and returns once it is durable. Other threads may
    /// move cursors meanwhile.
    ///
    /// # Errors
    ///
    /// [`QueueError::Io`]; the file before is still there, and the next call tries again.
    pub fn save_if_changed(&self) -> Result<Durable, QueueError> {
        let _save = lock(&self.save);
        let (text, version, durable, generation) = {
            let state = lock(&self.state);
            if state.saved == Some(state.version) {
                return Ok(state.durable.clone());
            }
            let generation = state.generation + 1;
            (encode(generation, &state.places), state.version, lowest(&state.places), generation)
        };
        self.replace(text.as_bytes())?;
        self.keep_reserve(text.len());
        let mut state = lock(&self.state);
        state.saved = Some(version);
        state.generation = generation;
        state.durable = durable.clone();
        Ok(durable)
    }

    /// Temporary file, sync, rename, sync of the folder.
    fn replace(&self, text: &[u8]) -> Result<(), QueueError> {
        let durably = self.sync != SyncMode::None;
        let dir = self.path.parent().unwrap_or(Path::new("."));
        let temporary = dir.join("cursors.tmp");
        let source = match self.write_new(&temporary, text, durably) {
            Err(error) if is_full(&error) => self
                .write_into_reserve(text, durably)
                // Of the two failures the first says what is wrong.
                .map_err(|_| QueueError::io("write cursors", &temporary)(error))?,
            written => {
                written.map_err(QueueError::io("write cursors", &temporary))?;
                temporary
            }
        };
        let renamed = uninterrupted(|| self.fs.rename(&source, &self.path));
        renamed.map_err(QueueError::io("replace cursors", &self.path))?;
        fault!("cursors-renamed");
        if durably {
            uninterrupted(|| self.fs.fsync_dir(dir)).map_err(QueueError::io("sync folder", dir))?;
        }
        fault!("cursors-dir-synced");
        Ok(())
    }

    fn reserve_path(&self) -> PathBuf {
        self.path.with_file_name("cursors.reserve")
    }

    /// Writes the cursors where space was kept for them; gives the file's path.
    fn write_into_reserve(&self, text: &[u8], durably: bool) -> io::Result<PathBuf> {
        let path = self.reserve_path();
        lock(&self.state).reserve = 0;
        let file = uninterrupted(|| self.fs.open(&path))?;
        write_all_at(file.as_ref(), text, 0)?;
        uninterrupted(|| file.truncate(text.len() as u64))?;
        if durably {
            uninterrupted(|| file.fdatasync())?;
        }
        Ok(path)
    }

    /// Sees to it that there is a reserve for cursors of `len` bytes. Without space for one there is none, until a later
    /// save finds some.
    fn keep_reserve(&self, len: usize) {
        let size = RESERVE_SIZE.max((2 * len).next_multiple_of(RESERVE_SIZE));
        let old = lock(&self.state).reserve;
        if (size / 2..=size).contains(&old) {
            return;
        }
        let path = self.reserve_path();
        let made = self.write_new(&path, &vec![0; size], false);
        if made.is_err() {
            // What is there of it only takes space that others need.
            uninterrupted(|| self.fs.unlink(&path)).ok();
        }
        lock(&self.state).reserve = if made.is_ok() { size } else { 0 };
    }

    fn write_new(&self, path: &Path, text: &[u8], durably: bool) -> io::Result<()> {
        // What is left of an attempt that failed; never written over, so that no old bytes stay behind the new.
        match uninterrupted(|| self.fs.unlink(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = uninterrupted(|| self.fs.create(path))?;
        fault!("cursors-torn", write_all_at(file.as_ref(), &text[..text.len() / 2], 0));
        write_all_at(file.as_ref(), text, 0)?;
        fault!("cursors-written");
        if durably {
            uninterrupted(|| file.fdatasync())?;
        }
        fault!("cursors-synced");
        Ok(())
    }
}

fn key(reader: &str, queue: &str) -> Key {
    (queue.to_owned(), reader.to_owned())
}

fn lowest(places: &BTreeMap<Key, Position>) -> Durable {
    let mut lowest = BTreeMap::new();
    for ((queue, _), &position) in places {
        lowest
            .entry(queue.clone())
            .and_modify(|least: &mut Position| *least = position.min(*least))
            .or_insert(position);
    }
    Durable { lowest }
}

fn encode(generation: u64, places: &BTreeMap<Key, Position>) -> String {
    let mut text = format!("{HEAD}{generation}\n");
    for ((queue, reader), at) in places {
        escape(queue, &mut text);
        text.push('\t');
        escape(reader, &mut text);
        // Writing to a string cannot fail.
        writeln!(text, "\t{}\t{}", at.segment, at.offset).ok();
    }
    let crc = crc32c::crc32c(text.as_bytes());
    writeln!(text, "crc32c {crc:08x}").ok();
    text
}

fn decode(bytes: &[u8]) -> Result<(u64, BTreeMap<Key, Position>), &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8")?;
    let body = text.strip_suffix('\n').ok_or("cut short")?;
    let split = body.rfind('\n').ok_or("cut short")? + 1;
    let (body, crc) = body.split_at(split);
    let crc = crc.strip_prefix("crc32c ").filter(|crc| crc.len() == 8).ok_or("the CRC line is missing")?;
    if u32::from_str_radix(crc, 16) != Ok(crc32c::crc32c(body.as_bytes())) {
        return Err("the CRC does not fit");
    }
    let mut lines = body.lines();
    let head =
        lines.next().and_then(|line| line.strip_prefix(HEAD)).ok_or("not a cursors file of version 1")?;
    let generation = head.parse().map_err(|_| "bad generation")?;
    let mut places = BTreeMap::new();
    for line in lines {
        let mut parts = line.split('\t');
        let mut part = || parts.next().ok_or("a line has too few parts");
        let (queue, reader, segment, offset) = (part()?, part()?, part()?, part()?);
        let number = |text: &str| text.parse().map_err(|_| "bad number");
        let position = Position::new(number(segment)?, number(offset)?);
        places.insert((unescape(queue)?, unescape(reader)?), position);
    }
    Ok((generation, places))
}

fn escape(name: &str, out: &mut String) {
    for c in name.chars() {
        if c == '%' || c.is_ascii_control() {
            write!(out, "%{:02X}", c as u32).ok();
        } else {
            out.push(c);
        }
    }
}

fn unescape(name: &str) -> Result<String, &'static str> {
    let mut parts = name.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (code, rest) = part.split_at_checked(2).ok_or("bad escape in a name")?;
        let byte = u8::from_str_radix(code, 16).map_err(|_| "bad escape in a name")?;
        out.push(char::from(byte));
        out.push_str(rest);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::SimulatedFs;
    use crate::fs::simulated::{Fault, Random};
    use proptest::prelude::*;

    const DIR: &str = "/base";

    fn open(fs: &SimulatedFs) -> Result<Cursors, QueueError> {
        Cursors::open(Path::new(DIR), Arc::new(fs.clone()), SyncMode::Ack)
    }

    #[test]
    fn cursors_come_back_as_they_were_saved() {
        let fs = SimulatedFs::new();
        let cursors = open(&fs).unwrap();
        cursors.set("out\t%", "input\n", Position::new(3, 4));
        cursors.set("out2", "input\n", Position::new(2, 9));
        cursors.set("gone", "input\n", Position::new(1, 0));
        cursors.remove("gone", "input\n");
        let saved = cursors.save_if_changed().unwrap();
        assert_eq!(saved.lowest("input\n"), Some(Position::new(2, 9)));
        assert_eq!(saved.lowest("filter"), None);
        let calls = fs.calls();
        cursors.set("out2", "input\n", Position::new(2, 9));
        cursors.save_if_changed().unwrap();
        assert_eq!(fs.calls(), calls, "nothing changed, nothing is written");

        let again = open(&fs.after_power_cut(&mut Random::new(1))).unwrap();
        assert_eq!(again.get("out\t%", "input\n"), Some(Position::new(3, 4)));
        assert_eq!(again.get("gone", "input\n"), None);
        assert_eq!(again.highest_segment("input\n"), Some(3));
        assert_eq!(again.all(), cursors.all());
    }

    #[test]
    fn damage_is_named_and_set_aside() {
        let fs = SimulatedFs::new();
        open(&fs).unwrap().save_if_changed().unwrap();
        let cursors = open(&fs).unwrap();
        cursors.set("out", "input", Position::new(1, 2));
        cursors.save_if_changed().unwrap();
        let path = Path::new(DIR).join(FILE_NAME);
        let mut good = Vec::new();
        fs.damage(&path, |bytes| good = bytes.clone());
        for at in 0..good.len() {
            for bit in 0..8 {
                fs.damage(&path, |bytes| {
                    *bytes = good.clone();
                    bytes[at] ^= 1 << bit;
                });
                // The case of a hexadecimal digit of the CRC is all that may change.
                if let Ok(cursors) = open(&fs) {
                    assert_eq!(cursors.get("out", "input"), Some(Position::new(1, 2)), "byte {at} bit {bit}");
                }
            }
            fs.damage(&path, |bytes| *bytes = good[..at].to_vec());
            let error = open(&fs).unwrap_err();
            assert!(matches!(error, QueueError::DamagedCursors { .. }), "cut at {at}: {error}");
            assert!(error.to_string().contains("/base/cursors"), "{error}");
        }
        let anew = Cursors::start_anew(Path::new(DIR), Arc::new(fs.clone()), SyncMode::Ack).unwrap();
        assert!(anew.all().is_empty());
        assert_eq!(fs.paths(), [Path::new("/base/cursors.damaged"), Path::new("/base/cursors.reserve")]);
    }

    #[test]
    fn a_full_disk_takes_cursors_all_the_same() {
        let fs = SimulatedFs::new();
        let cursors = open(&fs).unwrap();
        cursors.set("out", "input", Position::new(1, 0));
        cursors.save_if_changed().unwrap();
        // All that there is is taken.
        let sizes = fs.list(Path::new(DIR)).unwrap();
        let used = sizes.iter().map(|(_, size)| size).sum();
        fs.set_capacity(Some(used));
        for segment in 2..20 {
            cursors.set("out", "input", Position::new(segment, 7));
            let saved = cursors.save_if_changed().unwrap();
            assert_eq!(saved.lowest("input"), Some(Position::new(segment, 7)));
            let after = open(&fs.after_power_cut(&mut Random::new(segment))).unwrap();
            assert_eq!(after.get("out", "input"), Some(Position::new(segment, 7)));
        }
        // Without a reserve a save fails, and leaves what was.
        fs.unlink(&cursors.reserve_path()).ok();
        fs.set_capacity(Some(60));
        cursors.set("out", "input", Position::new(100, 0));
        assert!(cursors.save_if_changed().unwrap_err().is_disk_full());
        assert_eq!(open(&fs).unwrap().get("out", "input"), Some(Position::new(19, 7)));
        fs.set_capacity(None);
        cursors.save_if_changed().unwrap();
        assert!(fs.paths().contains(&cursors.reserve_path()));
    }

    /// Whatever call fails, and wherever the power goes, the file holds what was saved last or what was being saved.
    #[test]
    fn a_save_that_fails_leaves_the_one_before() {
        let faults = [
            Fault::Error(libc::ENOSPC),
            Fault::Error(libc::EIO),
            Fault::Torn(libc::EIO),
            Fault::Short,
            Fault::PowerOff,
        ];
        for fault in faults {
            for call in 0..6 {
                for seed in 0..20 {
                    let fs = SimulatedFs::new();
                    let cursors = open(&fs).unwrap();
                    cursors.set("out", "input", Position::new(1, 1));
                    cursors.save_if_changed().unwrap();
                    fs.fail_call(fs.calls() + call, fault);
                    cursors.set("out", "input", Position::new(2, 2));
                    let saved = cursors.save_if_changed();
                    let mut random = Random::new(seed);
                    let found = open(&fs.after_power_cut(&mut random)).unwrap().get("out", "input").unwrap();
                    let case = format!("{fault:?} at call {call}, seed {seed}");
                    assert!(
                        found == Position::new(2, 2) || saved.is_err() && found.segment == 1,
                        "{case}: {found}"
                    );
                    if saved.is_err() && fault != Fault::PowerOff {
                        let saved = cursors.save_if_changed().unwrap();
                        assert_eq!(saved.lowest("input"), Some(Position::new(2, 2)), "{case}");
                        let found = open(&fs.after_power_cut(&mut random)).unwrap().get("out", "input");
                        assert_eq!(found, Some(Position::new(2, 2)), "{case}");
                    }
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_names_and_places_survive(
            places: BTreeMap<(String, String), (u64, u64)>, generation: u64,
        ) {
            let places: BTreeMap<Key, Position> =
                places.into_iter().map(|(key, (segment, offset))| (key, Position::new(segment, offset))).collect();
            let text = encode(generation, &places);
            prop_assert_eq!(decode(text.as_bytes()), Ok((generation, places)));
        }

        #[test]
        fn any_bytes_are_decoded_without_a_panic(bytes: Vec<u8>, text: String) {
            decode(&bytes).ok();
            let crc = crc32c::crc32c(text.as_bytes());
            decode(format!("{text}\ncrc32c {crc:08x}\n").as_bytes()).ok();
            unescape(&text).ok();
        }
    }
}
