//! Functions of Lua's libraries that are charged to the budget by the length of the texts they work on.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_CFunction, lua_State};

use crate::budget;

/// Puts `wrapper` in the place of these functions of the library on top of the stack; it reaches the one it stands for
/// with [`call_original`].
///
/// # Safety
/// The library's table is on top of the stack, its functions are C functions without upvalues.
pub(crate) unsafe fn wrap(lua: *mut lua_State, names: &[&CStr], wrapper: lua_CFunction) {
    // SAFETY: as promised.
    unsafe {
        for name in names {
            ffi::lua_getfield_(lua, -1, name.as_ptr());
            if let Some(function) = ffi::lua_tocfunction(lua, -1) {
                ffi::lua_pushlightuserdata(lua, function as *mut _);
                ffi::lua_pushcclosure(lua, wrapper, 1);
                ffi::lua_setfield(lua, -3, name.as_ptr());
            }
            ffi::lua_pop(lua, 1);
        }
    }
}

/// Calls what the running function stands for, in its frame.
///
/// # Safety
/// Called from a function that [`wrap`] made, with its arguments on the stack and nothing on its frame that needs dropping.
pub(crate) unsafe fn call_original(lua: *mut lua_State) -> c_int {
    // SAFETY: the upvalue is a C function, see `wrap`; it has no upvalues of its own, so it runs as well in this frame.
    unsafe {
        let function = ffi::lua_touserdata(lua, ffi::lua_upvalueindex(1));
        std::mem::transmute::<*mut std::ffi::c_void, lua_CFunction>(function)(lua)
    }
}

/// Charges the first argument and the last result, if they are texts.
///
/// # Safety
/// As [`call_original`].
pub(crate) unsafe extern "C-unwind" fn charged(lua: *mut lua_State) -> c_int {
    // SAFETY: as promised.
    unsafe {
        charge_text(lua, 1);
        let results = call_original(lua);
        if results > 0 {
            charge_text(lua, -1);
        }
        results
    }
}

unsafe fn charge_text(lua: *mut lua_State, index: c_int) {
    // SAFETY: any index is good for `lua_type`.
    unsafe {
        if ffi::lua_type(lua, index) == ffi::LUA_TSTRING {
            budget::charge(lua, ffi::lua_objlen(lua, index));
        }
    }
}
