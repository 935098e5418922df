//! The `cjson` module: lua-cjson 2.1.0 as Heka ships it, whose output is bounded by the sandbox's `output_limit`.

mod config;
mod decode;
mod encode;
mod number;
mod quoting;
#[cfg(test)]
mod tests;
mod tokens;

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::binding::Function;

const FUNCTIONS: [Function; 9] = [
    (c"encode", encode::encode),
    (c"decode", decode::decode),
    (c"encode_sparse_array", config::encode_sparse_array),
    (c"encode_max_depth", config::encode_max_depth),
    (c"decode_max_depth", config::decode_max_depth),
    (c"encode_number_precision", config::encode_number_precision),
    (c"encode_invalid_numbers", config::encode_invalid_numbers),
    (c"decode_invalid_numbers", config::decode_invalid_numbers),
    (c"decode_null", config::decode_null),
];

/// Nesting that neither direction goes beyond, whatever the script allows: it is followed on the native stack.
const DEEPEST: c_int = 2000;

/// What a byte of JSON counts for beside one that is only copied.
const WORK_PER_BYTE: usize = 8;

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping.
    unsafe {
        ffi::lua_createtable(lua, 0, 0);
        config::push(lua);
        for (name, function) in FUNCTIONS {
            ffi::lua_pushvalue(lua, -1);
            ffi::lua_pushcclosure(lua, function, 1);
            ffi::lua_setfield(lua, -3, name.as_ptr());
        }
        ffi::lua_pop(lua, 1);
        ffi::lua_pushlightuserdata(lua, std::ptr::null_mut());
        ffi::lua_setfield(lua, -2, c"null".as_ptr());
        for (key, text) in [(c"_NAME", c"cjson"), (c"_VERSION", c"2.1.0")] {
            ffi::lua_pushstring_(lua, text.as_ptr());
            ffi::lua_setfield(lua, -2, key.as_ptr());
        }
        1
    }
}
