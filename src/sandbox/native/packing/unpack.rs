//! `struct.unpack` and `struct.size`.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::format::Format;
use crate::host::{check_bytes, push_bytes, raise};
use crate::native::binding::check;

/// Lua: `unpack(format, data[, position])`. Returns the values, and the position behind them.
pub(super) unsafe extern "C-unwind" fn unpack(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping. The data stays on the stack.
    unsafe {
        let mut format = Format::check(lua);
        let data = check_bytes(lua, 2);
        // A position before the first byte wraps around; the bytes out there are 0.
        let mut at = (ffi::luaL_optinteger(lua, 3, 1) as usize).wrapping_sub(1);
        ffi::lua_settop(lua, 2);
        while let Some(item) = format.next() {
            let mut size = item.size;
            at = at.wrapping_add(format.padding(at, item));
            check(lua, at.wrapping_add(size) <= data.len(), 2, c"data string too short");
            ffi::luaL_checkstack_(lua, 2, c"too many results".as_ptr());
            match item.letter {
                letter @ (b'b' | b'B' | b'h' | b'H' | b'l' | b'L' | b'T' | b'i' | b'I') => {
                    let value = integer(data, at, size, format.big_endian);
                    ffi::lua_pushnumber(lua, interpreted(value, size, letter.is_ascii_lowercase()));
                }
                b'x' => {}
                b'f' => {
                    let bits = integer(data, at, size, format.big_endian);
                    ffi::lua_pushnumber(lua, f64::from(f32::from_bits(bits as u32)));
                }
                b'd' => {
                    let bits = integer(data, at, size, format.big_endian);
                    ffi::lua_pushnumber(lua, f64::from_bits(bits));
                }
                b'c' => {
                    if size == 0 {
                        size = previous(lua);
                        ffi::lua_pop(lua, 1);
                    }
                    let bytes = at.checked_add(size).and_then(|end| data.get(at..end));
                    check(lua, bytes.is_some(), 2, c"data string too short");
                    push_bytes(lua, bytes.unwrap_or_default());
                }
                b's' => {
                    let rest = data.get(at..).unwrap_or_default();
                    let Some(length) = rest.iter().position(|&byte| byte == 0) else {
                        raise(lua, format_args!("unfinished string in data"))
                    };
                    push_bytes(lua, &rest[..length]);
                    size = length + 1;
                }
                letter => format.control(letter),
            }
            at = at.wrapping_add(size);
        }
        ffi::lua_pushnumber(lua, at.wrapping_add(1) as f64);
        ffi::lua_gettop(lua) - 2
    }
}

/// The last value so far as a length.
unsafe fn previous(lua: *mut lua_State) -> usize {
    // SAFETY: as for `unpack`.
    unsafe {
        if ffi::lua_gettop(lua) == 2 || ffi::lua_isnumber(lua, -1) == 0 {
            raise(lua, format_args!("format `c0' needs a previous size"));
        }
        match ffi::lua_tonumber(lua, -1) {
            number if number < 0.0 => usize::MAX,
            number => number as usize,
        }
    }
}

/// The low 64 bits of an integer in the data.
fn integer(data: &[u8], at: usize, size: usize, big_endian: bool) -> u64 {
    (0..size).fold(0, |value, step| {
        let place = if big_endian { step } else { size - 1 - step };
        let byte = data.get(at.wrapping_add(place)).copied().unwrap_or(0);
        value << 8 | u64::from(byte)
    })
}

fn interpreted(value: u64, size: usize, is_signed: bool) -> f64 {
    if !is_signed {
        return value as f64;
    }
    let sign = u64::MAX.wrapping_shl((size as u32).wrapping_mul(8).wrapping_sub(1));
    (if value & sign == 0 { value } else { value | sign }) as i64 as f64
}

/// Lua: `size(format)`.
pub(super) unsafe extern "C-unwind" fn size(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping.
    unsafe {
        let mut format = Format::check(lua);
        let mut at = 0_usize;
        while let Some(item) = format.next() {
            at += format.padding(at, item);
            check(lua, item.letter != b's', 1, c"option 's' has no fixed size");
            check(lua, item.letter != b'c' || item.size != 0, 1, c"option 'c0' has no fixed size");
            if !item.letter.is_ascii_alphanumeric() {
                format.control(item.letter);
            }
            at += item.size;
        }
        ffi::lua_pushnumber(lua, at as f64);
        1
    }
}
