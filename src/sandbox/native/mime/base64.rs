//! Base64.

use std::ffi::c_int;

use mlua::ffi::lua_State;

use super::{Pieces, run};

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Lua: `b64(rest, piece)`.
pub(super) unsafe extern "C-unwind" fn b64(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function.
    unsafe { run(lua, Encode::default()) }
}

/// Lua: `unb64(rest, piece)`.
pub(super) unsafe extern "C-unwind" fn unb64(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function.
    unsafe { run(lua, Decode::default()) }
}

#[derive(Default)]
struct Encode {
    held: [u8; 3],
    count: usize,
}

fn digits(bytes: [u8; 3]) -> [u8; 4] {
    let bits = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
    [18, 12, 6, 0].map(|shift| DIGITS[(bits >> shift) as usize & 63])
}

impl Pieces for Encode {
    fn put(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.held[self.count] = byte;
        self.count += 1;
        if self.count == 3 {
            out.extend_from_slice(&digits(self.held));
            self.count = 0;
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.count > 0 {
            self.held[self.count..].fill(0);
            let mut last = digits(self.held);
            last[self.count + 1..].fill(b'=');
            out.extend_from_slice(&last);
        }
    }

    fn rest(&self) -> &[u8] {
        &self.held[..self.count]
    }
}

#[derive(Default)]
struct Decode {
    held: [u8; 4],
    count: usize,
}

fn value(digit: u8) -> Option<u32> {
    DIGITS.iter().position(|known| *known == digit).and_then(|at| u32::try_from(at).ok())
}

impl Pieces for Decode {
    fn put(&mut self, byte: u8, out: &mut Vec<u8>) {
        // What is no digit is passed over; the sign for padding is one here.
        if byte != b'=' && value(byte).is_none() {
            return;
        }
        self.held[self.count] = byte;
        self.count += 1;
        if self.count == 4 {
            let bits = self.held.iter().fold(0, |bits, digit| bits << 6 | value(*digit).unwrap_or(0));
            let [_, bytes @ ..] = bits.to_be_bytes();
            let valid = match self.held {
                [_, _, b'=', _] => 1,
                [_, _, _, b'='] => 2,
                _ => 3,
            };
            out.extend_from_slice(&bytes[..valid]);
            self.count = 0;
        }
    }

    fn finish(&mut self, _: &mut Vec<u8>) {}

    fn rest(&self) -> &[u8] {
        &self.held[..self.count]
    }
}
