//! A file's bytes, for reading.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// How far behind a reader pages are let go, and in what steps, in bytes. Readers close to each other then do
/// not fault in again what the first of them let go.
const RELEASE_STEP: usize = 2 << 20;

/// A file's bytes, for reading: mapped, or a copy in memory.
#[derive(Debug)]
pub struct Map {
    source: Source,
    len: usize,
    /// Bytes whose records have been checked, as `from << 32 | to`: each is checked once per map.
    checked: AtomicU64,
}

#[derive(Debug)]
enum Source {
    Mapped(memmap2::Mmap),
    Copied(Vec<u8>),
}

impl Map {
    /// Maps a file at its present size.
    pub(super) fn of_file(file: &std::fs::File) -> io::Result<Map> {
        let len = usize::try_from(file.metadata()?.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        if len == 0 {
            return Ok(Map::of_bytes(Vec::new()));
        }
        // SAFETY: the map is only ever looked at below an end that has been published (`Map::bytes`); the writer
        // of this process never changes or cuts off bytes below it, and the queue's folder belongs to this
        // process alone.
        #[allow(unsafe_code)]
        let mapped = unsafe { memmap2::MmapOptions::new().len(len).map(file)? };
        Ok(Map { source: Source::Mapped(mapped), len, checked: AtomicU64::new(0) })
    }

    /// A map of bytes in memory.
    pub fn of_bytes(bytes: Vec<u8>) -> Map {
        Map { len: bytes.len(), source: Source::Copied(bytes), checked: AtomicU64::new(0) }
    }

    /// The map, known to be right up to `end` when it is a copy: it does not see what is written later.
    pub(crate) fn limited_to(mut self, end: usize) -> Map {
        if let Source::Copied(_) = self.source {
            self.len = self.len.min(end);
        }
        self
    }

    /// How many bytes are mapped. Not all need be there: see [`Map::bytes`].
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The bytes below `end`, which must be a published end of the segment (invariant 1).
    #[inline]
    pub(crate) fn bytes(&self, end: usize) -> &[u8] {
        let end = end.min(self.len);
        match &self.source {
            Source::Mapped(mapped) => {
                // SAFETY: `end` is within the map. Bytes below a published end are in the file and are never
                // written or cut off again, so no one changes what this slice shows.
                #[allow(unsafe_code)]
                unsafe {
                    std::slice::from_raw_parts(mapped.as_ptr(), end)
                }
            }
            Source::Copied(bytes) => &bytes[..end],
        }
    }

    /// The range whose records have been checked through this map.
    pub(crate) fn checked(&self) -> (usize, usize) {
        let range = self.checked.load(Ordering::Relaxed);
        ((range >> 32) as usize, (range & 0xFFFF_FFFF) as usize)
    }

    /// Adds a checked range, if it continues the one known.
    pub(crate) fn add_checked(&self, from: usize, to: usize) {
        let old = self.checked.load(Ordering::Relaxed);
        let (known_from, known_to) = ((old >> 32) as usize, (old & 0xFFFF_FFFF) as usize);
        let known_empty = known_from == known_to;
        if known_empty || (from <= known_to && to > known_to && from >= known_from) {
            let from = if known_empty { from } else { known_from };
            let new = (from as u64) << 32 | to as u64;
            // When another reader was faster, its range is as good as this one.
            self.checked.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed).ok();
        }
    }

    /// Lets go of the pages that a reader passed when it went from `before` to `now`, a step behind it.
    pub(crate) fn release(&self, before: usize, now: usize) {
        // A reader may have passed records that were appended after the map was made.
        let (first, last) = (before / RELEASE_STEP, now.min(self.len) / RELEASE_STEP);
        if first >= last || last < 2 {
            return;
        }
        if let Source::Mapped(mapped) = &self.source {
            let from = first.saturating_sub(1) * RELEASE_STEP;
            let len = (last - 1) * RELEASE_STEP - from;
            // SAFETY: the range lies in the map, below a published end, and the map is shared and read-only: a
            // page that is looked at again is read from the file again, with the same bytes.
            #[allow(unsafe_code)]
            let advised =
                unsafe { mapped.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, from, len) };
            // Only advice: if it is refused, the pages go when the map does.
            advised.ok();
        }
    }
}
