//! `struct.pack`.

use std::ffi::c_int;
use std::mem::MaybeUninit;

use mlua::ffi::{self, lua_State, luaL_Buffer};

use super::format::{Format, LARGEST_INTEGER};
use crate::host::check_bytes;
use crate::native::binding::check;

/// Lua: `pack(format, value, ...)`.
pub(super) unsafe extern "C-unwind" fn pack(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping. The buffer is Lua's, so its memory is counted.
    unsafe {
        let mut format = Format::check(lua);
        // A missing argument is found to be nil, and not a piece of the buffer, which lies on the stack.
        ffi::lua_pushnil(lua);
        let mut buffer = MaybeUninit::uninit();
        let mut out = Writer { buffer: buffer.as_mut_ptr(), length: 0 };
        ffi::luaL_buffinit(lua, out.buffer);
        let mut argument = 2;
        while let Some(item) = format.next() {
            out.zeros(format.padding(out.length, item));
            let size = item.size;
            match item.letter {
                b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I' => {
                    let number = ffi::luaL_checknumber(lua, argument);
                    out.integer(number, size, format.big_endian);
                }
                b'x' => {
                    out.zeros(size);
                    continue;
                }
                b'f' => {
                    let number = ffi::luaL_checknumber(lua, argument) as f32;
                    out.put(&if format.big_endian { number.to_be_bytes() } else { number.to_le_bytes() });
                }
                b'd' => {
                    let number = ffi::luaL_checknumber(lua, argument);
                    out.put(&if format.big_endian { number.to_be_bytes() } else { number.to_le_bytes() });
                }
                b'c' | b's' => {
                    let text = check_bytes(lua, argument);
                    let size = if size == 0 { text.len() } else { size };
                    check(lua, text.len() >= size, argument + 1, c"string too short");
                    out.put(&text[..size]);
                    if item.letter == b's' {
                        out.zeros(1);
                    }
                }
                letter => {
                    format.control(letter);
                    continue;
                }
            }
            argument += 1;
        }
        ffi::luaL_pushresult(out.buffer);
        1
    }
}

struct Writer {
    buffer: *mut luaL_Buffer,
    length: usize,
}

impl Writer {
    unsafe fn put(&mut self, bytes: &[u8]) {
        // SAFETY: the buffer is initialised; the bytes are readable.
        unsafe { ffi::luaL_addlstring(self.buffer, bytes.as_ptr().cast(), bytes.len()) };
        self.length += bytes.len();
    }

    unsafe fn zeros(&mut self, mut count: usize) {
        const ZEROS: [u8; 512] = [0; 512];
        while count > 0 {
            let some = count.min(ZEROS.len());
            // SAFETY: as for `put`.
            unsafe { self.put(&ZEROS[..some]) };
            count -= some;
        }
    }

    /// The low bytes of a whole number of 64 bits; those beyond are 0, even of a negative one.
    unsafe fn integer(&mut self, number: f64, size: usize, big_endian: bool) {
        let value = if number < 0.0 { number as i64 as u64 } else { number as u64 };
        let mut bytes = [0; LARGEST_INTEGER];
        bytes[..8].copy_from_slice(&value.to_le_bytes());
        let bytes = &mut bytes[..size];
        if big_endian {
            bytes.reverse();
        }
        // SAFETY: as for `put`.
        unsafe { self.put(bytes) };
    }
}
