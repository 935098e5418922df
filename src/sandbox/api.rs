//! The functions that scripts call, a file a group.

mod config;
mod decode;
mod inject;
mod next_field;
mod output;
mod read;
mod write;

pub(crate) use config::read_config;
pub(crate) use decode::decode_message;
pub(crate) use inject::{inject_message, inject_payload};
pub(crate) use next_field::read_next_field;
pub(crate) use output::{Unwritten, add_to_payload, put_userdata};
pub(crate) use read::read_message;
pub(crate) use write::write_message;

pub(crate) use crate::encode::KEYS as MESSAGE_KEYS;

use std::ffi::{CStr, c_int};

use heka_message::Value;
use mlua::ffi::{self, lua_State};

use crate::host::push_bytes;

/// The optional index argument at `argument`, from 0.
///
/// # Safety
/// As [`crate::host::raise`].
unsafe fn index_argument(lua: *mut lua_State, argument: c_int, refusal: &CStr) -> usize {
    // SAFETY: raises or returns.
    unsafe {
        let index = ffi::luaL_optinteger(lua, argument, 0) as c_int;
        usize::try_from(index).unwrap_or_else(|_| {
            ffi::luaL_argerror(lua, argument, refusal.as_ptr());
            0
        })
    }
}

const FIELD_INDEX: &CStr = c"field index must be >= 0";
const ARRAY_INDEX: &CStr = c"array index must be >= 0";

/// The field's name in `Fields[name]`: between the first bracket and the closing one at the end.
fn field_name(variable: &[u8]) -> Option<&[u8]> {
    variable.strip_prefix(b"Fields[")?.strip_suffix(b"]")
}

/// Pushes a field's value; empty bytes are nil, for the original could not tell them from none.
///
/// # Safety
/// The stack has a free slot.
unsafe fn push_value(lua: *mut lua_State, value: Option<Value<'_>>) {
    // SAFETY: as promised.
    unsafe {
        match value {
            Some(Value::String(text)) => push_bytes(lua, text),
            Some(Value::Bytes(bytes)) if !bytes.is_empty() => push_bytes(lua, bytes),
            Some(Value::Integer(number)) => ffi::lua_pushnumber(lua, number as f64),
            Some(Value::Double(number)) => ffi::lua_pushnumber(lua, number),
            Some(Value::Bool(truth)) => ffi::lua_pushboolean(lua, truth.into()),
            Some(Value::Bytes(_)) | None => ffi::lua_pushnil(lua),
        }
    }
}
