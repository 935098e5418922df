//! The Rust side of a Lua state: everything that host functions reach.

use std::ffi::{c_char, c_int, c_void};
use std::fmt::{self, Write as _};
use std::ptr::NonNull;

use mlua::ffi::{self, lua_State};

use crate::budget::Budget;
use crate::environment::PUSH_TEXT;
use crate::kind::Kind;
use crate::layout::Layout;
use crate::memory::Memory;
use crate::messages::Messages;
use crate::output::Output;
use crate::random::Random;
use crate::require::Modules;
use crate::settings::{Reencoding, Variable};

/// LastError holds so many bytes.
const LONGEST_ERROR: usize = 255;
/// Bytes of a [`ShortText`].
const LONGEST_TEXT: usize = 1024;

/// What stands behind a Lua state, at a fixed address. The state finds it as the user data of its allocator, which costs
/// no lookup. The two parts are borrowed apart: Lua allocates while host functions hold the host.
pub(crate) struct Shared {
    pub(crate) memory: Memory,
    pub(crate) host: Host,
}

/// What host functions work with.
///
/// Host functions are left by `longjmp` when they raise an error. So whatever owns memory belongs in here and not on
/// their stack frames.
pub(crate) struct Host {
    pub(crate) output: Output,
    pub(crate) budget: Budget,
    pub(crate) random: Random,
    pub(crate) kind: &'static Kind,
    pub(crate) variables: Vec<(String, Variable)>,
    pub(crate) reencoding: Reencoding,
    pub(crate) modules: Modules,
    /// The plugin's side of the running call.
    pub(crate) messages: Option<NonNull<dyn Messages>>,
    /// What `read_next_field` gives next.
    pub(crate) next_field: usize,
    /// Where the headers stand in the table that was encoded last.
    pub(crate) layout: Layout,
    /// How often the output was begun or written to by a call: a walk that runs Lua code in between sees by it whether
    /// that used the output too.
    pub(crate) writes: u64,
    /// The same for objects that write themselves, but not into the message or payload that is being made.
    pub(crate) object_writes: u64,
    /// Bytes that a host function works on; [`push_gathered`] gives them to Lua.
    pub(crate) scratch: Vec<u8>,
    /// Lua source that an object puts together to restore itself.
    pub(crate) source: Vec<u8>,
    /// Preserved data that is being written.
    pub(crate) dump: Vec<u8>,
    pub(crate) last_error: Vec<u8>,
    /// Lines that Heka prints on stdout, gathered for the plugin's log.
    pub(crate) notes: Vec<String>,
}

impl Host {
    /// The host of a state.
    ///
    /// # Safety
    /// The state was made with [`allocate`] over a live host. The reference must not be held across calls into Lua that
    /// may run other host functions.
    #[inline]
    pub(crate) unsafe fn of<'a>(lua: *mut lua_State) -> &'a mut Host {
        let mut data = std::ptr::null_mut();
        // SAFETY: the allocator's user data is the shared part, which outlives the state.
        unsafe {
            ffi::lua_getallocf(lua, &raw mut data);
            &mut (*data.cast::<Shared>()).host
        }
    }

    /// Bytes that the state may use; what is longer cannot become a string of it.
    ///
    /// # Safety
    /// As [`Host::of`].
    pub(crate) unsafe fn memory_limit(lua: *mut lua_State) -> usize {
        // SAFETY: as for `of`.
        let limit = unsafe { Host::memory(lua) }.limit;
        if limit == 0 { usize::MAX } else { limit }
    }

    /// The memory of a state.
    ///
    /// # Safety
    /// As [`Host::of`]; the reference must not be held across calls that allocate.
    pub(crate) unsafe fn memory<'a>(lua: *mut lua_State) -> &'a mut Memory {
        let mut data = std::ptr::null_mut();
        // SAFETY: as for `of`.
        unsafe {
            ffi::lua_getallocf(lua, &raw mut data);
            &mut (*data.cast::<Shared>()).memory
        }
    }

    /// The plugin's side of the running call, if a call runs.
    pub(crate) fn messages<'a>(&self) -> Option<&'a mut dyn Messages> {
        // SAFETY: set only while the call runs that borrowed it, and used by one host function at a time.
        self.messages.map(|mut messages| unsafe { messages.as_mut() })
    }

    /// Sets LastError, cut to what it holds.
    pub(crate) fn set_error(&mut self, prefix: &str, text: &[u8]) {
        self.last_error.clear();
        self.last_error.extend_from_slice(prefix.as_bytes());
        self.last_error.extend_from_slice(text);
        self.last_error.truncate(LONGEST_ERROR);
    }
}

/// The allocation function of a state; `shared` is its [`Shared`].
///
/// # Safety
/// Called by Lua only.
pub(crate) unsafe extern "C" fn allocate(
    shared: *mut c_void,
    block: *mut c_void,
    old: usize,
    new: usize,
) -> *mut c_void {
    // SAFETY: Lua passes what it was made with, and its own blocks with their sizes.
    unsafe {
        let memory = &mut (*shared.cast::<Shared>()).memory;
        memory.change(block.cast(), if block.is_null() { 0 } else { old }, new).cast()
    }
}

/// A short text on the frame of a host function. Finalizers of scripts, which may run whenever Lua allocates, cannot reach
/// it. What does not fit is cut off.
pub(crate) struct ShortText {
    bytes: [u8; LONGEST_TEXT],
    length: usize,
}

impl ShortText {
    pub(crate) fn new() -> ShortText {
        ShortText { bytes: [0; LONGEST_TEXT], length: 0 }
    }

    pub(crate) fn of(text: fmt::Arguments<'_>) -> ShortText {
        let mut short = ShortText::new();
        // What does not fit is cut off.
        let _ = short.write_fmt(text);
        short
    }

    /// Appends what fits; a zero always follows the text.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        let count = bytes.len().min(LONGEST_TEXT - 1 - self.length);
        self.bytes[self.length..][..count].copy_from_slice(&bytes[..count]);
        self.length += count;
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// The text with the zero that ends it.
    pub(crate) fn as_ptr(&self) -> *const c_char {
        self.bytes.as_ptr().cast()
    }
}

impl fmt::Write for ShortText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text.as_bytes());
        Ok(())
    }
}

/// Raises a Lua error of this text, with the position of the caller in front.
///
/// # Safety
/// Called from a host function, with nothing on its frame that needs dropping.
pub(crate) unsafe fn raise(lua: *mut lua_State, text: fmt::Arguments<'_>) -> ! {
    // SAFETY: as promised; the text needs no dropping.
    unsafe { raise_bytes(lua, ShortText::of(text).bytes()) }
}

/// Raises a Lua error of this text, with the position of the caller in front.
///
/// # Safety
/// As [`raise`]. No finalizer of a script can change the text.
pub(crate) unsafe fn raise_bytes(lua: *mut lua_State, text: &[u8]) -> ! {
    // SAFETY: as promised; the text is copied into Lua before the jump.
    unsafe {
        ffi::luaL_where(lua, 1);
        push_bytes(lua, text);
        ffi::lua_concat(lua, 2);
        ffi::lua_error(lua)
    }
}

/// Pushes what a host function gathered in one of the host's buffers, and leaves it there.
///
/// Whenever Lua makes a string it may first collect garbage, and in some kinds of sandboxes that runs finalizers of the
/// script, which may call any host function. So the buffer is out of their reach meanwhile; an error gives it back first.
///
/// # Safety
/// The stack has two free slots; may raise a memory error or that of a finalizer.
#[inline]
pub(crate) unsafe fn push_gathered(lua: *mut lua_State, buffer: fn(&mut Host) -> &mut Vec<u8>) {
    // SAFETY: as promised. Without finalizers of the script nobody else uses the buffer.
    unsafe {
        let host = Host::of(lua);
        if host.kind.makes_proxies() {
            push_out_of_reach(lua, buffer);
        } else {
            push_bytes(lua, buffer(host));
        }
    }
}

#[cold]
unsafe fn push_out_of_reach(lua: *mut lua_State, buffer: fn(&mut Host) -> &mut Vec<u8>) {
    // SAFETY: as for `push_gathered`. The protected call keeps Lua from jumping over this frame, which owns the text; the
    // function that it calls lies in the registry, as making one could collect garbage.
    unsafe {
        let text = std::mem::take(buffer(Host::of(lua)));
        ffi::lua_rawgeti_(lua, ffi::LUA_REGISTRYINDEX, PUSH_TEXT);
        ffi::lua_pushlightuserdata(lua, (&raw const text).cast_mut().cast());
        let status = ffi::lua_pcall(lua, 1, 1, 0);
        *buffer(Host::of(lua)) = text;
        if status != ffi::LUA_OK {
            ffi::lua_error(lua);
        }
    }
}

/// Pushes the text that its argument points to.
pub(crate) unsafe extern "C-unwind" fn push_text(lua: *mut lua_State) -> c_int {
    // SAFETY: only `push_out_of_reach` calls it, with its text.
    unsafe {
        let text = &*ffi::lua_touserdata(lua, 1).cast::<Vec<u8>>();
        push_bytes(lua, text);
        1
    }
}

/// Pushes a string.
///
/// # Safety
/// The stack has a free slot; may raise a memory error.
#[inline]
pub(crate) unsafe fn push_bytes(lua: *mut lua_State, bytes: &[u8]) {
    // SAFETY: pointer and length are of one slice.
    unsafe { ffi::lua_pushlstring_(lua, bytes.as_ptr().cast(), bytes.len()) };
}

/// The bytes of the string or number at `index`; a number is turned into a string in place.
///
/// # Safety
/// The value is a string or number and stays on the stack while the slice is used.
#[inline]
pub(crate) unsafe fn bytes_at<'a>(lua: *mut lua_State, index: c_int) -> &'a [u8] {
    let mut length = 0;
    // SAFETY: Lua's strings stay where they are as long as they are referenced.
    unsafe {
        let text = ffi::lua_tolstring(lua, index, &raw mut length);
        if text.is_null() { &[] } else { std::slice::from_raw_parts(text.cast(), length) }
    }
}

/// The text of argument `index`, a string or number; anything else raises Lua's usual error.
///
/// # Safety
/// As [`raise`]; the slice is good while the argument is on the stack.
pub(crate) unsafe fn check_bytes<'a>(lua: *mut lua_State, index: c_int) -> &'a [u8] {
    let mut length = 0;
    // SAFETY: raises or gives a string of this length.
    unsafe {
        let text = ffi::luaL_checklstring(lua, index, &raw mut length);
        std::slice::from_raw_parts(text.cast(), length)
    }
}

/// What C code sees of a text: up to the first NUL.
pub(crate) fn until_nul(text: &[u8]) -> &[u8] {
    text.iter().position(|&byte| byte == 0).map_or(text, |end| &text[..end])
}
