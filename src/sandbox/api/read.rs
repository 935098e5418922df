//! `read_message`.

use std::ffi::c_int;

use heka_message::uuid_text;
use mlua::ffi::{self, lua_State};

use super::{ARRAY_INDEX, FIELD_INDEX, field_name, index_argument, push_value};
use crate::host::{Host, check_bytes, push_bytes, raise, until_nul};
use crate::messages::{NumberHeader, Source, TextHeader};

/// Lua: `read_message(name [, field_index [, array_index]])`.
pub(crate) unsafe extern "C-unwind" fn read_message(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping.
    unsafe {
        if !(1..=3).contains(&ffi::lua_gettop(lua)) {
            raise(lua, format_args!("read_message() incorrect number of arguments"));
        }
        let name = until_nul(check_bytes(lua, 1));
        let index = index_argument(lua, 2, FIELD_INDEX);
        let element = index_argument(lua, 3, ARRAY_INDEX);
        let Some(messages) = Host::of(lua).messages() else {
            ffi::lua_pushnil(lua);
            return 1;
        };
        if name == b"raw" {
            match messages.raw() {
                Some(bytes) if !bytes.is_empty() => push_bytes(lua, bytes),
                _ => ffi::lua_pushnil(lua),
            }
            return 1;
        }
        match messages.current() {
            Some(source) => push_variable(lua, source, name, index, element),
            None => ffi::lua_pushnil(lua),
        }
        1
    }
}

unsafe fn push_variable(lua: *mut lua_State, source: Source<'_>, name: &[u8], index: usize, element: usize) {
    // SAFETY: as for `read_message`.
    unsafe {
        if let Some(field) = field_name(name) {
            return push_value(lua, source.field_value(field, index, element));
        }
        let header = match name {
            b"Type" => TextHeader::Type,
            b"Logger" => TextHeader::Logger,
            b"Payload" => TextHeader::Payload,
            b"EnvVersion" => TextHeader::EnvVersion,
            b"Hostname" => TextHeader::Hostname,
            b"Uuid" => {
                let mut text = [0; 36];
                let uuid = source.text(TextHeader::Uuid).unwrap_or_default();
                return push_bytes(lua, uuid_text(uuid, &mut text).as_bytes());
            }
            b"Timestamp" => return push_number(lua, source, NumberHeader::Timestamp),
            b"Severity" => return push_number(lua, source, NumberHeader::Severity),
            b"Pid" => return push_number(lua, source, NumberHeader::Pid),
            _ => return ffi::lua_pushnil(lua),
        };
        push_bytes(lua, source.text(header).unwrap_or_default());
    }
}

unsafe fn push_number(lua: *mut lua_State, source: Source<'_>, header: NumberHeader) {
    // SAFETY: as for `read_message`.
    unsafe {
        match source.number(header) {
            Some(number) => ffi::lua_pushnumber(lua, number as f64),
            None => ffi::lua_pushnil(lua),
        }
    }
}
