//! The globals that a script starts with.

use std::ffi::{CStr, c_int, c_void};

use mlua::ffi::{self, lua_CFunction, lua_State};

use crate::charged::{call_original, wrap};
use crate::host::{Host, push_text};
use crate::{budget, error_handling, require};

/// Where the registry keeps the name of the function to call for a message.
pub(crate) const PROCESS_MESSAGE: c_int = -1001;
/// Where the registry keeps the name of the function to call on a tick.
pub(crate) const TIMER_EVENT: c_int = -1002;
/// Where the registry keeps the function that pushes a text of the host.
pub(crate) const PUSH_TEXT: c_int = -1003;

/// Opens the base library and what the kind has beyond it. Run protected.
pub(crate) unsafe extern "C-unwind" fn open(lua: *mut lua_State) -> c_int {
    // SAFETY: runs inside a protected call on a fresh state; keeps to the stack that Lua guarantees.
    unsafe {
        ffi::lua_gc(lua, ffi::LUA_GCSTOP, 0);
        call(lua, ffi::luaopen_base);
        require::mark_module(lua);
        ffi::lua_settop(lua, 0);
        open_loader(lua);
        let kind = Host::of(lua).kind;
        ffi::lua_pushvalue(lua, ffi::LUA_GLOBALSINDEX);
        remove(lua, c"");
        if !kind.makes_proxies() {
            wrap(lua, &[c"getmetatable"], getmetatable);
        }
        for function in kind.functions {
            for key in function.keys {
                ffi::lua_pushstring_(lua, key.as_ptr());
            }
            let count = c_int::try_from(function.keys.len()).unwrap_or(0);
            ffi::lua_pushcclosure(lua, function.function, count);
            ffi::lua_setglobal(lua, function.name.as_ptr());
        }
        for (at, name) in [(PROCESS_MESSAGE, c"process_message"), (TIMER_EVENT, c"timer_event")] {
            ffi::lua_pushstring_(lua, name.as_ptr());
            ffi::lua_rawseti_(lua, ffi::LUA_REGISTRYINDEX, at);
        }
        heka_lpeg::set_charge(lua, budget::spend);
        ffi::lua_pushcclosure(lua, push_text, 0);
        ffi::lua_rawseti_(lua, ffi::LUA_REGISTRYINDEX, PUSH_TEXT);
        ffi::lua_gc(lua, ffi::LUA_GCRESTART, 0);
    }
    0
}

/// Lua: `getmetatable(value)`. That of a userdata is not given: a script could put a finalizer into it, and Lua runs
/// finalizers with the hook of the limits switched off.
unsafe extern "C-unwind" fn getmetatable(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function that `wrap` made.
    unsafe {
        if ffi::lua_type(lua, 1) == ffi::LUA_TUSERDATA {
            ffi::lua_pushnil(lua);
            return 1;
        }
        call_original(lua)
    }
}

/// `require` is ours, `module` is Lua's own, and of the package library scripts see an empty table.
unsafe fn open_loader(lua: *mut lua_State) {
    // SAFETY: as for `open`.
    unsafe {
        call(lua, ffi::luaopen_package);
        ffi::lua_settop(lua, 0);
        ffi::lua_createtable(lua, 0, 0);
        require::mark_module(lua);
        ffi::lua_getfield_(lua, ffi::LUA_REGISTRYINDEX, ffi::LUA_LOADED_TABLE);
        ffi::lua_pushvalue(lua, 1);
        ffi::lua_setfield(lua, -2, c"package".as_ptr());
        ffi::lua_settop(lua, 1);
        ffi::lua_setglobal(lua, c"package".as_ptr());
        ffi::lua_pushcclosure(lua, require::require, 0);
        ffi::lua_setglobal(lua, c"require".as_ptr());
        ffi::lua_pushcclosure(lua, error_handling::xpcall, 0);
        ffi::lua_setglobal(lua, c"xpcall".as_ptr());
    }
}

/// Takes the names that the kind does not have out of the library on top of the stack.
pub(crate) unsafe fn remove(lua: *mut lua_State, library: &CStr) {
    // SAFETY: the library's table is on top of the stack.
    unsafe {
        let kind = Host::of(lua).kind;
        for (_, names) in kind.removed.iter().filter(|(of, _)| *of == library) {
            for name in *names {
                ffi::lua_pushnil(lua);
                ffi::lua_setfield(lua, -2, name.as_ptr());
            }
        }
    }
}

/// Calls an opening function; leaves one result.
unsafe fn call(lua: *mut lua_State, open: lua_CFunction) {
    // SAFETY: as for `open`.
    unsafe {
        ffi::lua_pushcclosure(lua, open, 0);
        ffi::lua_pushstring_(lua, c"".as_ptr());
        ffi::lua_call(lua, 1, 1);
    }
}

/// Runs `function` protected with `data` as its only argument. On an error its value is on the stack.
pub(crate) unsafe fn protected<T>(lua: *mut lua_State, function: lua_CFunction, data: *mut T) -> c_int {
    // SAFETY: the caller's data outlives the call.
    unsafe { ffi::lua_cpcall(lua, function, data.cast::<c_void>()) }
}
