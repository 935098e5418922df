//! Settings of the module, and the functions that read and change them. Each returns what holds afterwards.
//!
//! An argument that is missing is an error, and nil asks for the setting as it is. Results are pushed as they come, so
//! that `encode_sparse_array`, given too few arguments, takes its first result for the argument that is missing; it
//! always did.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use crate::native::binding::{check, check_option};

/// How numbers that JSON does not have are written.
pub(super) const REFUSED: c_int = 0;
pub(super) const AS_NAMES: c_int = 1;

/// The settings; an upvalue of all functions of the module.
pub(super) struct Config {
    pub(super) sparse_convert: c_int,
    pub(super) sparse_ratio: c_int,
    pub(super) sparse_safe: c_int,
    pub(super) encode_max_depth: c_int,
    pub(super) decode_max_depth: c_int,
    /// Significant digits of numbers.
    pub(super) precision: c_int,
    /// [`REFUSED`], [`AS_NAMES`], or as null.
    pub(super) encode_invalid: c_int,
    pub(super) decode_invalid: c_int,
    /// Whether JSON's null becomes `cjson.null` and not nil.
    pub(super) decode_null: c_int,
}

/// Pushes settings as they are at first.
///
/// # Safety
/// Called from a host function; may raise a memory error.
pub(super) unsafe fn push(lua: *mut lua_State) {
    // SAFETY: the block is large enough, and aligned as Lua aligns userdata.
    unsafe {
        ffi::lua_newuserdata(lua, size_of::<Config>()).cast::<Config>().write(Config {
            sparse_convert: 0,
            sparse_ratio: 2,
            sparse_safe: 10,
            encode_max_depth: 1000,
            decode_max_depth: 1000,
            precision: 14,
            encode_invalid: REFUSED,
            decode_invalid: 1,
            decode_null: 0,
        });
    }
}

impl Config {
    /// The settings of the running function.
    ///
    /// # Safety
    /// Called from a function of the module.
    pub(super) unsafe fn of<'a>(lua: *mut lua_State) -> &'a mut Config {
        // SAFETY: `open` gave each function this upvalue; plain numbers, used by one function at a time.
        unsafe { &mut *ffi::lua_touserdata(lua, ffi::lua_upvalueindex(1)).cast::<Config>() }
    }
}

const SWITCH: &[&CStr] = &[c"off", c"on"];
const INVALID: &[&CStr] = &[c"off", c"on", c"null"];

macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident($most:literal, $lua:ident, $config:ident) $body:block)*) => {
        $($(#[$doc])* pub(super) unsafe extern "C-unwind" fn $name($lua: *mut lua_State) -> c_int {
            // SAFETY: a host function; nothing on this frame needs dropping.
            unsafe {
                check($lua, ffi::lua_gettop($lua) <= $most, $most + 1, c"found too many arguments");
                let $config = Config::of($lua);
                $body
                $most
            }
        })*
    };
}

settings! {
    /// Lua: `encode_sparse_array(convert, ratio, safe)`.
    encode_sparse_array(3, lua, config) {
        choice(lua, 1, &mut config.sparse_convert, SWITCH);
        integer(lua, 2, &mut config.sparse_ratio, 0, c_int::MAX);
        integer(lua, 3, &mut config.sparse_safe, 0, c_int::MAX);
    }
    /// Lua: `encode_max_depth(levels)`.
    encode_max_depth(1, lua, config) {
        integer(lua, 1, &mut config.encode_max_depth, 1, c_int::MAX);
    }
    /// Lua: `decode_max_depth(levels)`.
    decode_max_depth(1, lua, config) {
        integer(lua, 1, &mut config.decode_max_depth, 1, c_int::MAX);
    }
    /// Lua: `encode_number_precision(digits)`.
    encode_number_precision(1, lua, config) {
        integer(lua, 1, &mut config.precision, 1, 17);
    }
    /// Lua: `encode_invalid_numbers(on)`.
    encode_invalid_numbers(1, lua, config) {
        choice(lua, 1, &mut config.encode_invalid, INVALID);
    }
    /// Lua: `decode_invalid_numbers(on)`.
    decode_invalid_numbers(1, lua, config) {
        choice(lua, 1, &mut config.decode_invalid, SWITCH);
    }
    /// Lua: `decode_null(on)`.
    decode_null(1, lua, config) {
        choice(lua, 1, &mut config.decode_null, SWITCH);
    }
}

unsafe fn integer(lua: *mut lua_State, argument: c_int, setting: &mut c_int, least: c_int, most: c_int) {
    // SAFETY: as for the functions above; the text is Lua's.
    unsafe {
        if ffi::lua_type(lua, argument) != ffi::LUA_TNIL {
            let value = ffi::luaL_checkinteger(lua, argument) as c_int;
            if value < least || value > most {
                let format = c"expected integer between %d and %d";
                let why = ffi::lua_pushfstring(lua, format.as_ptr(), least, most);
                // Always said of the first argument.
                ffi::luaL_argerror(lua, 1, why);
            }
            *setting = value;
        }
        ffi::lua_pushnumber(lua, f64::from(*setting));
    }
}

unsafe fn choice(lua: *mut lua_State, argument: c_int, setting: &mut c_int, names: &[&CStr]) {
    // SAFETY: as for the functions above.
    unsafe {
        match ffi::lua_type(lua, argument) {
            ffi::LUA_TNIL => {}
            ffi::LUA_TBOOLEAN => *setting = ffi::lua_toboolean(lua, argument),
            _ => *setting = check_option(lua, argument, None, names) as c_int,
        }
        match *setting {
            0 | 1 => ffi::lua_pushboolean(lua, *setting),
            // The only setting beyond on and off.
            _ => ffi::lua_pushstring_(lua, c"null".as_ptr()),
        }
    }
}
