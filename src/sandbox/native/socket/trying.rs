//! `newtry` and `protect`: errors that are results. What `try` raises is a table with the text, which `protect` turns
//! back into nil and the text; any other error passes.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

/// Lua: `newtry([finalizer])`.
pub(super) unsafe extern "C-unwind" fn newtry(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping. So it is for all functions of this module.
    unsafe {
        ffi::lua_settop(lua, 1);
        ffi::lua_pushcclosure(lua, attempt, 1);
        1
    }
}

/// Lua: `try(...)`: its arguments, unless the first is false; then the second is raised.
unsafe extern "C-unwind" fn attempt(lua: *mut lua_State) -> c_int {
    // SAFETY: see `newtry`; the upvalue is the finalizer.
    unsafe {
        if ffi::lua_toboolean(lua, 1) != 0 {
            return ffi::lua_gettop(lua);
        }
        ffi::lua_settop(lua, 2);
        if ffi::lua_type(lua, ffi::lua_upvalueindex(1)) != ffi::LUA_TNIL {
            ffi::lua_pushvalue(lua, ffi::lua_upvalueindex(1));
            ffi::lua_pcall(lua, 0, 0, 0);
            ffi::lua_settop(lua, 2);
        }
        ffi::lua_createtable(lua, 1, 0);
        ffi::lua_pushvalue(lua, 2);
        ffi::lua_rawseti_(lua, -2, 1);
        ffi::lua_error(lua)
    }
}

/// Lua: `protect(function)`.
pub(super) unsafe extern "C-unwind" fn protect(lua: *mut lua_State) -> c_int {
    // SAFETY: see `newtry`.
    unsafe {
        ffi::lua_settop(lua, 1);
        ffi::lua_pushcclosure(lua, protected, 1);
        1
    }
}

unsafe extern "C-unwind" fn protected(lua: *mut lua_State) -> c_int {
    // SAFETY: see `newtry`; the upvalue is the function.
    unsafe {
        ffi::lua_pushvalue(lua, ffi::lua_upvalueindex(1));
        ffi::lua_insert(lua, 1);
        if ffi::lua_pcall(lua, ffi::lua_gettop(lua) - 1, ffi::LUA_MULTRET, 0) == ffi::LUA_OK {
            return ffi::lua_gettop(lua);
        }
        if ffi::lua_type(lua, -1) != ffi::LUA_TTABLE {
            ffi::lua_error(lua);
        }
        ffi::lua_pushnil(lua);
        ffi::lua_rawgeti_(lua, -2, 1);
        2
    }
}
