//! `read_config`.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use crate::host::{Host, check_bytes, push_bytes, raise, until_nul};
use crate::settings::Variable;

/// Lua: `read_config(name)`.
pub(crate) unsafe extern "C-unwind" fn read_config(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping.
    unsafe {
        if ffi::lua_gettop(lua) != 1 {
            raise(lua, format_args!("read_config() must have a single argument"));
        }
        let name = until_nul(check_bytes(lua, 1));
        let variables = &Host::of(lua).variables;
        match variables.iter().find(|(key, _)| key.as_bytes() == name).map(|(_, value)| value) {
            Some(Variable::String(text)) => push_bytes(lua, text.as_bytes()),
            Some(Variable::Number(number)) => ffi::lua_pushnumber(lua, *number),
            Some(Variable::Bool(truth)) => ffi::lua_pushboolean(lua, (*truth).into()),
            None => ffi::lua_pushnil(lua),
        }
        1
    }
}
