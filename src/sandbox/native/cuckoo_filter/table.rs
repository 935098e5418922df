//! Buckets of fingerprints. An item's fingerprint lies in one of two buckets, each of which can be told from the other
//! and the fingerprint; so one that is in the way can be moved to its other bucket.

use std::ffi::c_void;
use std::ptr::NonNull;

use crate::native::hash::xxh32;

/// Fingerprints in a bucket.
pub(super) const ENTRIES: usize = 4;
const ENTRY_BYTES: usize = size_of::<u16>();
/// So many fingerprints are moved to make room for one.
const MOST_MOVES: usize = 512;
const SEED: u32 = 1;

#[repr(C)]
pub(super) struct Header {
    /// A power of two.
    pub(super) buckets: u32,
    /// Items in the filter.
    pub(super) count: f64,
}

/// A filter on the Lua stack: a header, then the buckets. A fingerprint of 0 is none.
#[derive(Clone, Copy)]
pub(super) struct Table(NonNull<Header>);

impl Table {
    /// Bytes of a filter with so many buckets.
    pub(super) fn size(buckets: u32) -> usize {
        size_of::<Header>() + buckets as usize * ENTRIES * ENTRY_BYTES
    }

    /// The filter of an object.
    ///
    /// # Safety
    /// The object has [`Table::size`] bytes and an initialised header.
    pub(super) unsafe fn from_object(block: *mut c_void) -> Table {
        // SAFETY: as promised.
        Table(unsafe { NonNull::new_unchecked(block.cast()) })
    }

    pub(super) fn header(&mut self) -> &mut Header {
        // SAFETY: it is initialised, and lives as long as the object.
        unsafe { self.0.as_mut() }
    }

    fn entries(&mut self) -> &mut [u16] {
        let length = self.header().buckets as usize * ENTRIES;
        // SAFETY: so many entries follow the header; any bytes are valid ones, and `new` cleared them.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_ptr().add(1).cast(), length) }
    }

    /// All buckets as they are saved.
    pub(super) fn bytes(&mut self) -> &mut [u8] {
        let entries = self.entries();
        let length = size_of_val(entries);
        // SAFETY: the same memory.
        unsafe { std::slice::from_raw_parts_mut(entries.as_mut_ptr().cast(), length) }
    }

    pub(super) fn clear(&mut self) {
        self.header().count = 0.0;
        let length = self.header().buckets as usize * ENTRIES;
        // SAFETY: as for `entries`, which may not be looked at before this.
        unsafe { self.0.as_ptr().add(1).cast::<u16>().write_bytes(0, length) };
    }

    fn bucket(&mut self, index: u32) -> &mut [u16] {
        &mut self.entries()[index as usize * ENTRIES..][..ENTRIES]
    }

    /// The fingerprint of an item and the first of its buckets.
    fn place(&mut self, key: &[u8]) -> (u16, u32) {
        let hash = xxh32(key, SEED);
        ((hash >> 16).max(1) as u16, hash & (self.header().buckets - 1))
    }

    /// The other bucket of a fingerprint.
    fn other(&mut self, bucket: u32, fingerprint: u16) -> u32 {
        let hash = xxh32(&u32::from(fingerprint).to_ne_bytes(), SEED);
        let shift = self.header().buckets.leading_zeros() + 1;
        bucket ^ hash.checked_shr(shift).unwrap_or(0)
    }

    fn replace(&mut self, bucket: u32, old: u16, new: u16) -> bool {
        let found = self.bucket(bucket).iter_mut().find(|entry| **entry == old);
        found.map(|entry| *entry = new).is_some()
    }

    pub(super) fn has(&mut self, key: &[u8]) -> bool {
        let (fingerprint, first) = self.place(key);
        let second = self.other(first, fingerprint);
        [first, second].iter().any(|bucket| self.bucket(*bucket).contains(&fingerprint))
    }

    pub(super) fn delete(&mut self, key: &[u8]) -> bool {
        let (fingerprint, first) = self.place(key);
        let second = self.other(first, fingerprint);
        let deleted = [first, second].iter().any(|bucket| self.replace(*bucket, fingerprint, 0));
        self.header().count -= f64::from(u8::from(deleted));
        deleted
    }

    pub(super) fn add(&mut self, key: &[u8], mut random: impl FnMut() -> u64) -> bool {
        if self.has(key) {
            return false;
        }
        let (mut fingerprint, first) = self.place(key);
        let second = self.other(first, fingerprint);
        let mut is_in = [first, second].iter().any(|bucket| self.replace(*bucket, 0, fingerprint));
        let mut bucket = if random() & 1 == 0 { first } else { second };
        for _ in 0..MOST_MOVES {
            if is_in {
                break;
            }
            let entry = (random() >> 8) as usize % ENTRIES;
            std::mem::swap(&mut self.bucket(bucket)[entry], &mut fingerprint);
            bucket = self.other(bucket, fingerprint);
            if self.bucket(bucket).contains(&fingerprint) {
                return false;
            }
            is_in = self.replace(bucket, 0, fingerprint);
        }
        self.header().count += f64::from(u8::from(is_in));
        is_in
    }
}
