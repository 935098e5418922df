//! A filter's state saved together with its place in the queues, so that after a crash both agree.
//!
//! File `<base_dir>/filter_state/<filter, non-word bytes as _>-<hash>.state`, replaced atomically. All numbers little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `HEKAFS02` |
//! | 6 × 8 | place: segment and offset in the input, the filter and the imported queue |
//! | 4 | length of the state |
//! | n | the state, in the filter's own form |
//! | 4 | CRC-32C of all before |
//!
//! A file that begins with `HEKAFS01` lacks the imported queue. A file that is missing means no state; one that is damaged
//! is set aside as `.damaged`, and the filter starts afresh at its cursor. The cursor in the cursors file is never past the
//! place in here, so nothing that the state lacks is pruned.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use heka_fault::fault;
use heka_queue::Position;

use crate::place::Place;

const MAGIC: &[u8; 8] = b"HEKAFS02";
/// Of the form without a place in the imported queue.
const OLD_MAGIC: &[u8; 8] = b"HEKAFS01";
const HEAD: usize = 8 + 6 * 8 + 4;

/// Where one filter's state is kept.
#[derive(Clone, Debug)]
pub struct StateFile {
    path: PathBuf,
    sync: bool,
}

/// A file name for a plugin: its word bytes to read, a hash of all to tell it from others.
pub(crate) fn file_name(plugin: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' };
    let name: String = plugin.chars().map(word).take(100).collect();
    format!("{name}-{:08x}", crc32c::crc32c(plugin.as_bytes()))
}

/// What [`StateFile::load`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Loaded {
    /// There is no file.
    Nothing,
    /// A state and the place it belongs to.
    State(Place, Vec<u8>),
    /// The file is damaged and was set aside.
    Damaged(String),
}

impl StateFile {
    /// The file of `filter`; with `sync` a saved state survives a power cut.
    pub fn new(base_dir: &Path, filter: &str, sync: bool) -> StateFile {
        StateFile {
            path: base_dir.join("filter_state").join(file_name(filter)).with_extension("state"),
            sync,
        }
    }

    /// Reads the state.
    ///
    /// # Errors
    /// The file is there but cannot be read.
    pub fn load(&self) -> io::Result<Loaded> {
        let bytes = match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Loaded::Nothing),
            read => read?,
        };
        match decode(&bytes) {
            Some((place, state)) => Ok(Loaded::State(place, state.to_vec())),
            None => {
                let aside = self.path.with_extension("damaged");
                fs::rename(&self.path, &aside)?;
                Ok(Loaded::Damaged(format!(
                    "{} is damaged, set aside as {}",
                    self.path.display(),
                    aside.display()
                )))
            }
        }
    }

    /// The place that the state belongs to, if there is a state that is whole. Changes nothing.
    pub fn place(&self) -> Option<Place> {
        decode(&fs::read(&self.path).ok()?).map(|(place, _)| place)
    }

    /// The files of all states below `base_dir`, each with its place; `None` for one that is damaged.
    ///
    /// # Errors
    /// The folder or a file cannot be read.
    pub fn all(base_dir: &Path) -> io::Result<Vec<(PathBuf, Option<Place>)>> {
        let entries = match fs::read_dir(base_dir.join("filter_state")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "state") {
                let place = decode(&fs::read(&path)?).map(|(place, _)| place);
                all.push((path, place));
            }
        }
        all.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(all)
    }

    /// Moves the places of all states, while no hekad runs: the segments they point into are about to be rewritten. `moved`
    /// is told the file, whose name tells the filter.
    ///
    /// # Errors
    /// A state cannot be read or written; those before it are moved.
    pub fn move_all(base_dir: &Path, moved: &dyn Fn(&Path, Place) -> Place) -> io::Result<()> {
        for (path, place) in StateFile::all(base_dir)? {
            if place.is_some_and(|place| moved(&path, place) != place)
                && let Some((place, state)) = decode(&fs::read(&path)?)
            {
                let to = moved(&path, place);
                StateFile { path, sync: true }.save(to, state)?;
            }
        }
        Ok(())
    }

    /// Removes the state.
    ///
    /// # Errors
    /// It is still there.
    pub fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Replaces the state. Returns once it is as durable as it is to be.
    ///
    /// # Errors
    /// The state before is still there.
    pub fn save(&self, place: Place, state: &[u8]) -> io::Result<()> {
        let dir = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(dir)?;
        let new = self.path.with_extension("new");
        let mut file = File::create(&new)?;
        fault!("filter-state-torn", file.write_all(&encode(place, state)?[..HEAD]));
        file.write_all(&encode(place, state)?)?;
        fault!("filter-state-written");
        if self.sync {
            file.sync_data()?;
        }
        fault!("filter-state-synced");
        fs::rename(&new, &self.path)?;
        fault!("filter-state-renamed");
        if self.sync {
            File::open(dir)?.sync_all()?;
        }
        fault!("filter-state-dir-synced");
        Ok(())
    }
}

fn encode(place: Place, state: &[u8]) -> io::Result<Vec<u8>> {
    let len = u32::try_from(state.len()).map_err(|_| io::Error::other("the state is larger than 4 GiB"))?;
    let mut bytes = Vec::with_capacity(HEAD + state.len() + 4);
    bytes.extend_from_slice(MAGIC);
    for at in [place.input, place.filter, place.imported] {
        bytes.extend_from_slice(&at.segment.to_le_bytes());
        bytes.extend_from_slice(&at.offset.to_le_bytes());
    }
    bytes.extend_from_slice(&len.to_le_bytes());
    bytes.extend_from_slice(state);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    Ok(bytes)
}

fn decode(bytes: &[u8]) -> Option<(Place, &[u8])> {
    let (body, crc) = bytes.split_last_chunk::<4>()?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
        return None;
    }
    let (magic, rest) = body.split_first_chunk::<8>()?;
    let mut numbers = [0; 48];
    let given = match magic {
        MAGIC => 48,
        OLD_MAGIC => 32,
        _ => return None,
    };
    let (place, rest) = rest.split_at_checked(given)?;
    numbers[..given].copy_from_slice(place);
    let (len, state) = rest.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*len) as usize != state.len() {
        return None;
    }
    let number = |i: usize| u64::from_le_bytes(std::array::from_fn(|k| numbers[8 * i + k]));
    let at = |i: usize| Position { segment: number(i), offset: number(i + 1) };
    Some((Place { input: at(0), filter: at(2), imported: at(4) }, state))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        let at = |segment, offset| Position { segment, offset };
        Place { input: at(3, 77), filter: at(1, 5), imported: at(2, 9) }
    }

    #[test]
    fn a_saved_state_comes_back_with_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let file = StateFile::new(dir.path(), "a filter/é", true);
        assert_eq!(file.load().unwrap(), Loaded::Nothing);
        file.save(place(), b"one").unwrap();
        file.save(place(), b"").unwrap();
        file.save(place(), b"two").unwrap();
        assert_eq!(file.load().unwrap(), Loaded::State(place(), b"two".to_vec()));
        file.remove().unwrap();
        file.remove().unwrap();
        assert_eq!(file.load().unwrap(), Loaded::Nothing);
    }

    #[test]
    fn names_that_map_to_the_same_words_do_not_collide() {
        let dir = Path::new("/x");
        assert_ne!(StateFile::new(dir, "a-b", true).path, StateFile::new(dir, "a.b", true).path);
    }

    #[test]
    fn any_cut_or_flipped_bit_is_noticed() {
        let whole = encode(place(), b"state").unwrap();
        assert!(decode(&whole).is_some());
        for cut in 0..whole.len() {
            assert_eq!(decode(&whole[..cut]), None);
        }
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&flipped), None);
        }
    }

    #[test]
    fn a_file_without_a_place_in_the_imported_queue_is_read() {
        let mut old = encode(place(), b"state").unwrap();
        old[..8].copy_from_slice(OLD_MAGIC);
        old.drain(8 + 32..8 + 48);
        old.truncate(old.len() - 4);
        old.extend_from_slice(&crc32c::crc32c(&old).to_le_bytes());
        let expected = Place { imported: Position::default(), ..place() };
        assert_eq!(decode(&old), Some((expected, &b"state"[..])));
    }

    #[test]
    fn a_damaged_file_is_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let file = StateFile::new(dir.path(), "f", false);
        file.save(place(), b"x").unwrap();
        fs::write(&file.path, b"HEKAFS01 torn").unwrap();
        assert!(matches!(file.load().unwrap(), Loaded::Damaged(_)));
        assert_eq!(file.load().unwrap(), Loaded::Nothing);
    }
}
