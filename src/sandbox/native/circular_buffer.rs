//! The `circular_buffer` module: a matrix of doubles, a row a span of time, that moves along with the newest time.

mod buffer;
mod column;
mod delta;
mod ranks;
mod restore;
mod statistics;
#[cfg(test)]
mod tests;
mod text;

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use super::binding::{Function, WRONG_COUNT, check, check_int, check_option, push_class, push_library};
use buffer::{Aggregation, Buffer};

/// The class of buffers; its name shows in errors.
const CLASS: &CStr = c"mozsvc.circular_buffer";
/// The global table of the module, which also holds deltas.
const TABLE: &CStr = c"circular_buffer";

const FUNCTIONS: [Function; 2] = [(c"new", new), (c"version", version)];

const METHODS: [Function; 13] = [
    (c"add", add),
    (c"set", set),
    (c"get", get),
    (c"get_configuration", get_configuration),
    (c"set_header", column::set_header),
    (c"get_header", column::get_header),
    (c"compute", statistics::compute),
    (c"mannwhitneyu", ranks::mannwhitneyu),
    (c"current_time", current_time),
    (c"format", format),
    (c"fromstring", restore::fromstring),
    (c"lsb_output", text::output),
    (c"lsb_serialize", text::serialize),
];

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping.
    unsafe {
        push_class(lua, CLASS, &METHODS);
        push_library(lua, &FUNCTIONS);
        1
    }
}

/// Lua: `new(rows, columns, seconds_per_row[, enable_delta])`.
unsafe extern "C-unwind" fn new(lua: *mut lua_State) -> c_int {
    // SAFETY: as for `open`.
    unsafe {
        let count = ffi::lua_gettop(lua);
        check(lua, count == 3 || count == 4, 0, WRONG_COUNT);
        let rows = check_int(lua, 1);
        check(lua, rows > 1, 1, c"rows must be > 1");
        let columns = check_int(lua, 2);
        check(lua, columns > 0, 2, c"columns must be > 0");
        let seconds = check_int(lua, 3);
        check(lua, seconds > 0, 3, c"seconds_per_row is out of range");
        let has_deltas = ffi::lua_toboolean(lua, 4) != 0;
        Buffer::push_new(lua, rows as u32, columns as u32, seconds as u32, count == 4 && has_deltas);
        1
    }
}

/// Lua: `version()`.
unsafe extern "C-unwind" fn version(lua: *mut lua_State) -> c_int {
    // SAFETY: as for `open`.
    unsafe { ffi::lua_pushstring_(lua, c"0.2.0".as_ptr()) };
    1
}

/// The buffer that a method works on, which has at least so many arguments with itself.
///
/// # Safety
/// Called from a host function, with nothing on its frame that needs dropping.
unsafe fn check_self(lua: *mut lua_State, least: c_int) -> Buffer {
    // SAFETY: as promised; only `Buffer::push_new` makes objects of the class.
    unsafe {
        let buffer = Buffer::from_object(ffi::luaL_checkudata(lua, 1, CLASS.as_ptr()));
        check(lua, ffi::lua_gettop(lua) >= least, 0, WRONG_COUNT);
        buffer
    }
}

/// A column argument, counted from 1, as an index.
///
/// # Safety
/// As [`check_self`].
unsafe fn check_column(lua: *mut lua_State, buffer: Buffer, argument: c_int) -> usize {
    // SAFETY: as promised.
    unsafe {
        let column = check_int(lua, argument);
        let is_there = column >= 1 && column as usize <= buffer.columns();
        check(lua, is_there, argument, c"column out of range");
        column as usize - 1
    }
}

/// Pushes a number, or nil if there is none.
///
/// # Safety
/// As [`check_self`].
unsafe fn push(lua: *mut lua_State, value: Option<f64>) -> c_int {
    // SAFETY: as promised.
    unsafe {
        match value {
            Some(value) => ffi::lua_pushnumber(lua, value),
            None => ffi::lua_pushnil(lua),
        }
    }
    1
}

/// Lua: `buffer:add(ns, column, value)`. The buffer moves on before column and value are looked at.
unsafe extern "C-unwind" fn add(lua: *mut lua_State) -> c_int {
    // SAFETY: as for `open`; cells are borrowed between calls into Lua only.
    unsafe {
        let mut buffer = check_self(lua, 4);
        let ns = ffi::luaL_checknumber(lua, 2);
        let row = buffer.reach(ns);
        let column = check_column(lua, buffer, 3);
        let value = ffi::luaL_checknumber(lua, 4);
        let Some(row) = row else { return push(lua, None) };
        let cell = buffer.cell(row, column);
        *cell = if cell.is_nan() { value } else { *cell + value };
        let sum = *cell;
        if buffer.has_deltas() && value != 0.0 {
            let is_sum = buffer.column(column).aggregation == Aggregation::Sum;
            delta::add(lua, buffer, ns, column, if is_sum { value } else { sum });
        }
        push(lua, Some(sum))
    }
}

/// Lua: `buffer:set(ns, column, value)`. Columns of extremes keep the extreme.
unsafe extern "C-unwind" fn set(lua: *mut lua_State) -> c_int {
    // SAFETY: as for `add`.
    unsafe {
        let mut buffer = check_self(lua, 4);
        let ns = ffi::luaL_checknumber(lua, 2);
        let row = buffer.reach(ns);
        let column = check_column(lua, buffer, 3);
        let value = ffi::luaL_checknumber(lua, 4);
        let Some(row) = row else { return push(lua, None) };
        let old = *buffer.cell(row, column);
        let change = match buffer.column(column).aggregation {
            Aggregation::Min => (old.is_nan() || value < old).then_some(value),
            Aggregation::Max => (old.is_nan() || value > old).then_some(value),
            Aggregation::Sum | Aggregation::None => Some(if old.is_finite() { value - old } else { value }),
        };
        let Some(change) = change else { return push(lua, Some(old)) };
        *buffer.cell(row, column) = value;
        if buffer.has_deltas() {
            delta::add(lua, buffer, ns, column, change);
        }
        push(lua, Some(value))
    }
}

/// Lua: `buffer:get(ns, column)`.
unsafe extern "C-unwind" fn get(lua: *mut lua_State) -> c_int {
    // SAFETY: as for `add`.
    unsafe {
        let mut buffer = check_self(lua, 3);
        let row = buffer.row(ffi::luaL_checknumber(lua, 2));
        let column = check_column(lua, buffer, 3);
        push(lua, row.map(|row| *buffer.cell(row, column)))
    }
}

/// Lua: `buffer:get_configuration()`.
unsafe extern "C-unwind" fn get_configuration(lua: *mut lua_State) -> c_int {
    // SAFETY: as for `open`.
    unsafe {
        let buffer = check_self(lua, 1);
        ffi::lua_pushnumber(lua, buffer.rows() as f64);
        ffi::lua_pushnumber(lua, buffer.columns() as f64);
        ffi::lua_pushnumber(lua, buffer.seconds_per_row() as f64);
        3
    }
}

/// Lua: `buffer:current_time()`.
unsafe extern "C-unwind" fn current_time(lua: *mut lua_State) -> c_int {
    // SAFETY: as for `open`.
    unsafe {
        let seconds = check_self(lua, 0).current_time();
        push(lua, Some(seconds as f64 * 1e9))
    }
}

/// Lua: `buffer:format("cbuf" or "cbufd")`. Returns the buffer.
unsafe extern "C-unwind" fn format(lua: *mut lua_State) -> c_int {
    // SAFETY: as for `open`.
    unsafe {
        let mut buffer = check_self(lua, 2);
        check(lua, ffi::lua_gettop(lua) == 2, 0, WRONG_COUNT);
        buffer.show_deltas(check_option(lua, 2, None, &[c"cbuf", c"cbufd"]) == 1);
        ffi::lua_settop(lua, 1);
        1
    }
}
