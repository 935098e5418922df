//! What changed since the last output. It lies in Lua tables, so that its memory is counted:
//! `circular_buffer[reference][seconds][column from 0]`.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::TABLE;
use super::buffer::Buffer;
use crate::host::raise;

/// Pushes the module's table as the script sees it.
///
/// # Safety
/// Called from a host function with nothing on its frame that needs dropping.
unsafe fn push_table(lua: *mut lua_State) {
    // SAFETY: as promised.
    unsafe {
        // Raw, as this runs without limits while data is preserved.
        ffi::lua_pushstring_(lua, TABLE.as_ptr());
        ffi::lua_rawget_(lua, ffi::LUA_GLOBALSINDEX);
        if ffi::lua_type(lua, -1) != ffi::LUA_TTABLE {
            raise(lua, format_args!("Could not find table circular_buffer"));
        }
    }
}

/// Adds to what changed in a cell.
///
/// # Safety
/// As [`push_table`].
pub(super) unsafe fn add(lua: *mut lua_State, mut buffer: Buffer, ns: f64, column: usize, change: f64) {
    // SAFETY: as promised.
    unsafe {
        let top = ffi::lua_gettop(lua);
        let time = buffer.row_time(ns) as c_int;
        push_table(lua);
        let reference = buffer.deltas().unwrap_or_else(|| {
            ffi::lua_createtable(lua, 0, 0);
            ffi::luaL_ref(lua, -2)
        });
        buffer.set_deltas(Some(reference));
        ffi::lua_rawgeti_(lua, -1, reference);
        if ffi::lua_type(lua, -1) != ffi::LUA_TTABLE {
            // The script did something to it.
            return ffi::lua_settop(lua, top);
        }
        ffi::lua_rawgeti_(lua, -1, time);
        if ffi::lua_type(lua, -1) != ffi::LUA_TTABLE {
            ffi::lua_pop(lua, 1);
            ffi::lua_createtable(lua, 0, 0);
            ffi::lua_pushvalue(lua, -1);
            ffi::lua_rawseti_(lua, -3, time);
        }
        ffi::lua_rawgeti_(lua, -1, column as c_int);
        let sum = change + ffi::lua_tonumber(lua, -1);
        ffi::lua_pushnumber(lua, sum);
        ffi::lua_rawseti_(lua, -3, column as c_int);
        ffi::lua_settop(lua, top);
    }
}

/// Goes through what changed, in the order of Lua's table: `row` gets the time, and the stack place of the row's table.
///
/// # Safety
/// As [`push_table`]; `row` leaves the stack as it was.
pub(super) unsafe fn for_each<E>(
    lua: *mut lua_State,
    buffer: Buffer,
    mut row: impl FnMut(f64, c_int) -> Result<(), E>,
) -> Result<(), E> {
    let Some(reference) = buffer.deltas() else { return Ok(()) };
    // SAFETY: as promised. A key that is no number is only looked at as one if it is a string, on a copy.
    unsafe {
        let top = ffi::lua_gettop(lua);
        push_table(lua);
        ffi::lua_rawgeti_(lua, -1, reference);
        if ffi::lua_type(lua, -1) != ffi::LUA_TTABLE {
            raise(lua, format_args!("Could not find the delta table"));
        }
        ffi::lua_pushnil(lua);
        while ffi::lua_next(lua, -2) != 0 {
            let place = ffi::lua_gettop(lua);
            if ffi::lua_type(lua, place) != ffi::LUA_TTABLE {
                raise(lua, format_args!("Invalid delta table structure"));
            }
            ffi::lua_pushvalue(lua, place - 1);
            let time = ffi::lua_tonumber(lua, -1);
            row(time, place)?;
            ffi::lua_settop(lua, place - 1);
        }
        ffi::lua_settop(lua, top);
    }
    Ok(())
}

/// What changed in a cell of the row whose table is at `place`.
///
/// # Safety
/// As [`push_table`].
pub(super) unsafe fn cell(lua: *mut lua_State, place: c_int, column: usize) -> Option<f64> {
    // SAFETY: as promised.
    unsafe {
        ffi::lua_rawgeti_(lua, place, column as c_int);
        let value = (ffi::lua_type(lua, -1) != ffi::LUA_TNIL).then(|| ffi::lua_tonumber(lua, -1));
        ffi::lua_pop(lua, 1);
        value
    }
}

/// Forgets what changed.
///
/// # Safety
/// As [`push_table`].
pub(super) unsafe fn forget(lua: *mut lua_State, mut buffer: Buffer) {
    let Some(reference) = buffer.deltas() else { return };
    // SAFETY: as promised.
    unsafe {
        push_table(lua);
        ffi::luaL_unref(lua, -1, reference);
        ffi::lua_pop(lua, 1);
    }
    buffer.set_deltas(None);
}
