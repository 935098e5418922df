//! The table library. `concat` may work on long texts for longer than thousands of instructions take.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use crate::charged::{charged, wrap};

/// Opens the library.
pub(crate) unsafe extern "C-unwind" fn open(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function.
    unsafe {
        ffi::lua_pushcclosure(lua, ffi::luaopen_table, 0);
        ffi::lua_pushstring_(lua, c"table".as_ptr());
        ffi::lua_call(lua, 1, 1);
        wrap(lua, &[c"concat"], charged);
        1
    }
}
