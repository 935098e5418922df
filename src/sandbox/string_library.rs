//! The string library, with guards. Lua 5.1 matches patterns by recursion on the native stack, one step for every item of
//! the pattern, and a pattern made long enough would end the process. And one call may work on a long text for longer than
//! thousands of instructions take.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use crate::budget;
use crate::charged::{call_original, charged, wrap};
use crate::host::{Host, raise};

/// Longest pattern in bytes.
const LONGEST_PATTERN: usize = 8 * 1024;

/// Functions that take a pattern as their second argument.
const MATCHING: [&CStr; 5] = [c"find", c"match", c"gmatch", c"gfind", c"gsub"];
/// Functions that copy a text.
const COPYING: [&CStr; 4] = [c"format", c"lower", c"reverse", c"upper"];

/// Opens the library.
pub(crate) unsafe extern "C-unwind" fn open(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function.
    unsafe {
        ffi::lua_pushcclosure(lua, ffi::luaopen_string, 0);
        ffi::lua_pushstring_(lua, c"string".as_ptr());
        ffi::lua_call(lua, 1, 1);
        wrap(lua, &MATCHING, matching);
        wrap(lua, &COPYING, charged);
        wrap(lua, &[c"rep"], rep);
        1
    }
}

unsafe extern "C-unwind" fn matching(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function that `wrap` made.
    unsafe {
        if ffi::lua_type(lua, 2) == ffi::LUA_TSTRING && ffi::lua_objlen(lua, 2) > LONGEST_PATTERN {
            raise(lua, format_args!("pattern too complex"));
        }
        charged(lua)
    }
}

/// Lua: `string.rep(text, times)`. What is longer than the memory is refused before anything is copied.
unsafe extern "C-unwind" fn rep(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function that `wrap` made. Wrong arguments are left to the original.
    unsafe {
        if ffi::lua_isstring(lua, 1) != 0 && ffi::lua_isnumber(lua, 2) != 0 {
            // A C int for the original too.
            let times = usize::try_from(ffi::lua_tointeger(lua, 2) as c_int).unwrap_or(0);
            let length = ffi::lua_objlen(lua, 1);
            if length == 0 {
                // The original would go round for every time.
                ffi::lua_pushstring_(lua, c"".as_ptr());
                return 1;
            }
            let length = length.saturating_mul(times);
            if length > Host::memory_limit(lua) {
                // The allocator refuses it, and Lua raises its own error.
                ffi::lua_newuserdata(lua, length.min(isize::MAX as usize / 2));
            }
            budget::charge(lua, length);
        }
        call_original(lua)
    }
}
