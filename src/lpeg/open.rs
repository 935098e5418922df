//! Opening the libraries in a Lua state.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_CFunction, lua_State};

use crate::charset::Charset;
use crate::matching::{self, lua_match, lua_set_max_stack};
use crate::ops::lua_functions;
use crate::pattern::Pattern;
use crate::state::{PATTERN_TYPE, State};
use crate::vm::{MAX_STACK_FIELD, MIN_STACK};
use crate::{captures, charge, ops};

/// What `lpeg.version()` returns: the version whose behaviour this library has.
const VERSION: &[u8] = b"0.12";

const RE_SOURCE: &str = include_str!("re.lua");

const FUNCTIONS: [(&CStr, lua_CFunction); 21] = [
    (c"ptree", lua_debug_only),
    (c"pcode", lua_debug_only),
    (c"B", ops::lua_behind),
    (c"V", ops::lua_variable),
    (c"C", captures::lua_simple),
    (c"Cc", captures::lua_const),
    (c"Cmt", captures::lua_match_time),
    (c"Cb", captures::lua_backref),
    (c"Carg", captures::lua_arg),
    (c"Cp", captures::lua_position),
    (c"Cs", captures::lua_subst),
    (c"Ct", captures::lua_table),
    (c"Cf", captures::lua_fold),
    (c"Cg", captures::lua_group),
    (c"P", ops::lua_p),
    (c"S", ops::lua_set),
    (c"R", ops::lua_range),
    (c"locale", lua_locale),
    (c"version", lua_version),
    (c"setmaxstack", lua_set_max_stack),
    (c"type", ops::lua_type),
];

const METAMETHODS: [(&CStr, lua_CFunction); 7] = [
    (c"__mul", ops::lua_seq),
    (c"__add", ops::lua_choice),
    (c"__sub", ops::lua_minus),
    (c"__pow", ops::lua_power),
    (c"__div", captures::lua_div),
    (c"__len", ops::lua_and),
    (c"__unm", ops::lua_not),
];

type Class = fn(&u8) -> bool;

/// The character classes of the C locale, as `isalpha` and its kin have them.
const CLASSES: [(&CStr, Class); 11] = [
    (c"alnum", u8::is_ascii_alphanumeric),
    (c"alpha", u8::is_ascii_alphabetic),
    (c"cntrl", u8::is_ascii_control),
    (c"digit", u8::is_ascii_digit),
    (c"graph", u8::is_ascii_graphic),
    (c"lower", u8::is_ascii_lowercase),
    (c"print", |b| matches!(b, b' '..=b'~')),
    (c"punct", u8::is_ascii_punctuation),
    // `isspace` counts the vertical tab.
    (c"space", |b| matches!(b, b'\t'..=b'\r' | b' ')),
    (c"upper", u8::is_ascii_uppercase),
    (c"xdigit", u8::is_ascii_hexdigit),
];

lua_functions! {
    /// Opens the library: sets the global `lpeg` and `package.loaded.lpeg`, and returns the table.
    open_lpeg => register;
    /// Opens the `re` module: sets the global `re` and returns the table.
    open_re => load_re;
    /// `lpeg.version()`
    lua_version => version;
    /// `lpeg.locale([table])`
    lua_locale => locale;
    /// `lpeg.ptree(p)` and `lpeg.pcode(p)`: as in an original that was not built for debugging.
    lua_debug_only => debug_only;
}

/// Opens `lpeg`, as `luaopen_lpeg` of the C library does: sets the global `lpeg` and `package.loaded.lpeg`, and returns
/// the table.
///
/// # Safety
/// `raw` must be a valid Lua 5.1 state with room on its stack, inside a protected call: memory errors are raised.
#[allow(non_snake_case)]
pub unsafe extern "C-unwind" fn luaopen_lpeg(raw: *mut lua_State) -> c_int {
    // SAFETY: the same contract.
    unsafe { open_lpeg(raw) }
}

/// Opens `re`: sets the global `re` and returns the table. It `require`s `lpeg`, or takes the global of that name where
/// there is no `require`.
///
/// # Safety
/// As for [`luaopen_lpeg`].
#[allow(non_snake_case)]
pub unsafe extern "C-unwind" fn luaopen_re(raw: *mut lua_State) -> c_int {
    // SAFETY: the same contract.
    unsafe { open_re(raw) }
}

/// Makes `lpeg` and `re` known to a Lua state: to `require` by way of `package.preload` if the state has such a
/// table, and as globals at once otherwise.
///
/// # Errors
/// Whatever Lua raises, in practice only a lack of memory.
pub fn open(lua: &mlua::Lua) -> mlua::Result<()> {
    // SAFETY: both functions are made for this.
    let (lpeg, re) = unsafe { (lua.create_c_function(luaopen_lpeg)?, lua.create_c_function(luaopen_re)?) };
    let package = lua.globals().get::<Option<mlua::Table>>("package")?;
    match package.map(|package| package.get::<Option<mlua::Table>>("preload")).transpose()?.flatten() {
        Some(preload) => {
            preload.set("lpeg", lpeg)?;
            preload.set("re", re)
        }
        None => {
            lpeg.call::<()>(())?;
            re.call::<()>(())
        }
    }
}

fn register(l: State) -> c_int {
    l.new_metatable(PATTERN_TYPE);
    let metatable = l.top();
    for (name, function) in METAMETHODS {
        l.push_closure(function, 0);
        l.set_field(metatable, name);
    }
    l.push_number(MIN_STACK as f64);
    l.set_field(ffi::LUA_REGISTRYINDEX, MAX_STACK_FIELD);
    l.register(c"lpeg");
    for (name, function) in FUNCTIONS {
        l.push_closure(function, 0);
        l.set_field(-2, name);
    }
    l.push_value(metatable);
    (0..matching::SCRATCHES).for_each(|_| l.push_nil());
    charge::push(l);
    l.push_closure(lua_match, matching::UPVALUES);
    l.set_field(-2, c"match");
    l.push_value(-1);
    l.set_field(metatable, c"__index");
    1
}

fn load_re(l: State) -> c_int {
    l.load(RE_SOURCE.as_bytes(), c"=re.lua");
    l.call(0, 1);
    l.push_value(-1);
    l.set_field(ffi::LUA_GLOBALSINDEX, c"re");
    1
}

fn version(l: State) -> c_int {
    l.push_bytes(VERSION);
    1
}

fn debug_only(l: State) -> c_int {
    l.error(c"function only implemented in debug mode")
}

/// Adds the character classes of the C locale to a table.
fn locale(l: State) -> c_int {
    if l.is_none_or_nil(1) {
        l.set_top(0);
        l.create_table(0, 12);
    } else {
        l.check_type(1, ffi::LUA_TTABLE);
        l.set_top(1);
    }
    for (name, accepts) in CLASSES {
        Pattern::push_charset(l, Charset::of(|b| accepts(&b)));
        l.set_field(-2, name);
    }
    1
}
