//! Ends and lengths of lines.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::{CRLF, text};
use crate::host::{Host, push_bytes, push_gathered, until_nul};

/// Characters of a line unless a script says otherwise.
const LENGTH: f64 = 76.0;
const SOFT_END: &[u8] = b"=\r\n";

/// Lua: `wrp(left, piece [, length])`: breaks lines so that none is longer.
pub(super) unsafe extern "C-unwind" fn wrp(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping. So it is for all functions of this module.
    unsafe { wrap(lua, CRLF, |byte, left| byte != b'\n' && left <= 0) }
}

/// Lua: `qpwrp(left, piece [, length])`: the same with soft ends, which do not tear a quoted byte apart.
pub(super) unsafe extern "C-unwind" fn qpwrp(lua: *mut lua_State) -> c_int {
    // SAFETY: see `wrp`.
    unsafe { wrap(lua, SOFT_END, |byte, left| left <= if byte == b'=' { 3 } else { 1 }) }
}

unsafe fn wrap(lua: *mut lua_State, end: &[u8], is_full: impl Fn(u8, i64) -> bool) -> c_int {
    // SAFETY: see `wrp`; what is made is gathered in the host.
    unsafe {
        let mut left = ffi::luaL_checknumber(lua, 1) as i64;
        let piece = text(lua, 2);
        let length = ffi::luaL_optnumber(lua, 3, LENGTH) as i64;
        let Some(piece) = piece else {
            // The last line is ended if there is something in it.
            if left < length {
                push_bytes(lua, end)
            } else {
                ffi::lua_pushnil(lua)
            }
            ffi::lua_pushnumber(lua, length as f64);
            return 2;
        };
        let out = &mut Host::of(lua).scratch;
        out.clear();
        for &byte in piece {
            match byte {
                b'\r' => {}
                b'\n' => {
                    out.extend_from_slice(CRLF);
                    left = length;
                }
                _ => {
                    if is_full(byte, left) {
                        out.extend_from_slice(end);
                        left = length;
                    }
                    out.push(byte);
                    left -= 1;
                }
            }
        }
        push_gathered(lua, |host| &mut host.scratch);
        ffi::lua_pushnumber(lua, left as f64);
        2
    }
}

/// Lua: `eol(context, piece [, marker])`: every kind of line end becomes the marker.
pub(super) unsafe extern "C-unwind" fn eol(lua: *mut lua_State) -> c_int {
    // SAFETY: see `wrp`.
    unsafe {
        // The last byte if it may be half of an end, else 0.
        let mut last = ffi::luaL_checkinteger(lua, 1) as c_int;
        let piece = text(lua, 2);
        let marker = until_nul(text(lua, 3).unwrap_or(CRLF));
        let Some(piece) = piece else {
            ffi::lua_pushnil(lua);
            ffi::lua_pushnumber(lua, 0.0);
            return 2;
        };
        let is_end = |byte: c_int| byte == c_int::from(b'\r') || byte == c_int::from(b'\n');
        let limit = Host::memory_limit(lua);
        let out = &mut Host::of(lua).scratch;
        out.clear();
        for &byte in piece {
            if out.len() > limit {
                // It could not be pushed; what Lua says then is said by pushing it.
                break;
            }
            let this = c_int::from(byte);
            if !is_end(this) {
                out.push(byte);
                last = 0;
            } else if !is_end(last) {
                out.extend_from_slice(marker);
                last = this;
            } else {
                // The same byte twice is two ends, two different ones are one.
                if this == last {
                    out.extend_from_slice(marker);
                }
                last = 0;
            }
        }
        push_gathered(lua, |host| &mut host.scratch);
        ffi::lua_pushnumber(lua, last.into());
        2
    }
}

/// Lua: `dot(state, piece)`: doubles a dot at the beginning of a line.
pub(super) unsafe extern "C-unwind" fn dot(lua: *mut lua_State) -> c_int {
    // SAFETY: see `wrp`.
    unsafe {
        // 2 at the beginning of a line, 1 behind a carriage return.
        let mut state = ffi::luaL_checknumber(lua, 1) as i64;
        let Some(piece) = text(lua, 2) else {
            ffi::lua_pushnil(lua);
            ffi::lua_pushnumber(lua, 2.0);
            return 2;
        };
        let out = &mut Host::of(lua).scratch;
        out.clear();
        for &byte in piece {
            out.push(byte);
            state = match byte {
                b'\r' => 1,
                b'\n' if state == 1 => 2,
                b'.' if state == 2 => {
                    out.push(b'.');
                    0
                }
                _ => 0,
            };
        }
        push_gathered(lua, |host| &mut host.scratch);
        ffi::lua_pushnumber(lua, state as f64);
        2
    }
}
