//! Words: objects that never change.

use std::ffi::{c_int, c_void};

use mlua::ffi::{self, lua_State};

use super::series::{Numbers, Shape, mean_and_deviation};
use super::symbols::{LARGEST_CARDINALITY, Word, letter, of_letter};
use super::{WORD, check_word};
use crate::host::{check_bytes, until_nul};
use crate::native::binding::{
    WRONG_COUNT, begin_source, check, check_int, finish_source, push_object, put_constructor,
};

/// In front of the symbols.
#[repr(C)]
struct Header {
    count: usize,
    cardinality: usize,
    length: usize,
}

/// The word of an object.
///
/// # Safety
/// [`push`] made the object, and it lives.
pub(super) unsafe fn of<'a>(block: *mut c_void) -> Word<'a> {
    // SAFETY: as promised: a header, then as many symbols as it says.
    unsafe {
        let header = &*block.cast::<Header>();
        let symbols = std::slice::from_raw_parts(block.cast::<Header>().add(1).cast(), header.length);
        Word { count: header.count, cardinality: header.cardinality, symbols }
    }
}

/// Pushes a word whose symbols are all 0. They are the caller's to fill in, before anybody else sees the word.
///
/// # Safety
/// Called from a host function with nothing on its frame that needs dropping.
pub(super) unsafe fn push<'a>(
    lua: *mut lua_State,
    count: usize,
    cardinality: usize,
    length: usize,
) -> &'a mut [u8] {
    // SAFETY: as promised; the block has so many bytes.
    unsafe {
        let block = push_object(lua, WORD, size_of::<Header>().checked_add(length)).cast::<Header>();
        block.write(Header { count, cardinality, length });
        let symbols = block.add(1).cast::<u8>();
        symbols.write_bytes(0, length);
        std::slice::from_raw_parts_mut(symbols, length)
    }
}

/// Lua: `word.new(array, w, c)` or `word.new(text, c)`.
pub(super) unsafe extern "C-unwind" fn new(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping. The arguments stay on the stack.
    unsafe {
        match ffi::lua_gettop(lua) {
            2 => from_text(lua),
            3 => from_array(lua),
            _ => check(lua, false, 0, WRONG_COUNT),
        }
        1
    }
}

unsafe fn from_text(lua: *mut lua_State) {
    // SAFETY: as for `new`.
    unsafe {
        let text = check_bytes(lua, 1);
        check(lua, text.len() > 1, 1, c"length of SAX string should be > 1");
        let text = until_nul(text);
        let cardinality = check_int(lua, 2);
        let is_there = (2..=LARGEST_CARDINALITY as c_int).contains(&cardinality) && !text.is_empty();
        let cardinality = cardinality as usize;
        let is_spelt = is_there && text.iter().all(|letter| of_letter(*letter, cardinality).is_some());
        check(lua, is_spelt, 1, c"illegal symbols for given cardinality or bad cardinality itself");
        let symbols = push(lua, 0, cardinality, text.len());
        for (symbol, letter) in symbols.iter_mut().zip(text) {
            *symbol = of_letter(*letter, cardinality).unwrap_or(0);
        }
    }
}

unsafe fn from_array(lua: *mut lua_State) {
    // SAFETY: as for `new`.
    unsafe {
        let (length, cardinality) = (check_int(lua, 2), check_int(lua, 3));
        check(lua, ffi::lua_type(lua, 1) == ffi::LUA_TTABLE, 1, c"array-like table expected");
        let count = c_int::try_from(ffi::lua_objlen(lua, 1)).unwrap_or(c_int::MAX);
        let shape = Shape::check(lua, 2, [count, length, cardinality]);
        let numbers = Numbers::check(lua, 1);
        let (mean, deviation) = mean_and_deviation(numbers.iter());
        let symbols = push(lua, shape.count, shape.cardinality, shape.length);
        shape.put_symbols(|at| numbers.get(at), mean, deviation, symbols);
    }
}

/// Gives the Lua source that restores a word.
pub(super) unsafe extern "C-unwind" fn serialize(lua: *mut lua_State) -> c_int {
    // SAFETY: as for `new`; the source lies in the host.
    unsafe {
        ffi::luaL_checkudata(lua, 1, WORD.as_ptr());
        let word = check_word(lua, 1);
        let (source, name) = begin_source(lua);
        let c = word.cardinality;
        put_constructor(source, name, format_args!("sax.word.new(\"{}\", {c})", Letters(&word)));
        finish_source(lua)
    }
}

/// Shows a word.
struct Letters<'a>(&'a Word<'a>);

impl std::fmt::Display for Letters<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write;
        let mut letters = self.0.symbols.iter().map(|symbol| letter(*symbol, self.0.cardinality));
        letters.try_for_each(|letter| f.write_char(letter.into()))
    }
}
