//! `read_next_field`.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::push_value;
use crate::host::{Host, push_bytes, raise};

/// Lua: `value_type, name, value, representation, count = read_next_field()`.
pub(crate) unsafe extern "C-unwind" fn read_next_field(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping.
    unsafe {
        if ffi::lua_gettop(lua) != 0 {
            raise(lua, format_args!("read_next_field() takes no arguments"));
        }
        let host = Host::of(lua);
        let source = host.messages().and_then(|messages| messages.current());
        let Some(field) = source.and_then(|source| source.nth_field(host.next_field)) else {
            for _ in 0..5 {
                ffi::lua_pushnil(lua);
            }
            return 5;
        };
        host.next_field += 1;
        ffi::lua_pushinteger(lua, field.value_type().into());
        push_bytes(lua, field.name());
        push_value(lua, field.first());
        push_bytes(lua, field.representation());
        ffi::lua_pushnumber(lua, field.count() as f64);
        5
    }
}
