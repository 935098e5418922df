//! Figures of a column.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::{check_column, check_self, push};
use crate::native::binding::{check, check_option};

/// Lua: `buffer:compute(function, column[, start_ns[, end_ns]])`. Returns the figure and how many rows have a value.
pub(super) unsafe extern "C-unwind" fn compute(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping.
    unsafe {
        let buffer = check_self(lua, 3);
        let functions = &[c"sum", c"avg", c"sd", c"min", c"max", c"variance"];
        let function = check_option(lua, 2, None, functions);
        let column = check_column(lua, buffer, 3);
        let start = ffi::luaL_optnumber(lua, 4, buffer.start_time() as f64 * 1e9);
        let end = ffi::luaL_optnumber(lua, 5, buffer.current_time() as f64 * 1e9);
        check(lua, end >= start, 5, c"end must be >= start");
        let Some((first, last)) = buffer.row(start).zip(buffer.row(end)) else {
            push(lua, None);
            ffi::lua_pushnumber(lua, 0.0);
            return 2;
        };
        let values = || buffer.span(column, first, last).filter(|value| !value.is_nan());
        let count = values().count() as f64;
        let result = match function {
            0 => values().fold(0.0, |sum, value| sum + value),
            1 => average(values(), count),
            2 => variance(values, count).sqrt(),
            3 => extreme(values(), f64::MAX, |value, least| value < least),
            // The smallest number above 0 is where it starts, so that there is no largest of none above 0. Ever so.
            4 => extreme(values(), f64::MIN_POSITIVE, |value, most| value > most),
            _ => variance(values, count),
        };
        push(lua, Some(result));
        ffi::lua_pushnumber(lua, count);
        2
    }
}

fn average(values: impl Iterator<Item = f64>, count: f64) -> f64 {
    values.fold(0.0, |sum, value| sum + value) / count
}

/// The variance of the values as all there are, not as a sample.
fn variance<I: Iterator<Item = f64>>(values: impl Fn() -> I, count: f64) -> f64 {
    let average = average(values(), count);
    values().fold(0.0, |sum, value| sum + (value - average) * (value - average)) / count
}

fn extreme(values: impl Iterator<Item = f64>, start: f64, goes_before: fn(f64, f64) -> bool) -> f64 {
    let found = values.fold(start, |found, value| if goes_before(value, found) { value } else { found });
    if found == start { f64::NAN } else { found }
}
