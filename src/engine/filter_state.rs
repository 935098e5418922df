//! A filter's state saved together with its place in the queues, so that after a crash both agree.
//!
//! File `<base_dir>/filter_state/<filter, non-word bytes as _>-<hash>.state`, replaced atomically. All numbers little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `HEKAFS01` |
//! | 4 × 8 | place: input segment, input offset, filter segment, filter offset |
//! | 4 | length of the state |
//! | n | the state, in the filter's own form |
//! | 4 | CRC-32C of all before |
//!
//! A file that is missing means no state; one that is damaged is set aside as `.damaged`, and the filter starts afresh at its
//! cursor. The cursor in the cursors file is never past the place in here, so nothing that the state lacks is pruned.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use heka_queue::Position;

use crate::place::Place;

const MAGIC: &[u8; 8] = b"HEKAFS01";
const HEAD: usize = 8 + 4 * 8 + 4;

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
        file.write_all(&encode(place, state)?)?;
        if self.sync {
            file.sync_data()?;
        }
        fs::rename(&new, &self.path)?;
        if self.sync {
            File::open(dir)?.sync_all()?;
        }
        Ok(())
    }
}

fn encode(place: Place, state: &[u8]) -> io::Result<Vec<u8>> {
    let len = u32::try_from(state.len()).map_err(|_| io::Error::other("the state is larger than 4 GiB"))?;
    let mut bytes = Vec::with_capacity(HEAD + state.len() + 4);
    bytes.extend_from_slice(MAGIC);
    for number in [place.input.segment, place.input.offset, place.filter.segment, place.filter.offset] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&len.to_le_bytes());
    bytes.extend_from_slice(state);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    Ok(bytes)
}

fn decode(bytes: &[u8]) -> Option<(Place, &[u8])> {
    let (body, crc) = bytes.split_last_chunk::<4>()?;
    let rest = body.strip_prefix(MAGIC)?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
        return None;
    }
    let (numbers, rest) = rest.split_first_chunk::<32>()?;
    let (len, state) = rest.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*len) as usize != state.len() {
        return None;
    }
    let number = |i: usize| u64::from_le_bytes(std::array::from_fn(|k| numbers[8 * i + k]));
    let at = |i: usize| Position { segment: number(i), offset: number(i + 1) };
    Some((Place { input: at(0), filter: at(2) }, state))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        let at = |segment, offset| Position { segment, offset };
        Place { input: at(3, 77), filter: at(1, 5) }
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
    fn a_damaged_file_is_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let file = StateFile::new(dir.path(), "f", false);
        file.save(place(), b"x").unwrap();
        fs::write(&file.path, b"HEKAFS01 torn").unwrap();
        assert!(matches!(file.load().unwrap(), Loaded::Damaged(_)));
        assert_eq!(file.load().unwrap(), Loaded::Nothing);
    }
}
