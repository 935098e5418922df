//! The `struct` module: values in the binary layout of C, after Lua's `struct` 1.4.

mod format;
mod pack;
#[cfg(test)]
mod tests;
mod unpack;

use std::ffi::c_int;

use mlua::ffi::lua_State;

use super::binding::{Function, push_library};

const FUNCTIONS: [Function; 3] =
    [(c"pack", pack::pack), (c"unpack", unpack::unpack), (c"size", unpack::size)];

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping.
    unsafe { push_library(lua, &FUNCTIONS) };
    1
}
