//! Windows: the newest values of a series, and their word.

use std::ffi::{c_int, c_void};
use std::ptr::NonNull;

use mlua::ffi::{self, lua_State};

use super::series::{Numbers, Shape};
use super::symbols::Word;
use super::{WINDOW, WRONG_ARGS, word};
use crate::native::binding::{
    WRONG_COUNT, begin_source, check, check_int, finish_source, push_object, put_constructor, put_text,
};
use crate::number;

/// In front of the values, which are followed by the symbols.
#[repr(C)]
struct Header {
    shape: Shape,
    /// The place of the oldest value.
    oldest: usize,
    /// How many values are finite, their mean, and the sum of their squared differences from it.
    finite: usize,
    mean: f64,
    squares: f64,
}

/// A window on the Lua stack.
#[derive(Clone, Copy)]
pub(super) struct Window(NonNull<Header>);

impl Window {
    /// The window of an object.
    ///
    /// # Safety
    /// [`new`] made the object, and it lives.
    pub(super) unsafe fn of(block: *mut c_void) -> Window {
        // SAFETY: as promised.
        Window(unsafe { NonNull::new_unchecked(block.cast()) })
    }

    fn header(&mut self) -> &mut Header {
        // SAFETY: `new` initialised it.
        unsafe { self.0.as_mut() }
    }

    fn values(&mut self) -> &mut [f64] {
        let count = self.header().shape.count;
        // SAFETY: so many values follow the header; `new` initialised them.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_ptr().add(1).cast(), count) }
    }

    fn symbols<'a>(&mut self) -> &'a mut [u8] {
        let length = self.header().shape.length;
        let start = self.values().as_mut_ptr_range().end.cast();
        // SAFETY: so many symbols follow the values; `new` initialised them.
        unsafe { std::slice::from_raw_parts_mut(start, length) }
    }

    pub(super) fn word<'a>(mut self) -> Word<'a> {
        let Shape { count, cardinality, .. } = self.header().shape;
        Word { count, cardinality, symbols: self.symbols() }
    }

    fn clear(&mut self) {
        let header = self.header();
        (header.oldest, header.finite) = (0, 0);
        (header.mean, header.squares) = (0.0, 0.0);
        let cardinality = header.shape.cardinality as u8;
        self.values().fill(f64::NAN);
        self.symbols().fill(cardinality);
    }

    /// Puts a value in the place of the oldest, and adapts mean and squares without looking at the others.
    fn push(&mut self, value: f64) {
        let at = self.header().oldest;
        let count = self.header().shape.count;
        let old = std::mem::replace(&mut self.values()[at], value);
        let header = self.header();
        header.oldest = (at + 1) % count;
        let before = header.finite;
        header.finite = before + usize::from(value.is_finite()) - usize::from(old.is_finite());
        let (was, is) = (before as f64, header.finite as f64);
        let mean = header.mean;
        match (old.is_finite(), value.is_finite()) {
            (false, false) => {}
            (true, true) => {
                let change = value - old;
                header.mean += change / was;
                let (new, gone) = (value - header.mean, old - header.mean);
                header.squares += change * change / is + new * new - gone * gone;
            }
            (true, false) if header.finite == 0 => (header.mean, header.squares) = (0.0, 0.0),
            (true, false) => {
                header.mean = (mean * was - old) / is;
                let (before, after) = (mean - old, header.mean - old);
                header.squares += before * before * was / (is * is) - after * after;
            }
            (false, true) => {
                header.squares += (value - mean) * (value - mean) * was / is;
                header.mean += (value - mean) / is;
            }
        }
        // What rounding leaves below 0 would have no root.
        header.squares = header.squares.max(0.0);
    }

    fn spell(&mut self) {
        let Header { shape, oldest, finite, mean, squares } = *self.header();
        let deviation = if finite == 0 { 0.0 } else { (squares / finite as f64).sqrt() };
        let symbols = self.symbols();
        let values = self.values();
        shape.put_symbols(|at| values[(oldest + at) % shape.count], mean, deviation, symbols);
    }
}

/// The window that a method works on.
unsafe fn check_self(lua: *mut lua_State) -> Window {
    // SAFETY: called from host functions with nothing on their frames that needs dropping.
    unsafe { Window::of(ffi::luaL_checkudata(lua, 1, WINDOW.as_ptr())) }
}

/// Lua: `window.new(n, w, c)`.
pub(super) unsafe extern "C-unwind" fn new(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping. The block holds header, values and symbols.
    unsafe {
        check(lua, ffi::lua_gettop(lua) == 3, 0, WRONG_ARGS);
        let numbers = [check_int(lua, 1), check_int(lua, 2), check_int(lua, 3)];
        let shape = Shape::check(lua, 1, numbers);
        let values = shape.count * size_of::<f64>();
        let block = push_object(lua, WINDOW, Some(size_of::<Header>() + values + shape.length));
        block.cast::<Header>().write(Header { shape, oldest: 0, finite: 0, mean: 0.0, squares: 0.0 });
        block.cast::<Header>().add(1).cast::<u8>().write_bytes(0, values + shape.length);
        Window::of(block).clear();
        1
    }
}

/// Lua: `window:add(number or array)`.
pub(super) unsafe extern "C-unwind" fn add(lua: *mut lua_State) -> c_int {
    // SAFETY: as for `new`.
    unsafe {
        check(lua, ffi::lua_gettop(lua) == 2, 0, WRONG_ARGS);
        let mut window = check_self(lua);
        if ffi::lua_isnumber(lua, 2) != 0 {
            window.push(ffi::lua_tonumber(lua, 2));
            window.spell();
            return 0;
        }
        let is_table = ffi::lua_type(lua, 2) == ffi::LUA_TTABLE;
        check(lua, is_table, 2, c"number or array-like table expected");
        let numbers = Numbers::check(lua, 2);
        if numbers.length > 0 {
            // Those before the last ones would be gone anyway.
            let skipped = numbers.length.saturating_sub(window.header().shape.count);
            numbers.iter().skip(skipped).for_each(|value| window.push(value));
            window.spell();
        }
        0
    }
}

/// Lua: `window:clear()`.
pub(super) unsafe extern "C-unwind" fn clear(lua: *mut lua_State) -> c_int {
    // SAFETY: as for `new`.
    unsafe {
        check(lua, ffi::lua_gettop(lua) == 1, 0, WRONG_COUNT);
        check_self(lua).clear();
        0
    }
}

/// Lua: `window:get_word()`.
pub(super) unsafe extern "C-unwind" fn get_word(lua: *mut lua_State) -> c_int {
    // SAFETY: as for `new`; the window stays on the stack.
    unsafe {
        check(lua, ffi::lua_gettop(lua) == 1, 0, WRONG_ARGS);
        let Word { count, cardinality, symbols } = check_self(lua).word();
        word::push(lua, count, cardinality, symbols.len()).copy_from_slice(symbols);
        1
    }
}

/// Gives the Lua source that restores a window.
pub(super) unsafe extern "C-unwind" fn serialize(lua: *mut lua_State) -> c_int {
    // SAFETY: as for `new`; the source lies in the host.
    unsafe {
        let mut window = check_self(lua);
        let (source, name) = begin_source(lua);
        let Header { shape, oldest, .. } = *window.header();
        let (n, w, c) = (shape.count, shape.length, shape.cardinality);
        put_constructor(source, name, format_args!("sax.window.new({n}, {w}, {c})"));
        let values = window.values();
        if !values.iter().all(|value| value.is_nan()) {
            source.extend_from_slice(name);
            source.extend_from_slice(b":clear()\n");
            source.extend_from_slice(name);
            let (newer, older) = values.split_at(oldest);
            for (at, value) in older.iter().chain(newer).enumerate() {
                let mut text = [0; number::LONGEST];
                let length = number::format_source(*value, &mut text);
                put_text(source, format_args!("{}", if at == 0 { ":add({" } else { "," }));
                source.extend_from_slice(&text[..length]);
            }
            source.extend_from_slice(b"})\n");
        }
        finish_source(lua)
    }
}
