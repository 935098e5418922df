//! The `mime.core` module: transfer encodings in pieces, as LuaSocket 3.0-rc1 has them.
//!
//! Each function takes what was left over of the last piece and the next piece, and gives what it made and what is left
//! over now; nil as the next piece asks for the end.

mod base64;
mod lines;
mod quoted;
#[cfg(test)]
mod tests;

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::binding::{Function, put_functions};
use super::socket::push_shared_table;
use crate::host::{Host, bytes_at, check_bytes, push_bytes, push_gathered};

const FUNCTIONS: [Function; 8] = [
    (c"dot", lines::dot),
    (c"b64", base64::b64),
    (c"eol", lines::eol),
    (c"qp", quoted::qp),
    (c"qpwrp", lines::qpwrp),
    (c"unb64", base64::unb64),
    (c"unqp", quoted::unqp),
    (c"wrp", lines::wrp),
];

const CRLF: &[u8] = b"\r\n";

/// Opens the module. Like the original it is `mime` already, as a global and for `require`.
pub(super) unsafe extern "C-unwind" fn open(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping. So it is for all functions below this module.
    unsafe {
        ffi::lua_settop(lua, 0);
        push_shared_table(lua, c"mime");
        put_functions(lua, &FUNCTIONS);
        ffi::lua_pushstring_(lua, c"MIME 1.0.3".as_ptr());
        ffi::lua_setfield(lua, -2, c"_VERSION".as_ptr());
        1
    }
}

/// An optional text.
unsafe fn text<'a>(lua: *mut lua_State, argument: c_int) -> Option<&'a [u8]> {
    // SAFETY: see `open`; good while the argument is on the stack.
    unsafe {
        match ffi::lua_type(lua, argument) {
            ..=ffi::LUA_TNIL => None,
            ffi::LUA_TSTRING => Some(bytes_at(lua, argument)),
            _ => Some(check_bytes(lua, argument)),
        }
    }
}

/// A codec that works on a few bytes at a time.
trait Pieces: Default {
    /// Takes one byte.
    fn put(&mut self, byte: u8, out: &mut Vec<u8>);
    /// Writes what is held back at the end of the data.
    fn finish(&mut self, out: &mut Vec<u8>);
    /// What is held back.
    fn rest(&self) -> &[u8];
}

/// Runs a codec on the arguments 1 and 2; pushes what it made and what it holds back.
unsafe fn run<P: Pieces>(lua: *mut lua_State, mut pieces: P) -> c_int {
    // SAFETY: see `open`; what is made is gathered in the host.
    unsafe {
        let (Some(first), second) = (text(lua, 1), text(lua, 2)) else {
            ffi::lua_pushnil(lua);
            ffi::lua_pushnil(lua);
            return 2;
        };
        let limit = Host::memory_limit(lua);
        let out = &mut Host::of(lua).scratch;
        out.clear();
        for &byte in first.iter().chain(second.unwrap_or_default()) {
            if out.len() > limit {
                // It could not be pushed; what Lua says then is said by pushing it.
                break;
            }
            pieces.put(byte, out);
        }
        if second.is_none() {
            pieces.finish(out);
        }
        if second.is_none() && Host::of(lua).scratch.is_empty() {
            ffi::lua_pushnil(lua);
        } else {
            push_gathered(lua, |host| &mut host.scratch);
        }
        match second {
            None => ffi::lua_pushnil(lua),
            Some(_) => push_bytes(lua, pieces.rest()),
        }
        2
    }
}
