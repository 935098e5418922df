//! Lua values as JSON.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use super::config::{AS_NAMES, Config, REFUSED};
use super::number;
use super::quoting::put_string;
use super::{DEEPEST, WORK_PER_BYTE};
use crate::budget;
use crate::host::{Host, bytes_at, push_gathered, raise};
use crate::native::binding::{check, out_of_memory};
use crate::output::Output;

/// Room that is kept free for a number.
const NUMBER_ROOM: usize = 32;
/// A string may need so many times its length.
const WORST: usize = 6;
/// Bytes of the buffer that are kept from one call to the next.
const KEPT: usize = 1024 * 1024;

/// Lua: `encode(value)`.
pub(super) unsafe extern "C-unwind" fn encode(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping, the text lies in the host.
    unsafe {
        check(lua, ffi::lua_gettop(lua) == 1, 1, c"expected 1 argument");
        let Host { output, scratch, .. } = Host::of(lua);
        scratch.clear();
        let most = Host::memory_limit(lua);
        let mut encoder = Encoder { lua, config: Config::of(lua), output, out: scratch, most };
        encoder.value(0);
        encoder.charge();
        push_gathered(lua, |host| &mut host.scratch);
        Host::of(lua).scratch.shrink_to(KEPT);
        1
    }
}

/// Works on the value on top of the stack. Nothing here calls into Lua code, so the host stays ours.
struct Encoder<'a> {
    lua: *mut lua_State,
    config: &'a Config,
    /// Knows the limit.
    output: &'a Output,
    out: &'a mut Vec<u8>,
    /// Bytes that the script's memory has room for.
    most: usize,
}

impl Encoder<'_> {
    /// Raises an error unless `more` bytes may follow.
    #[inline]
    unsafe fn reserve(&mut self, more: usize) {
        let total = self.out.len().saturating_add(more);
        // What the output holds is not ours: only its limit counts.
        let fits = total.checked_sub(self.output.len()).is_none_or(|rest| self.output.has_room(rest));
        if !fits || self.out.len() > self.most {
            // SAFETY: as for `encode`.
            unsafe { self.refuse_length(fits) };
        }
    }

    /// Raises the error of a text that is too long for the output, or fits there but not into the memory.
    #[cold]
    unsafe fn refuse_length(&self, fits: bool) -> ! {
        // SAFETY: as for `encode`.
        unsafe {
            self.charge();
            if fits {
                out_of_memory(self.lua);
            }
            raise(self.lua, format_args!("strbuf output_limit exceeded"))
        }
    }

    unsafe fn charge(&self) {
        // SAFETY: as for `encode`.
        unsafe { budget::charge(self.lua, self.out.len().saturating_mul(WORK_PER_BYTE)) };
    }

    #[inline]
    unsafe fn put(&mut self, text: &[u8]) {
        // SAFETY: as for `encode`.
        unsafe { self.reserve(text.len()) };
        self.out.extend_from_slice(text);
    }

    unsafe fn value(&mut self, depth: c_int) {
        // SAFETY: as for `encode`; the value is on top of the stack.
        unsafe {
            match ffi::lua_type(self.lua, -1) {
                ffi::LUA_TSTRING => self.string(-1),
                ffi::LUA_TNUMBER => self.number(-1),
                ffi::LUA_TBOOLEAN => {
                    let truth = ffi::lua_toboolean(self.lua, -1) != 0;
                    self.put(if truth { b"true" } else { b"false" });
                }
                ffi::LUA_TTABLE => self.table(depth + 1),
                ffi::LUA_TNIL => self.put(b"null"),
                ffi::LUA_TLIGHTUSERDATA if ffi::lua_touserdata(self.lua, -1).is_null() => self.put(b"null"),
                _ => self.refuse(-1, "type not supported"),
            }
        }
    }

    unsafe fn table(&mut self, depth: c_int) {
        // SAFETY: as for `value`.
        unsafe {
            let most = self.config.encode_max_depth.min(DEEPEST);
            if depth > most || ffi::lua_checkstack(self.lua, 4) == 0 {
                self.charge();
                raise(self.lua, format_args!("Cannot serialise, excessive nesting ({depth})"));
            }
            match self.array_length() {
                Some(length) if length > 0 => self.array(length, depth),
                _ => self.object(depth),
            }
        }
    }

    /// The largest index if all keys are whole numbers from 1 up and there are not too many holes.
    unsafe fn array_length(&self) -> Option<c_int> {
        // SAFETY: as for `value`.
        unsafe {
            let (mut last, mut count) = (0.0, 0.0);
            ffi::lua_pushnil(self.lua);
            while ffi::lua_next(self.lua, -2) != 0 {
                let is_number = ffi::lua_type(self.lua, -2) == ffi::LUA_TNUMBER;
                let key = if is_number { ffi::lua_tonumber(self.lua, -2) } else { 0.0 };
                // Larger numbers are rather names, of times for example.
                if key < 1.0 || key.floor() != key || key > f64::from(c_int::MAX) {
                    ffi::lua_pop(self.lua, 2);
                    return None;
                }
                last = f64::max(last, key);
                count += 1.0;
                ffi::lua_pop(self.lua, 1);
            }
            let ratio = f64::from(self.config.sparse_ratio);
            let is_sparse = ratio > 0.0 && last > count * ratio && last > f64::from(self.config.sparse_safe);
            if is_sparse && self.config.sparse_convert == 0 {
                budget::charge(self.lua, (count as usize).saturating_mul(2 * WORK_PER_BYTE));
                self.refuse(-1, "excessively sparse array");
            }
            (!is_sparse).then_some(last as c_int)
        }
    }

    unsafe fn array(&mut self, length: c_int, depth: c_int) {
        // SAFETY: as for `value`; `table` made room on the stack.
        unsafe {
            self.put(b"[");
            for index in 1..=length {
                if index > 1 {
                    self.put(b",");
                }
                ffi::lua_rawgeti_(self.lua, -1, index);
                self.value(depth);
                ffi::lua_pop(self.lua, 1);
            }
            self.put(b"]");
        }
    }

    unsafe fn object(&mut self, depth: c_int) {
        // SAFETY: as for `array`.
        unsafe {
            self.put(b"{");
            let mut is_first = true;
            ffi::lua_pushnil(self.lua);
            while ffi::lua_next(self.lua, -2) != 0 {
                if !is_first {
                    self.put(b",");
                }
                is_first = false;
                match ffi::lua_type(self.lua, -2) {
                    ffi::LUA_TNUMBER => {
                        self.put(b"\"");
                        self.number(-2);
                        self.put(b"\":");
                    }
                    ffi::LUA_TSTRING => {
                        self.string(-2);
                        self.put(b":");
                    }
                    _ => self.refuse(-2, "table key must be a number or string"),
                }
                self.value(depth);
                ffi::lua_pop(self.lua, 1);
            }
            self.put(b"}");
        }
    }

    unsafe fn number(&mut self, index: c_int) {
        // SAFETY: as for `value`; the value is a number.
        unsafe {
            let number = ffi::lua_tonumber(self.lua, index);
            if number.is_finite() {
                self.reserve(NUMBER_ROOM);
                return number::put(self.out, number, self.config.precision);
            }
            match self.config.encode_invalid {
                REFUSED => self.refuse(index, "must not be NaN or Infinity"),
                AS_NAMES if number.is_nan() => self.put(b"NaN"),
                AS_NAMES => self.put(if number < 0.0 { b"-Infinity" } else { b"Infinity" }),
                _ => self.put(b"null"),
            }
        }
    }

    unsafe fn string(&mut self, index: c_int) {
        // SAFETY: as for `value`; the value is a string, which stays where it is.
        unsafe {
            let text = bytes_at(self.lua, index);
            self.reserve(text.len().saturating_mul(WORST).saturating_add(2));
            put_string(self.out, text);
        }
    }

    unsafe fn refuse(&self, index: c_int, why: &str) -> ! {
        // SAFETY: as for `value`; type names are constants.
        unsafe {
            self.charge();
            let name = ffi::lua_typename(self.lua, ffi::lua_type(self.lua, index));
            let name = CStr::from_ptr(name).to_str().unwrap_or_default();
            raise(self.lua, format_args!("Cannot serialise {name}: {why}"))
        }
    }
}
