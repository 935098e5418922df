//! `xpcall`. Lua's own runs the handler where the error is raised. Should that be the hook of the instruction limit, the
//! handler would run with hooks switched off and could go on for ever. So here it runs once the stack is unwound; without
//! the debug library a script cannot tell.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use crate::host::push_bytes;

/// How often a handler is called for the errors of the handler itself.
const MOST_CALLS: u32 = 190;

/// Lua: `xpcall(function, handler)`.
pub(crate) unsafe extern "C-unwind" fn xpcall(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping.
    unsafe {
        ffi::luaL_checkany(lua, 2);
        ffi::lua_settop(lua, 2);
        ffi::lua_pushvalue(lua, 1);
        let mut status = ffi::lua_pcall(lua, 0, ffi::LUA_MULTRET, 0);
        let succeeded = status == ffi::LUA_OK;
        // A handler is not called for a lack of memory, and again for each error of its own.
        let mut calls = 0;
        while status == ffi::LUA_ERRRUN && calls < MOST_CALLS {
            ffi::lua_pushvalue(lua, 2);
            ffi::lua_insert(lua, -2);
            status = ffi::lua_pcall(lua, 1, 1, 0);
            calls += 1;
        }
        if status == ffi::LUA_ERRRUN {
            push_bytes(lua, b"error in error handling");
            ffi::lua_replace(lua, 3);
            ffi::lua_settop(lua, 3);
        }
        ffi::lua_pushboolean(lua, succeeded.into());
        ffi::lua_replace(lua, 2);
        ffi::lua_gettop(lua) - 1
    }
}
