//! A reader's progress between two saves of the cursors file, kept so that a killed process repeats at most a batch.
//!
//! File `<base_dir>/queue/progress/<reader, non-word bytes as _>-<hash>`, written in place after each batch and never synced:
//! what one process wrote, the next one sees, whichever way the first one died. A power cut is another matter, since it
//! may keep this file and lose what the output wrote; so the file counts only in the boot of the system that wrote it.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `HEKAPR02` |
//! | 36 | the system's boot id as text |
//! | 6 × 8 | place: segment and offset in the input, the filter and the imported queue; little-endian |
//! | 4 | CRC-32C of all before, little-endian |

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use heka_fault::fault;
use heka_queue::Position;

use crate::filter_state::file_name;
use crate::place::Place;

const MAGIC: &[u8; 8] = b"HEKAPR02";
const BOOT_ID: usize = 36;
const SIZE: usize = 8 + BOOT_ID + 48 + 4;

/// Where one reader notes its progress.
#[derive(Debug)]
pub struct Progress {
    file: File,
    boot_id: [u8; BOOT_ID],
}

impl Progress {
    /// Opens the note of `reader`.
    ///
    /// # Errors
    /// The file cannot be made, or the system does not tell its boot id.
    pub fn open(base_dir: &Path, reader: &str) -> io::Result<Progress> {
        let boot_id = fs::read("/proc/sys/kernel/random/boot_id")?;
        let boot_id = *boot_id.first_chunk().ok_or_else(|| io::Error::other("the boot id is too short"))?;
        let dir = base_dir.join("queue").join("progress");
        fs::create_dir_all(&dir)?;
        let path = dir.join(file_name(reader));
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(Progress { file, boot_id })
    }

    /// Removes the note of a reader that is no more.
    ///
    /// # Errors
    /// It is still there.
    pub fn remove(base_dir: &Path, reader: &str) -> io::Result<()> {
        match fs::remove_file(base_dir.join("queue").join("progress").join(file_name(reader))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// The place noted last, if the note is whole and of this boot.
    pub fn read(&self) -> Option<Place> {
        let mut bytes = [0; SIZE];
        self.file.read_exact_at(&mut bytes, 0).ok()?;
        decode(&bytes, &self.boot_id)
    }

    /// The place that `reader` noted last, if the note is whole and of this boot. Makes no file.
    pub fn look(base_dir: &Path, reader: &str) -> Option<Place> {
        let boot_id = fs::read("/proc/sys/kernel/random/boot_id").ok()?;
        let bytes = fs::read(base_dir.join("queue").join("progress").join(file_name(reader))).ok()?;
        decode(bytes.first_chunk()?, boot_id.first_chunk()?)
    }

    /// Moves the places of all notes that are whole, while no hekad runs: their segments are about to be rewritten. `moved`
    /// is told the file, whose name tells the reader.
    ///
    /// # Errors
    /// A note cannot be read or written; those before it are moved.
    pub fn move_all(base_dir: &Path, moved: &dyn Fn(&Path, Place) -> Place) -> io::Result<()> {
        let dir = base_dir.join("queue").join("progress");
        let entries = match fs::read_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let bytes = fs::read(&path)?;
            let boot_id = bytes.get(8..).and_then(<[u8]>::first_chunk);
            let (Some(note), Some(boot_id)) = (bytes.first_chunk::<SIZE>(), boot_id) else { continue };
            let Some(place) = decode(note, boot_id) else { continue };
            let to = moved(&path, place);
            if to != place {
                let file = OpenOptions::new().write(true).open(path)?;
                file.write_all_at(&encode(to, boot_id), 0)?;
                file.sync_data()?;
            }
        }
        Ok(())
    }

    /// Notes a place.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note(&self, place: Place) -> io::Result<()> {
        fault!("progress-torn", self.file.write_all_at(&encode(place, &self.boot_id)[..SIZE - 20], 0));
        self.file.write_all_at(&encode(place, &self.boot_id), 0)?;
        fault!("progress-noted");
        Ok(())
    }
}

fn encode(place: Place, boot_id: &[u8; BOOT_ID]) -> [u8; SIZE] {
    let mut bytes = [0; SIZE];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..8 + BOOT_ID].copy_from_slice(boot_id);
    let numbers = [place.input, place.filter, place.imported].map(|at| [at.segment, at.offset]);
    for (number, bytes) in numbers.as_flattened().iter().zip(bytes[8 + BOOT_ID..].chunks_exact_mut(8)) {
        bytes.copy_from_slice(&number.to_le_bytes());
    }
    let crc = crc32c::crc32c(&bytes[..SIZE - 4]);
    bytes[SIZE - 4..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8; SIZE], boot_id: &[u8; BOOT_ID]) -> Option<Place> {
    let (body, crc) = bytes.split_last_chunk::<4>()?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
        return None;
    }
    let numbers = body.strip_prefix(MAGIC)?.strip_prefix(boot_id)?;
    let number = |i: usize| u64::from_le_bytes(std::array::from_fn(|k| numbers[8 * i + k]));
    let at = |i: usize| Position { segment: number(i), offset: number(i + 1) };
    Some(Place { input: at(0), filter: at(2), imported: at(4) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(n: u64) -> Place {
        let at = |segment, offset| Position { segment, offset };
        Place { input: at(n, 77), filter: at(1, n), imported: at(n, 5) }
    }

    #[test]
    fn the_last_note_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let progress = Progress::open(dir.path(), "out").unwrap();
        assert_eq!(progress.read(), None);
        progress.note(place(1)).unwrap();
        progress.note(place(2)).unwrap();
        assert_eq!(Progress::open(dir.path(), "out").unwrap().read(), Some(place(2)));
        assert_eq!(Progress::open(dir.path(), "other").unwrap().read(), None);
    }

    #[test]
    fn damage_and_another_boot_are_noticed() {
        let whole = encode(place(3), &[b'a'; BOOT_ID]);
        assert_eq!(decode(&whole, &[b'a'; BOOT_ID]), Some(place(3)));
        assert_eq!(decode(&whole, &[b'b'; BOOT_ID]), None);
        for bit in 0..SIZE * 8 {
            let mut flipped = whole;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&flipped, &[b'a'; BOOT_ID]), None);
        }
    }
}
