//! Taking over the values of a buffer that was saved.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use super::{check_self, delta};
use crate::host::{push_bytes, raise};

/// Lua: `buffer:fromstring(text)`. The text is the current time and row, all cells row by row, and, if the buffer has
/// deltas, a time and a change for every column over and over. What is no number counts as 0, and ends it.
pub(super) unsafe extern "C-unwind" fn fromstring(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping, the text stays on the stack.
    unsafe {
        let mut buffer = check_self(lua, 2);
        let text = CStr::from_ptr(ffi::luaL_checklstring(lua, 2, std::ptr::null_mut()));
        let mut numbers = Numbers(text);
        let (time, row) = (numbers.whole(), numbers.whole());
        buffer.set_place(time, row.clamp(0, u32::MAX.into()) as u32);
        let count = buffer.values().len();
        for at in 0..count {
            let Some(value) = numbers.next() else {
                raise(lua, format_args!("fromstring() too few values: {at}, expected {count}"))
            };
            buffer.values()[at] = value.unwrap_or(0.0);
        }
        if buffer.has_deltas() {
            let (mut ns, mut place) = (0.0, 0);
            while let Some(Some(value)) = numbers.next() {
                match place {
                    0 => ns = value * 1e9,
                    column => delta::add(lua, buffer, ns, column - 1, value),
                }
                place = (place + 1) % (buffer.columns() + 1);
            }
            if place != 0 {
                // Without a position, as it always was.
                push_bytes(lua, b"fromstring() invalid delta");
                ffi::lua_error(lua);
            }
        }
        if numbers.next().is_some() {
            raise(lua, format_args!("fromstring() too many values, more than: {count}"));
        }
        0
    }
}

/// Numbers in a text, as C's functions read them.
struct Numbers<'a>(&'a CStr);

impl Numbers<'_> {
    /// The whole number that comes next; 0 if there is none.
    fn whole(&mut self) -> i64 {
        let mut end = std::ptr::null_mut();
        // SAFETY: the text ends with a NUL, and the end lies in it.
        unsafe {
            let number = libc::strtoll(self.0.as_ptr(), &raw mut end, 10);
            self.0 = CStr::from_ptr(end);
            number
        }
    }

    /// The number that comes next, `Some(None)` if something else does, `None` at the end.
    fn next(&mut self) -> Option<Option<f64>> {
        let rest = self.0.to_bytes().trim_ascii_start();
        if rest.iter().all(|byte| matches!(byte, b' ' | b'\t'..=b'\r')) {
            return None;
        }
        let start = self.0.as_ptr();
        let mut end = std::ptr::null_mut();
        // SAFETY: as above.
        unsafe {
            let number = libc::strtod(start, &raw mut end);
            let is_number = !std::ptr::eq(end, start);
            self.0 = CStr::from_ptr(end);
            Some(is_number.then_some(number))
        }
    }
}
