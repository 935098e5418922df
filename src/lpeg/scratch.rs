//! Working memory of a match, kept from one match to the next.
//!
//! Blocks come from Lua's allocator, so that a memory limit sees them; the userdata that holds them frees them when it
//! is collected. A match that runs inside another (called by a function capture) takes a scratch of its own. If a match
//! ends by an error its scratch stays marked busy, is replaced sooner or later, and is then collected.

use std::ffi::{c_int, c_void};
use std::mem::size_of;
use std::ptr::null_mut;

use mlua::ffi::{self, lua_State};

use crate::capture::Cap;
use crate::state::State;
use crate::vm::MIN_STACK;

/// Captures, and bytes of text, that are kept from one match to the next.
const KEEP_CAPS: usize = 1024;
const KEEP_TEXT: usize = 16 * 1024;

/// Elements of the smallest buffer.
const FIRST: usize = 64;

/// A growable array in Lua's memory. Elements are plain data.
#[repr(C)]
pub(crate) struct Buffer<T> {
    /// The elements.
    pub(crate) data: *mut T,
    /// How many there is room for.
    pub(crate) capacity: usize,
    /// How many are in use, where the user of the buffer says so.
    pub(crate) len: usize,
}

impl<T: Copy> Buffer<T> {
    const EMPTY: Self = Self { data: null_mut(), capacity: 0, len: 0 };

    /// Makes room for `wanted` elements at least, doubling.
    #[cold]
    pub(crate) fn grow(&mut self, l: State, wanted: usize) {
        self.grow_to(l, wanted.max(2 * self.capacity).max(FIRST));
    }

    /// Makes the room be for `capacity` elements.
    pub(crate) fn grow_to(&mut self, l: State, capacity: usize) {
        let (old, new) = (self.capacity * size_of::<T>(), capacity * size_of::<T>());
        self.data = l.realloc(self.data.cast(), old, new).cast();
        self.capacity = capacity;
    }
}

impl Buffer<u8> {
    /// Appends the `len` bytes at `text`.
    ///
    /// # Safety
    /// `text` must be readable for `len` bytes and not lie in this buffer.
    pub(crate) unsafe fn append(&mut self, l: State, text: *const u8, len: usize) {
        if self.capacity - self.len < len {
            self.grow(l, self.len + len);
        }
        // SAFETY: there is room; the source is readable and elsewhere by contract.
        unsafe { self.data.add(self.len).copy_from_nonoverlapping(text, len) };
        self.len += len;
    }
}

/// An entry of the backtrack stack.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Entry {
    /// Subject position to go back to, or [`CALL`].
    pub(crate) pos: u32,
    /// Where to continue.
    pub(crate) pc: u32,
    /// Number of captures then.
    pub(crate) captop: u32,
    /// The innermost open capture then.
    pub(crate) open: u32,
}

/// Position that marks a pending return of a rule.
pub(crate) const CALL: u32 = u32::MAX;

/// The working memory.
#[repr(C)]
pub(crate) struct Scratch {
    busy: bool,
    /// Captures of the match.
    pub(crate) caps: Buffer<Cap>,
    /// The backtrack stack.
    pub(crate) stack: Buffer<Entry>,
    /// Text of substitution and string captures under construction.
    pub(crate) text: Buffer<u8>,
}

impl Scratch {
    /// Pushes a scratch for one match and marks it busy. The running function keeps free ones in the upvalues
    /// `first..first + 2`.
    #[inline(always)]
    pub(crate) fn acquire(l: State, first: c_int) -> *mut Self {
        for slot in [first, first + 1] {
            let upvalue = ffi::lua_upvalueindex(slot);
            let scratch: *mut Self = l.to_userdata(upvalue).cast();
            // SAFETY: only `create` puts userdata there.
            if !scratch.is_null() && unsafe { !(*scratch).busy } {
                l.push_value(upvalue);
                // SAFETY: as above; the userdata is on the stack now.
                unsafe { (*scratch).busy = true };
                return scratch;
            }
        }
        Self::create(l, first)
    }

    #[cold]
    fn create(l: State, first: c_int) -> *mut Self {
        let scratch: *mut Self = l.new_userdata(size_of::<Self>()).cast();
        // SAFETY: the block is large enough and aligned for any type.
        unsafe {
            scratch.write(Self {
                busy: true,
                caps: Buffer::EMPTY,
                stack: Buffer::EMPTY,
                text: Buffer::EMPTY,
            });
        }
        if l.new_metatable(c"heka-lpeg-scratch") {
            l.push_closure(collect, 0);
            l.set_field(-2, c"__gc");
        }
        l.set_metatable(-2);
        // The newest goes first; the second slot serves matches within matches.
        l.push_value(ffi::lua_upvalueindex(first));
        l.replace(ffi::lua_upvalueindex(first + 1));
        l.push_value(-1);
        l.replace(ffi::lua_upvalueindex(first));
        // SAFETY: initialised above.
        unsafe {
            (*scratch).caps.grow(l, FIRST);
            (*scratch).stack.grow_to(l, MIN_STACK);
        }
        scratch
    }

    /// Makes the scratch free for the next match, giving back what one large match needed.
    #[inline(always)]
    pub(crate) fn release(&mut self, l: State) {
        self.busy = false;
        self.text.len = 0;
        if self.caps.capacity > KEEP_CAPS || self.stack.capacity > MIN_STACK || self.text.capacity > KEEP_TEXT
        {
            self.trim(l);
        }
    }

    #[cold]
    fn trim(&mut self, l: State) {
        if self.caps.capacity > KEEP_CAPS {
            self.caps.grow_to(l, KEEP_CAPS);
        }
        // No more than is always allowed: the next match may be under a lower limit.
        if self.stack.capacity > MIN_STACK {
            self.stack.grow_to(l, MIN_STACK);
        }
        if self.text.capacity > KEEP_TEXT {
            self.text.grow_to(l, KEEP_TEXT);
        }
    }
}

unsafe extern "C-unwind" fn collect(raw: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this for a userdata that `create` made, once.
    let (l, scratch) = unsafe { (State::new(raw), ffi::lua_touserdata(raw, 1).cast::<Scratch>()) };
    if scratch.is_null() {
        return 0;
    }
    // SAFETY: as above; the sizes are those of the blocks, and size 0 frees them.
    unsafe {
        let s = &mut *scratch;
        let blocks: [(*mut c_void, usize); 3] = [
            (s.caps.data.cast(), s.caps.capacity * size_of::<Cap>()),
            (s.stack.data.cast(), s.stack.capacity * size_of::<Entry>()),
            (s.text.data.cast(), s.text.capacity),
        ];
        for (block, size) in blocks {
            l.realloc(block, size, 0);
        }
        (s.caps, s.stack, s.text) = (Buffer::EMPTY, Buffer::EMPTY, Buffer::EMPTY);
    }
    0
}
