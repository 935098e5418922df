//! Format texts: a letter an item, with an optional number behind it.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use crate::host::{check_bytes, raise, until_nul};

/// Largest integer in bytes.
pub(super) const LARGEST_INTEGER: usize = 32;
/// What `!` aligns to without a number.
const NATIVE_ALIGNMENT: usize = 8;
/// Numbers in formats stop growing here.
const LARGEST_NUMBER: usize = c_int::MAX as usize;

/// A letter of the format, and its size in bytes.
#[derive(Clone, Copy)]
pub(super) struct Item {
    pub(super) letter: u8,
    pub(super) size: usize,
}

/// Goes through a format.
pub(super) struct Format<'a> {
    lua: *mut lua_State,
    rest: &'a [u8],
    pub(super) big_endian: bool,
    align: usize,
}

impl<'a> Format<'a> {
    /// The format in argument 1.
    ///
    /// # Safety
    /// Called from a host function, with nothing on its frame that needs dropping, as all methods that raise.
    pub(super) unsafe fn check(lua: *mut lua_State) -> Format<'a> {
        // SAFETY: raises or returns.
        let rest = until_nul(unsafe { check_bytes(lua, 1) });
        Format { lua, rest, big_endian: cfg!(target_endian = "big"), align: 1 }
    }

    /// The next item.
    ///
    /// # Safety
    /// As [`Format::check`].
    pub(super) unsafe fn next(&mut self) -> Option<Item> {
        let (&letter, rest) = self.rest.split_first()?;
        self.rest = rest;
        let size = match letter {
            b'b' | b'B' => 1,
            b'h' | b'H' => 2,
            b'l' | b'L' | b'T' | b'd' => 8,
            b'f' => 4,
            b'x' | b'c' => self.number().unwrap_or(1),
            b'i' | b'I' => {
                let size = self.number().unwrap_or(4);
                if size > LARGEST_INTEGER {
                    let limit = LARGEST_INTEGER;
                    // SAFETY: as promised.
                    unsafe {
                        raise(self.lua, format_args!("integral size {size} is larger than limit of {limit}"))
                    };
                }
                size
            }
            _ => 0,
        };
        Some(Item { letter, size })
    }

    /// Bytes to leave out in front of an item at this offset.
    pub(super) fn padding(&self, offset: usize, item: Item) -> usize {
        if item.size == 0 || item.letter == b'c' {
            return 0;
        }
        let size = item.size.min(self.align);
        size.wrapping_sub(offset & (size - 1)) & (size - 1)
    }

    /// Obeys a letter that is no value.
    ///
    /// # Safety
    /// As [`Format::check`].
    pub(super) unsafe fn control(&mut self, letter: u8) {
        match letter {
            b' ' => {}
            b'>' => self.big_endian = true,
            b'<' => self.big_endian = false,
            b'!' => {
                let align = self.number().unwrap_or(NATIVE_ALIGNMENT);
                if !align.is_power_of_two() {
                    // SAFETY: as promised.
                    unsafe { raise(self.lua, format_args!("alignment {align} is not a power of 2")) };
                }
                self.align = align;
            }
            // SAFETY: as promised; the text is Lua's.
            _ => unsafe {
                let text = c"invalid format option '%c'";
                let why = ffi::lua_pushfstring(self.lua, text.as_ptr(), c_int::from(letter));
                ffi::luaL_argerror(self.lua, 1, why);
            },
        }
    }

    fn number(&mut self) -> Option<usize> {
        let length = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.rest.split_at(length);
        self.rest = rest;
        let number =
            |number: usize, digit: &u8| (number * 10 + usize::from(digit - b'0')).min(LARGEST_NUMBER);
        (length > 0).then(|| digits.iter().fold(0, number))
    }
}
