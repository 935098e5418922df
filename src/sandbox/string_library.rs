//! The string library, with a guard: Lua 5.1 matches patterns by recursion on the native stack, one step for every
//! item of the pattern, and a pattern made long enough would end the process.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_CFunction, lua_State};

use crate::host::raise;

/// Longest pattern in bytes.
const LONGEST_PATTERN: usize = 8 * 1024;

/// Functions that take a pattern as their second argument.
const MATCHING: [&CStr; 5] = [c"find", c"match", c"gmatch", c"gfind", c"gsub"];

/// Opens the library.
pub(crate) unsafe extern "C-unwind" fn open(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function. The library's functions have no upvalues of their own, so they run as well when they are
    // called by another one in its frame.
    unsafe {
        ffi::lua_pushcclosure(lua, ffi::luaopen_string, 0);
        ffi::lua_pushstring_(lua, c"string".as_ptr());
        ffi::lua_call(lua, 1, 1);
        for name in MATCHING {
            ffi::lua_getfield_(lua, -1, name.as_ptr());
            if let Some(function) = ffi::lua_tocfunction(lua, -1) {
                ffi::lua_pushlightuserdata(lua, function as *mut _);
                ffi::lua_pushcclosure(lua, guarded, 1);
                ffi::lua_setfield(lua, -3, name.as_ptr());
            }
            ffi::lua_pop(lua, 1);
        }
        1
    }
}

unsafe extern "C-unwind" fn guarded(lua: *mut lua_State) -> c_int {
    // SAFETY: the upvalue is the library's function, see `open`.
    unsafe {
        if ffi::lua_type(lua, 2) == ffi::LUA_TSTRING && ffi::lua_objlen(lua, 2) > LONGEST_PATTERN {
            raise(lua, format_args!("pattern too complex"));
        }
        let function = ffi::lua_touserdata(lua, ffi::lua_upvalueindex(1));
        std::mem::transmute::<*mut std::ffi::c_void, lua_CFunction>(function)(lua)
    }
}
