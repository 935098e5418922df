//! Modules written in Rust, by the names of the C modules that they replace.

mod binding;
mod bloom_filter;
mod circular_buffer;
mod cjson;
mod cuckoo_filter;
#[cfg(test)]
mod filter_tests;
mod hash;
mod hyperloglog;
mod mime;
mod packing;
mod sax;
mod socket;
#[cfg(test)]
mod testing;

use mlua::ffi::lua_CFunction;

/// The opening function of a module.
pub(crate) fn module(name: &str) -> Option<lua_CFunction> {
    Some(match name {
        "bloom_filter" => bloom_filter::open,
        "circular_buffer" => circular_buffer::open,
        "cjson" => cjson::open,
        "cuckoo_filter" => cuckoo_filter::open,
        "hyperloglog" => hyperloglog::open,
        "lpeg" => heka_lpeg::luaopen_lpeg,
        "re" => heka_lpeg::luaopen_re,
        "sax" => sax::open,
        "struct" => packing::open,
        _ => return None,
    })
}

/// The opening function of a module of `lua_io_modules`. It makes its own global.
pub(crate) fn io_module(name: &str) -> Option<lua_CFunction> {
    Some(match name {
        "mime.core" => mime::open,
        "socket.core" => socket::open,
        _ => return None,
    })
}
