//! Headers of columns.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use super::buffer::{Aggregation, Column};
use super::{check_column, check_self};
use crate::host::{check_bytes, push_bytes, until_nul};
use crate::native::binding::check_option;

const AGGREGATIONS: [(&CStr, Aggregation); 4] = [
    (c"sum", Aggregation::Sum),
    (c"min", Aggregation::Min),
    (c"max", Aggregation::Max),
    (c"none", Aggregation::None),
];

impl Column {
    pub(super) fn name(&self) -> &[u8] {
        until_nul(&self.name)
    }

    pub(super) fn unit(&self) -> &[u8] {
        until_nul(&self.unit)
    }

    pub(super) fn aggregation_name(&self) -> &'static [u8] {
        AGGREGATIONS[self.aggregation as usize].0.to_bytes()
    }
}

/// Lua: `buffer:set_header(column, name[, unit[, aggregation]])`. Returns the column.
pub(super) unsafe extern "C-unwind" fn set_header(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping, the texts stay on the stack.
    unsafe {
        let mut buffer = check_self(lua, 3);
        let index = check_column(lua, buffer, 2);
        let name = until_nul(check_bytes(lua, 3));
        let has_unit = ffi::lua_type(lua, 4) > ffi::LUA_TNIL;
        let unit = if has_unit { until_nul(check_bytes(lua, 4)) } else { b"count" };
        let aggregation = check_option(lua, 5, Some(0), &AGGREGATIONS.map(|(name, _)| name));
        let column = buffer.column(index);
        column.aggregation = AGGREGATIONS[aggregation].1;
        copy(name, &mut column.name, b"");
        copy(unit, &mut column.unit, b"/*");
        ffi::lua_pushnumber(lua, index as f64 + 1.0);
        1
    }
}

/// Copies what fits before the final zero, with `_` for all that is neither letter nor digit nor one of `others`.
fn copy(text: &[u8], to: &mut [u8], others: &[u8]) {
    to.fill(0);
    let room = to.len() - 1;
    for (to, &byte) in to[..room].iter_mut().zip(text) {
        let is_kept = byte.is_ascii_alphanumeric() || others.contains(&byte);
        *to = if is_kept { byte } else { b'_' };
    }
}

/// Lua: `buffer:get_header(column)`. Returns name, unit and aggregation.
pub(super) unsafe extern "C-unwind" fn get_header(lua: *mut lua_State) -> c_int {
    // SAFETY: as for `set_header`.
    unsafe {
        let mut buffer = check_self(lua, 2);
        let index = check_column(lua, buffer, 2);
        let column = buffer.column(index);
        push_bytes(lua, column.name());
        push_bytes(lua, column.unit());
        push_bytes(lua, column.aggregation_name());
        3
    }
}
