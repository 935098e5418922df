//! The os library with its own clock arithmetic: scripts see UTC whatever the daemon's time zone is, and nothing reads
//! the process's environment while other threads may change it.

use std::ffi::{CStr, c_char, c_int};

use libc::{time_t, tm};
use mlua::ffi::{self, lua_State};

use crate::host::{Host, ShortText, push_gathered, raise};

/// C99's conversion specifiers, alone and behind `E` and `O`.
const SPECIFIERS: &[u8] = b"aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%";
const ERA_SPECIFIERS: &[u8] = b"cCxXyY";
const DIGIT_SPECIFIERS: &[u8] = b"deHImMSuUVwWy";
/// Longest text of one conversion.
const LONGEST: usize = 250;

/// Opens the library.
pub(crate) unsafe extern "C-unwind" fn open(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function.
    unsafe {
        ffi::lua_pushcclosure(lua, ffi::luaopen_os, 0);
        ffi::lua_pushstring_(lua, c"os".as_ptr());
        ffi::lua_call(lua, 1, 1);
        ffi::lua_pushcclosure(lua, date, 0);
        ffi::lua_setfield(lua, -2, c"date".as_ptr());
        ffi::lua_pushcclosure(lua, time, 0);
        ffi::lua_setfield(lua, -2, c"time".as_ptr());
        1
    }
}

/// Lua: `os.date([format [, time]])`.
unsafe extern "C-unwind" fn date(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping.
    unsafe {
        let mut length = 0;
        let format = ffi::luaL_optlstring(lua, 1, c"%c".as_ptr(), &raw mut length);
        let format = std::slice::from_raw_parts(format.cast::<u8>(), length);
        let when = if ffi::lua_type(lua, 2) <= ffi::LUA_TNIL {
            libc::time(std::ptr::null_mut())
        } else {
            ffi::luaL_checknumber(lua, 2) as time_t
        };
        let format = format.strip_prefix(b"!").unwrap_or(format);
        let mut parts = std::mem::zeroed::<tm>();
        if libc::gmtime_r(&raw const when, &raw mut parts).is_null() {
            ffi::lua_pushnil(lua);
            return 1;
        }
        parts.tm_zone = c"UTC".as_ptr();
        if format == b"*t" {
            push_parts(lua, &parts);
        } else {
            push_text(lua, format, &parts);
        }
        1
    }
}

unsafe fn push_parts(lua: *mut lua_State, parts: &tm) {
    // SAFETY: the stack has room for a table and a value.
    unsafe {
        ffi::lua_createtable(lua, 0, 9);
        let numbers = [
            (c"sec", parts.tm_sec),
            (c"min", parts.tm_min),
            (c"hour", parts.tm_hour),
            (c"day", parts.tm_mday),
            (c"month", parts.tm_mon + 1),
            (c"year", parts.tm_year + 1900),
            (c"wday", parts.tm_wday + 1),
            (c"yday", parts.tm_yday + 1),
        ];
        for (name, number) in numbers {
            ffi::lua_pushinteger(lua, number.into());
            ffi::lua_setfield(lua, -2, name.as_ptr());
        }
        ffi::lua_pushboolean(lua, 0);
        ffi::lua_setfield(lua, -2, c"isdst".as_ptr());
    }
}

unsafe fn push_text(lua: *mut lua_State, format: &[u8], parts: &tm) {
    // SAFETY: the text is gathered in the host, so that an error leaves nothing behind.
    unsafe {
        Host::of(lua).scratch.clear();
        let mut rest = format;
        while let [byte, after @ ..] = rest {
            rest = after;
            if *byte != b'%' {
                Host::of(lua).scratch.push(*byte);
                continue;
            }
            let length = specifier(rest);
            if length == 0 {
                let shown = &rest[..rest.len().min(1)];
                let mut text = ShortText::new();
                text.put(b"invalid conversion specifier '%");
                text.put(shown);
                text.put(b"'");
                ffi::luaL_argerror(lua, 1, text.as_ptr());
            }
            let mut single = [b'%', 0, 0, 0];
            single[1..=length].copy_from_slice(&rest[..length]);
            rest = &rest[length..];
            let mut text = [0; LONGEST];
            let size = libc::strftime(text.as_mut_ptr().cast(), LONGEST, single.as_ptr().cast(), parts);
            Host::of(lua).scratch.extend_from_slice(&text[..size]);
        }
        push_gathered(lua, |host| &mut host.scratch);
    }
}

/// Bytes of the conversion specifier behind a percent sign; 0 if it is none.
fn specifier(text: &[u8]) -> usize {
    match text {
        [b'E', next, ..] if ERA_SPECIFIERS.contains(next) => 2,
        [b'O', next, ..] if DIGIT_SPECIFIERS.contains(next) => 2,
        [next, ..] if SPECIFIERS.contains(next) => 1,
        _ => 0,
    }
}

/// Lua: `os.time([table])`.
unsafe extern "C-unwind" fn time(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping.
    unsafe {
        let when = if ffi::lua_type(lua, 1) <= ffi::LUA_TNIL {
            libc::time(std::ptr::null_mut())
        } else {
            ffi::luaL_checktype(lua, 1, ffi::LUA_TTABLE);
            ffi::lua_settop(lua, 1);
            let mut parts = std::mem::zeroed::<tm>();
            parts.tm_sec = part(lua, c"sec", Some(0));
            parts.tm_min = part(lua, c"min", Some(0));
            parts.tm_hour = part(lua, c"hour", Some(12));
            parts.tm_mday = part(lua, c"day", None);
            parts.tm_mon = part(lua, c"month", None).wrapping_sub(1);
            parts.tm_year = part(lua, c"year", None).wrapping_sub(1900);
            libc::timegm(&raw mut parts)
        };
        if when == -1 {
            ffi::lua_pushnil(lua);
        } else {
            ffi::lua_pushnumber(lua, when as f64);
        }
        1
    }
}

/// A number of the table at 1.
unsafe fn part(lua: *mut lua_State, name: &CStr, default: Option<c_int>) -> c_int {
    // SAFETY: as for `time`.
    unsafe {
        ffi::lua_getfield_(lua, 1, name.as_ptr().cast::<c_char>());
        if ffi::lua_isnumber(lua, -1) != 0 {
            let number = ffi::lua_tointeger_(lua, -1) as c_int;
            ffi::lua_settop(lua, 1);
            return number;
        }
        let Some(default) = default else {
            raise(lua, format_args!("field '{}' missing in date table", name.to_str().unwrap_or_default()));
        };
        ffi::lua_settop(lua, 1);
        default
    }
}
