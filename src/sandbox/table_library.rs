//! The table library. One call may work on a long list for longer than thousands of instructions take.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use crate::budget;
use crate::charged::{call_original, charged, wrap};

/// What an element counts for, in bytes of text, when it is moved or looked at.
const MOVED: usize = 16;
/// The same when it is sorted.
const SORTED: usize = 256;

/// Opens the library.
pub(crate) unsafe extern "C-unwind" fn open(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function.
    unsafe {
        ffi::lua_pushcclosure(lua, ffi::luaopen_table, 0);
        ffi::lua_pushstring_(lua, c"table".as_ptr());
        ffi::lua_call(lua, 1, 1);
        wrap(lua, &[c"concat"], concat);
        wrap(lua, &[c"sort"], sort);
        wrap(lua, &[c"insert"], insert);
        wrap(lua, &[c"remove"], remove);
        1
    }
}

unsafe extern "C-unwind" fn concat(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function that `wrap` made.
    unsafe {
        charge_from(lua, 0, MOVED);
        charged(lua)
    }
}

unsafe extern "C-unwind" fn sort(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function that `wrap` made.
    unsafe {
        charge_from(lua, 0, SORTED);
        call_original(lua)
    }
}

/// Without a place it appends.
unsafe extern "C-unwind" fn insert(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function that `wrap` made.
    unsafe {
        if ffi::lua_gettop(lua) > 2 {
            charge_from(lua, ffi::lua_tointeger(lua, 2), MOVED);
        }
        call_original(lua)
    }
}

/// Without a place it takes the last.
unsafe extern "C-unwind" fn remove(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function that `wrap` made.
    unsafe {
        if ffi::lua_gettop(lua) > 1 {
            charge_from(lua, ffi::lua_tointeger(lua, 2), MOVED);
        }
        call_original(lua)
    }
}

/// Charges the elements of the first argument from this place on.
unsafe fn charge_from(lua: *mut lua_State, place: ffi::lua_Integer, each: usize) {
    // SAFETY: any index is good for `lua_type`.
    unsafe {
        if ffi::lua_type(lua, 1) == ffi::LUA_TTABLE {
            let rest = ffi::lua_objlen(lua, 1).saturating_sub(usize::try_from(place).unwrap_or(0));
            budget::charge(lua, rest.saturating_mul(each));
        }
    }
}
