//! The allocator of a Lua state: it counts every byte, refuses what goes over the limit, and serves small blocks from
//! free lists, because a decoder makes and drops a few dozen small objects for every message.

use std::alloc::Layout;
use std::ptr;

/// Small blocks are rounded up to a multiple of this.
const STEP: usize = 16;
/// Blocks up to this size come from the free lists.
const LARGEST_SMALL: usize = 512;
const CLASSES: usize = LARGEST_SMALL / STEP;
/// Small blocks are cut from pieces of this size.
const CHUNK_BYTES: usize = 32 * 1024;
/// Free lists never give memory back, so what they may take of the system is bounded: so many times the limit.
const MOST_CHUNKS_PER_LIMIT: usize = 4;

/// Memory of one Lua state. Everything in it is freed when it is dropped.
pub(crate) struct Memory {
    /// Bytes in use, as Lua counts them.
    pub(crate) used: usize,
    /// Most bytes ever in use.
    pub(crate) peak: usize,
    /// Bytes that may be in use; 0 is no limit.
    pub(crate) limit: usize,
    /// Requests that went over the limit since somebody last looked.
    pub(crate) refused: u32,
    /// Bytes of large blocks given out since somebody last looked.
    pub(crate) given: usize,
    free: [*mut u8; CLASSES],
    chunks: Vec<*mut u8>,
    /// The rest of the newest chunk that was never given out.
    fresh: *mut u8,
    fresh_bytes: usize,
}

impl Memory {
    pub(crate) fn new(limit: usize) -> Memory {
        Memory {
            used: 0,
            peak: 0,
            limit,
            refused: 0,
            given: 0,
            free: [ptr::null_mut(); CLASSES],
            chunks: Vec::new(),
            fresh: ptr::null_mut(),
            fresh_bytes: 0,
        }
    }

    /// Lua's allocation function: allocates (`block` null), frees (`new` 0) or moves a block. Null when refused.
    ///
    /// # Safety
    /// `block` is null with `old` 0, or was given by this function for a size of `old`.
    pub(crate) unsafe fn change(&mut self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        if new > old {
            let after = self.used + new - old;
            if self.limit != 0 && after > self.limit {
                self.refused = self.refused.saturating_add(1);
                return ptr::null_mut();
            }
        }
        // SAFETY: as promised by the caller.
        let result = unsafe { self.moved(block, old, new) };
        if !result.is_null() || new == 0 {
            self.used = self.used + new - old;
            self.peak = self.peak.max(self.used);
        }
        result
    }

    unsafe fn moved(&mut self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: blocks of a class come from `small`, larger ones from the system with exactly this layout; both are
        // valid for `old` bytes, and a new one for `new` bytes.
        unsafe {
            match (old, new) {
                (0, 0) => ptr::null_mut(),
                (0, _) => self.get(new),
                (_, 0) => {
                    self.put(block, old);
                    ptr::null_mut()
                }
                _ if old <= LARGEST_SMALL && class(old) == class(new) => block,
                _ if old > LARGEST_SMALL && new > LARGEST_SMALL => {
                    self.given = self.given.wrapping_add(new);
                    std::alloc::realloc(block, large(old), new)
                }
                _ => {
                    let other = self.get(new);
                    if !other.is_null() {
                        ptr::copy_nonoverlapping(block, other, old.min(new));
                        self.put(block, old);
                    }
                    other
                }
            }
        }
    }

    unsafe fn get(&mut self, size: usize) -> *mut u8 {
        if size > LARGEST_SMALL {
            self.given = self.given.wrapping_add(size);
            // SAFETY: the size is not 0.
            return unsafe { std::alloc::alloc(large(size)) };
        }
        let class = class(size);
        let first = self.free[class];
        if first.is_null() {
            return self.cut((class + 1) * STEP);
        }
        // SAFETY: a free block's first word is the link to the next one.
        self.free[class] = unsafe { first.cast::<*mut u8>().read() };
        first
    }

    unsafe fn put(&mut self, block: *mut u8, size: usize) {
        if size > LARGEST_SMALL {
            // SAFETY: it was allocated with this layout.
            unsafe { std::alloc::dealloc(block, large(size)) };
            return;
        }
        let class = class(size);
        // SAFETY: the block is ours again, at least STEP bytes long and aligned to STEP.
        unsafe { block.cast::<*mut u8>().write(self.free[class]) };
        self.free[class] = block;
    }

    fn cut(&mut self, size: usize) -> *mut u8 {
        if self.fresh_bytes < size {
            let most = self.limit.saturating_mul(MOST_CHUNKS_PER_LIMIT) + 4 * CHUNK_BYTES;
            if self.limit != 0 && self.chunks.len() * CHUNK_BYTES >= most {
                return ptr::null_mut();
            }
            // SAFETY: the size is not 0.
            let chunk = unsafe { std::alloc::alloc(large(CHUNK_BYTES)) };
            if chunk.is_null() {
                return chunk;
            }
            self.chunks.push(chunk);
            self.fresh = chunk;
            self.fresh_bytes = CHUNK_BYTES;
        }
        let block = self.fresh;
        // SAFETY: so many bytes are left in the chunk.
        self.fresh = unsafe { block.add(size) };
        self.fresh_bytes -= size;
        block
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        for chunk in self.chunks.drain(..) {
            // SAFETY: each chunk was allocated with this layout, and the Lua state that used it is closed.
            unsafe { std::alloc::dealloc(chunk, large(CHUNK_BYTES)) };
        }
    }
}

fn class(size: usize) -> usize {
    if size > LARGEST_SMALL { usize::MAX } else { (size - 1) / STEP }
}

fn large(size: usize) -> Layout {
    // SAFETY: STEP is a power of two, and Lua's sizes stay far below isize::MAX.
    unsafe { Layout::from_size_align_unchecked(size, STEP) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(memory: &mut Memory, size: usize, byte: u8) -> *mut u8 {
        // SAFETY: a fresh block.
        unsafe {
            let block = memory.change(ptr::null_mut(), 0, size);
            assert!(!block.is_null());
            block.write_bytes(byte, size);
            block
        }
    }

    #[test]
    fn blocks_keep_their_bytes_through_every_kind_of_move() {
        let mut memory = Memory::new(0);
        let mut block = filled(&mut memory, 3, 7);
        let mut old = 3;
        for new in [10, 17, 500, 600, 100_000, 513, 512, 16, 3] {
            // SAFETY: the block has `old` bytes.
            unsafe {
                block = memory.change(block, old, new);
                assert_eq!(std::slice::from_raw_parts(block, 3), [7; 3], "{old} -> {new}");
            }
            old = new;
        }
        // SAFETY: as above.
        unsafe { assert!(memory.change(block, old, 0).is_null()) };
        assert_eq!(memory.used, 0);
        assert_eq!(memory.peak, 100_000);
    }

    #[test]
    fn the_limit_counts_what_is_in_use() {
        let mut memory = Memory::new(100);
        let block = filled(&mut memory, 100, 1);
        // SAFETY: the block has 100 bytes.
        unsafe {
            assert!(memory.change(ptr::null_mut(), 0, 1).is_null());
            assert!(memory.change(block, 100, 101).is_null());
            let smaller = memory.change(block, 100, 99);
            assert!(!memory.change(ptr::null_mut(), 0, 1).is_null());
            memory.change(smaller, 99, 0);
        }
        assert_eq!(memory.used, 1);
    }

    #[test]
    fn freed_blocks_are_used_again() {
        let mut memory = Memory::new(0);
        for _ in 0..100_000 {
            let block = filled(&mut memory, 64, 1);
            // SAFETY: the block has 64 bytes.
            unsafe { memory.change(block, 64, 0) };
        }
        assert_eq!(memory.chunks.len(), 1);
    }

    #[test]
    fn free_lists_cannot_outgrow_the_limit_by_much() {
        let mut memory = Memory::new(64 * 1024);
        for size in (16..=LARGEST_SMALL).step_by(STEP) {
            let mut blocks = Vec::new();
            // SAFETY: fresh blocks, freed with their size.
            unsafe {
                loop {
                    let block = memory.change(ptr::null_mut(), 0, size);
                    if block.is_null() {
                        break;
                    }
                    blocks.push(block);
                }
                for block in blocks {
                    memory.change(block, size, 0);
                }
            }
        }
        assert!(memory.chunks.len() * CHUNK_BYTES <= 4 * 64 * 1024 + 5 * CHUNK_BYTES);
        assert_eq!(memory.used, 0);
    }
}
