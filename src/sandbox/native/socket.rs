//! The `socket.core` module: TCP and UDP as LuaSocket 3.0-rc1 gives them to scripts.
//!
//! Every call that waits does so in short slices and looks in between whether its plugin is to stop, see [`wait`].

mod address;
mod class;
mod dns;
mod failure;
mod options;
mod select;
mod stream;
mod tcp;
mod tcp_methods;
#[cfg(test)]
mod tests;
mod trying;
mod udp;
mod wait;

use std::ffi::{CStr, c_int};
use std::time::Duration;

use mlua::ffi::{self, lua_State};

use self::wait::Patience;
use super::binding::{Function, put_functions};
use crate::host::Host;

const FUNCTIONS: [Function; 12] = [
    (c"skip", skip),
    (c"__unload", unload),
    (c"gettime", gettime),
    (c"sleep", sleep),
    (c"select", select::select),
    (c"newtry", trying::newtry),
    (c"protect", trying::protect),
    (c"tcp", tcp::tcp),
    (c"tcp6", tcp::tcp6),
    (c"connect", tcp::connect),
    (c"udp", udp::udp),
    (c"udp6", udp::udp6),
];

/// Opens the module. Like the original it is `socket` already, as a global and for `require`.
pub(super) unsafe extern "C-unwind" fn open(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping. So it is for all functions below this module.
    unsafe {
        ffi::lua_settop(lua, 0);
        push_shared_table(lua, c"socket");
        put_functions(lua, &FUNCTIONS);
        ffi::lua_pushstring_(lua, c"LuaSocket 3.0-rc1".as_ptr());
        ffi::lua_setfield(lua, -2, c"_VERSION".as_ptr());
        ffi::lua_pushinteger(lua, select::MOST as ffi::lua_Integer);
        ffi::lua_setfield(lua, -2, c"_SETSIZE".as_ptr());
        dns::push(lua);
        ffi::lua_setfield(lua, -2, c"dns".as_ptr());
        tcp_methods::register(lua);
        udp::register(lua);
        ffi::lua_settop(lua, 1);
        1
    }
}

/// Pushes the table that is a global of this name and the loaded module of this name; made if there is none.
pub(super) unsafe fn push_shared_table(lua: *mut lua_State, name: &CStr) {
    // SAFETY: see `open`; takes three slots of the stack and leaves one.
    unsafe {
        ffi::lua_getfield_(lua, ffi::LUA_REGISTRYINDEX, ffi::LUA_LOADED_TABLE);
        ffi::lua_getfield_(lua, -1, name.as_ptr());
        if ffi::lua_type(lua, -1) != ffi::LUA_TTABLE {
            ffi::lua_pop(lua, 1);
            ffi::lua_pushstring_(lua, name.as_ptr());
            ffi::lua_rawget_(lua, ffi::LUA_GLOBALSINDEX);
            if ffi::lua_type(lua, -1) != ffi::LUA_TTABLE {
                ffi::lua_pop(lua, 1);
                ffi::lua_createtable(lua, 0, 0);
                ffi::lua_pushstring_(lua, name.as_ptr());
                ffi::lua_pushvalue(lua, -2);
                ffi::lua_rawset(lua, ffi::LUA_GLOBALSINDEX);
            }
            ffi::lua_pushvalue(lua, -1);
            ffi::lua_setfield(lua, -3, name.as_ptr());
        }
        ffi::lua_remove(lua, -2);
    }
}

/// Lua: `skip(count, ...)`, the values after the first `count`.
unsafe extern "C-unwind" fn skip(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe {
        let count = ffi::luaL_checkinteger(lua, 1);
        let left = ffi::lua_gettop(lua) as ffi::lua_Integer - 1 - count.max(0);
        c_int::try_from(left.max(0)).unwrap_or(0)
    }
}

/// Lua: `__unload()`; there is nothing to undo.
unsafe extern "C-unwind" fn unload(_: *mut lua_State) -> c_int {
    0
}

/// Lua: `gettime()`, seconds since the epoch.
unsafe extern "C-unwind" fn gettime(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe { ffi::lua_pushnumber(lua, wait::now()) };
    1
}

/// Lua: `sleep(seconds)`.
unsafe extern "C-unwind" fn sleep(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe {
        let seconds = ffi::luaL_checknumber(lua, 1);
        // What is no number at all is no time.
        let seconds = if seconds > 0.0 { seconds.min(wait::FOREVER_S) } else { 0.0 };
        let slept = Patience::of(Host::of(lua)).sleep(Duration::from_secs_f64(seconds));
        if let Err(why) = slept { why.push(lua) } else { 0 }
    }
}
