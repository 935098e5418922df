//! From numbers to symbols.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use super::symbols::{LARGEST_CARDINALITY, symbol};
use crate::native::binding::check;

/// Values of the largest series.
const MOST_VALUES: usize = 4096;
/// Letters of its word.
const MOST_LETTERS: usize = 2048;
/// A series that varies less is flat.
const FLAT: f64 = 1e-2;

/// How a series is made a word.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Values.
    pub(super) count: usize,
    /// Letters; a divisor of `count`.
    pub(super) length: usize,
    pub(super) cardinality: usize,
}

impl Shape {
    /// Checks the numbers, in this order, as if all came from one argument.
    ///
    /// # Safety
    /// Called from a host function with nothing on its frame that needs dropping.
    pub(super) unsafe fn check(
        lua: *mut lua_State,
        argument: c_int,
        [count, length, cardinality]: [c_int; 3],
    ) -> Shape {
        // SAFETY: as promised.
        unsafe {
            check(lua, (2..=MOST_VALUES as c_int).contains(&count), argument, c"n is out of range");
            check(lua, (2..=MOST_LETTERS as c_int).contains(&length), argument, c"w is out of range");
            check(lua, count % length == 0, argument, c"n must be evenly divisible by w");
            let is_there = (2..=LARGEST_CARDINALITY as c_int).contains(&cardinality);
            check(lua, is_there, argument, c"cardinality is out of range");
        }
        Shape { count: count as usize, length: length as usize, cardinality: cardinality as usize }
    }

    /// Writes the symbols of a series with this mean and deviation. Values that are none do not count in their frame.
    pub(super) fn put_symbols(
        self,
        mut values: impl FnMut(usize) -> f64,
        mean: f64,
        deviation: f64,
        symbols: &mut [u8],
    ) {
        let frame = self.count / self.length;
        for (index, to) in symbols.iter_mut().enumerate() {
            let (mut sum, mut count) = (0.0, 0.0);
            for at in index * frame..(index + 1) * frame {
                let value = values(at);
                if !value.is_nan() {
                    sum += value;
                    count += 1.0;
                }
            }
            let average = if count == 0.0 {
                f64::NAN
            } else if !sum.is_finite() {
                sum
            } else if deviation < FLAT {
                0.0
            } else {
                (sum - count * mean) / (count * deviation)
            };
            *to = symbol(average, self.cardinality);
        }
    }
}

/// Mean and standard deviation of the finite values.
pub(super) fn mean_and_deviation(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut mean, mut squares, mut count) = (0.0, 0.0, 0.0);
    for value in values.filter(|value| value.is_finite()) {
        count += 1.0;
        squares += ((value - mean) * (value - mean) * (count - 1.0)) / count;
        mean += (value - mean) / count;
    }
    if count == 0.0 { (0.0, 0.0) } else { (mean, (squares / count).sqrt()) }
}

/// A table of numbers on the stack.
#[derive(Clone, Copy)]
pub(super) struct Numbers {
    lua: *mut lua_State,
    index: c_int,
    pub(super) length: usize,
}

impl Numbers {
    /// The table at `index`; a refusal names argument 1.
    ///
    /// # Safety
    /// As [`Shape::check`]; there is a table.
    pub(super) unsafe fn check(lua: *mut lua_State, index: c_int) -> Numbers {
        const WHY: &CStr = c"expected array of numbers as input";
        // SAFETY: as promised; raw access raises nothing.
        unsafe {
            let length = ffi::lua_objlen(lua, index);
            for at in 0..length {
                ffi::lua_rawgeti_(lua, index, at as c_int + 1);
                check(lua, ffi::lua_isnumber(lua, -1) != 0, 1, WHY);
                ffi::lua_pop(lua, 1);
            }
            Numbers { lua, index, length }
        }
    }

    /// The number at a place from 0.
    pub(super) fn get(self, at: usize) -> f64 {
        // SAFETY: the table is on the stack for as long as the function runs that checked it.
        unsafe {
            ffi::lua_rawgeti_(self.lua, self.index, at as c_int + 1);
            let value = ffi::lua_tonumber(self.lua, -1);
            ffi::lua_pop(self.lua, 1);
            value
        }
    }

    pub(super) fn iter(self) -> impl Iterator<Item = f64> {
        (0..self.length).map(move |at| self.get(at))
    }
}
