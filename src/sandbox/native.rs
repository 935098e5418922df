//! Modules written in Rust, by the names of the C modules that they replace.

use mlua::ffi::lua_CFunction;

/// The opening function of a module.
pub(crate) fn module(name: &str) -> Option<lua_CFunction> {
    Some(match name {
        "lpeg" => heka_lpeg::luaopen_lpeg,
        "re" => heka_lpeg::luaopen_re,
        _ => return None,
    })
}
