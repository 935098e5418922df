//! The `sax` module: time series as words of letters, after the symbolic aggregate approximation (symtseries 0.4).

mod series;
mod symbols;
#[cfg(test)]
mod tests;
mod window;
mod word;

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use super::binding::{Function, check, finish_output, push_class, push_library, put};
use crate::host::{Host, push_gathered};
use symbols::{Word, letter};

const WORD: &CStr = c"mozsvc.sax.word";
const WINDOW: &CStr = c"mozsvc.sax.window";

/// Two spellings that scripts may compare with.
const WRONG_ARGS: &CStr = c"incorrect number of args";

const FUNCTIONS: [Function; 2] = [(c"mindist", mindist), (c"version", version)];

const WORD_METHODS: [Function; 3] =
    [(c"__tostring", to_string), (c"lsb_output", output), (c"lsb_serialize", word::serialize)];

const WINDOW_METHODS: [Function; 6] = [
    (c"add", window::add),
    (c"clear", window::clear),
    (c"get_word", window::get_word),
    (c"__tostring", to_string),
    (c"lsb_output", output),
    (c"lsb_serialize", window::serialize),
];

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping.
    unsafe {
        // Lua compares objects of two classes only if both have the very same function for it.
        ffi::lua_pushcclosure(lua, equal, 0);
        let equal = ffi::lua_gettop(lua);
        for (class, methods) in [(WORD, &WORD_METHODS[..]), (WINDOW, &WINDOW_METHODS[..])] {
            push_class(lua, class, methods);
            ffi::lua_pushvalue(lua, equal);
            ffi::lua_setfield(lua, -2, c"__eq".as_ptr());
        }
        push_library(lua, &FUNCTIONS);
        push_library(lua, &[(c"new", word::new)]);
        ffi::lua_setfield(lua, -2, c"word".as_ptr());
        push_library(lua, &[(c"new", window::new)]);
        ffi::lua_setfield(lua, -2, c"window".as_ptr());
        1
    }
}

/// The word of an argument that is a word or a window.
///
/// # Safety
/// Called from a host function with nothing on its frame that needs dropping. The word is good while the argument is
/// on the stack and nothing is added to it.
unsafe fn check_word<'a>(lua: *mut lua_State, argument: c_int) -> Word<'a> {
    // SAFETY: as promised: an object's class tells how it was made.
    unsafe {
        let block = ffi::lua_touserdata(lua, argument);
        if !block.is_null() && ffi::lua_getmetatable(lua, argument) != 0 {
            for class in [WORD, WINDOW] {
                ffi::lua_getfield_(lua, ffi::LUA_REGISTRYINDEX, class.as_ptr());
                let is_class = ffi::lua_rawequal(lua, -1, -2) != 0;
                ffi::lua_pop(lua, 1);
                if is_class {
                    ffi::lua_pop(lua, 1);
                    return if class == WORD { word::of(block) } else { window::Window::of(block).word() };
                }
            }
        }
        // The second "expected" is Lua's.
        ffi::luaL_typerror(lua, argument, c"sax.window or sax.word expected".as_ptr());
        Word { count: 0, cardinality: 2, symbols: &[] }
    }
}

/// Lua: `mindist(a, b)`. Returns the least distance of the series behind two words, and its shares above and below;
/// nil if they cannot be compared.
unsafe extern "C-unwind" fn mindist(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe {
        check(lua, ffi::lua_gettop(lua) == 2, 0, WRONG_ARGS);
        let (a, b) = (check_word(lua, 1), check_word(lua, 2));
        let Some(distances) = a.distances(&b) else {
            ffi::lua_pushnil(lua);
            return 1;
        };
        distances.iter().for_each(|distance| ffi::lua_pushnumber(lua, *distance));
        3
    }
}

/// Lua: `version()`.
unsafe extern "C-unwind" fn version(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe { ffi::lua_pushstring_(lua, c"0.4.0".as_ptr()) };
    1
}

/// Lua: `a == b`, of words and windows.
unsafe extern "C-unwind" fn equal(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe {
        check(lua, ffi::lua_gettop(lua) == 2, 0, WRONG_ARGS);
        let (a, b) = (check_word(lua, 1), check_word(lua, 2));
        let are_equal = a.cardinality == b.cardinality && a.symbols == b.symbols;
        ffi::lua_pushboolean(lua, are_equal.into());
        1
    }
}

/// Lua: `tostring(object)`.
unsafe extern "C-unwind" fn to_string(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`; the text lies in the host.
    unsafe {
        let word = check_word(lua, 1);
        let text = &mut Host::of(lua).scratch;
        text.clear();
        text.extend(word.symbols.iter().map(|symbol| letter(*symbol, word.cardinality)));
        push_gathered(lua, |host| &mut host.scratch);
        1
    }
}

/// Writes the letters to the output.
unsafe extern "C-unwind" fn output(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe {
        let word = check_word(lua, 1);
        let written = word.symbols.chunks(256).try_for_each(|symbols| {
            let mut letters = [0; 256];
            for (to, symbol) in letters.iter_mut().zip(symbols) {
                *to = letter(*symbol, word.cardinality);
            }
            put(Host::of(lua), &letters[..symbols.len()])
        });
        finish_output(lua, written)
    }
}
