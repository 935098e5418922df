//! JSON as Lua values.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::config::Config;
use super::tokens::{Kind, Token, Tokens};
use super::{DEEPEST, WORK_PER_BYTE};
use crate::budget;
use crate::host::{Host, check_bytes, push_bytes, push_gathered, raise};
use crate::native::binding::check;

/// Lua: `decode(text)`.
pub(super) unsafe extern "C-unwind" fn decode(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping.
    unsafe {
        check(lua, ffi::lua_gettop(lua) == 1, 1, c"expected 1 argument");
        let text = check_bytes(lua, 1);
        if matches!(text, [0, _, ..] | [_, 0, ..]) {
            raise(lua, format_args!("JSON parser does not support UTF-16 or UTF-32"));
        }
        budget::charge(lua, text.len().saturating_mul(WORK_PER_BYTE));
        let config = Config::of(lua);
        let tokens = Tokens::new(text, config.decode_invalid != 0);
        let mut decoder = Decoder { lua, config, tokens, depth: 0 };
        let token = decoder.tokens.next();
        decoder.value(&token);
        let token = decoder.tokens.next();
        if !matches!(token.kind, Kind::End) {
            decoder.unexpected("the end", &token);
        }
        1
    }
}

struct Decoder<'a> {
    lua: *mut lua_State,
    config: &'a Config,
    tokens: Tokens<'a>,
    depth: c_int,
}

impl Decoder<'_> {
    /// Pushes the text of a string token.
    unsafe fn push_string(&self, start: usize, end: usize, is_escaped: bool) {
        // SAFETY: as for `decode`; the text is put together in the host.
        unsafe {
            let text = self.tokens.text(start, end);
            if !is_escaped {
                return push_bytes(self.lua, text);
            }
            let out = &mut Host::of(self.lua).scratch;
            out.clear();
            self.tokens.put_unescaped(start, end, out);
            push_gathered(self.lua, |host| &mut host.scratch);
        }
    }

    /// Pushes the value that starts with this token.
    unsafe fn value(&mut self, token: &Token) {
        // SAFETY: as for `decode`; `descend` made room on the stack.
        unsafe {
            match token.kind {
                Kind::String { start, end, is_escaped } => self.push_string(start, end, is_escaped),
                Kind::Number(number) => ffi::lua_pushnumber(self.lua, number),
                Kind::Boolean(truth) => ffi::lua_pushboolean(self.lua, truth.into()),
                Kind::ObjectBegin => self.object(),
                Kind::ArrayBegin => self.array(),
                Kind::Null if self.config.decode_null != 0 => {
                    ffi::lua_pushlightuserdata(self.lua, std::ptr::null_mut());
                }
                Kind::Null => ffi::lua_pushnil(self.lua),
                _ => self.unexpected("value", token),
            }
        }
    }

    unsafe fn object(&mut self) {
        // SAFETY: as for `value`.
        unsafe {
            self.descend();
            ffi::lua_createtable(self.lua, 0, 0);
            let mut token = self.tokens.next();
            if !matches!(token.kind, Kind::ObjectEnd) {
                loop {
                    let Kind::String { start, end, is_escaped } = token.kind else {
                        self.unexpected("object key string", &token)
                    };
                    self.push_string(start, end, is_escaped);
                    token = self.tokens.next();
                    if !matches!(token.kind, Kind::Colon) {
                        self.unexpected("colon", &token);
                    }
                    token = self.tokens.next();
                    self.value(&token);
                    ffi::lua_rawset(self.lua, -3);
                    token = self.tokens.next();
                    match token.kind {
                        Kind::Comma => token = self.tokens.next(),
                        Kind::ObjectEnd => break,
                        _ => self.unexpected("comma or object end", &token),
                    }
                }
            }
            self.depth -= 1;
        }
    }

    unsafe fn array(&mut self) {
        // SAFETY: as for `value`.
        unsafe {
            self.descend();
            ffi::lua_createtable(self.lua, 0, 0);
            let mut token = self.tokens.next();
            if !matches!(token.kind, Kind::ArrayEnd) {
                let mut index = 0;
                loop {
                    index += 1;
                    self.value(&token);
                    ffi::lua_rawseti_(self.lua, -2, index);
                    token = self.tokens.next();
                    match token.kind {
                        Kind::Comma => token = self.tokens.next(),
                        Kind::ArrayEnd => break,
                        _ => self.unexpected("comma or array end", &token),
                    }
                }
            }
            self.depth -= 1;
        }
    }

    unsafe fn descend(&mut self) {
        // SAFETY: as for `decode`.
        unsafe {
            self.depth += 1;
            let most = self.config.decode_max_depth.min(DEEPEST);
            if self.depth > most || ffi::lua_checkstack(self.lua, 4) == 0 {
                let (depth, at) = (self.depth, self.tokens.place());
                let what = "Found too many nested data structures";
                raise(self.lua, format_args!("{what} ({depth}) at character {at}"));
            }
        }
    }

    unsafe fn unexpected(&self, wanted: &str, token: &Token) -> ! {
        let (found, at) = (token.kind.name(), token.at + 1);
        // SAFETY: as for `decode`.
        unsafe { raise(self.lua, format_args!("Expected {wanted} but found {found} at character {at}")) }
    }
}
