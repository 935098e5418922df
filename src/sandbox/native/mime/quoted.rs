//! Quoted-printable.

use std::ffi::c_int;

use mlua::ffi::lua_State;

use super::{CRLF, Pieces, run, text};

/// Lua: `qp(rest, piece [, marker])`; the marker is what a line's end becomes.
pub(super) unsafe extern "C-unwind" fn qp(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; the marker stays on the stack.
    unsafe {
        let marker = crate::host::until_nul(text(lua, 3).unwrap_or(CRLF));
        run(lua, Encode { marker, ..Encode::default() })
    }
}

/// Lua: `unqp(rest, piece)`.
pub(super) unsafe extern "C-unwind" fn unqp(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function.
    unsafe { run(lua, Decode::default()) }
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, 33..=60 | 62..=126)
}

fn put_quoted(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(&[b'=', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}

/// A blank is quoted at the end of a line only, so up to three bytes are held back: it, and what may be a line's end.
#[derive(Default)]
struct Encode<'a> {
    marker: &'a [u8],
    held: [u8; 3],
    count: usize,
}

impl Pieces for Encode<'_> {
    fn put(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.held[self.count] = byte;
        self.count += 1;
        while self.count > 0 {
            match self.held[..self.count] {
                [b'\r'] | [b'\t' | b' '] | [b'\t' | b' ', _] => return,
                [b'\r', b'\n', ..] => {
                    out.extend_from_slice(self.marker);
                    self.count = 0;
                    return;
                }
                [blank @ (b'\t' | b' '), b'\r', b'\n'] => {
                    put_quoted(blank, out);
                    out.extend_from_slice(self.marker);
                    self.count = 0;
                    return;
                }
                [first, ..] if is_plain(first) || matches!(first, b'\t' | b' ') => out.push(first),
                [first, ..] => put_quoted(first, out),
                [] => return,
            }
            self.held.rotate_left(1);
            self.count -= 1;
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        for &byte in &self.held[..self.count] {
            if is_plain(byte) { out.push(byte) } else { put_quoted(byte, out) }
        }
        if self.count > 0 {
            out.extend_from_slice(b"=\r\n");
        }
    }

    fn rest(&self) -> &[u8] {
        &self.held[..self.count]
    }
}

#[derive(Default)]
struct Decode {
    held: [u8; 3],
    count: usize,
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

impl Pieces for Decode {
    fn put(&mut self, byte: u8, out: &mut Vec<u8>) {
        self.held[self.count] = byte;
        self.count += 1;
        match self.held[..self.count] {
            [b'=' | b'\r'] | [b'=', _] => return,
            // A soft end of a line.
            [b'=', b'\r', b'\n'] => {}
            [b'=', high, low] => match (hex(high), hex(low)) {
                (Some(high), Some(low)) => out.push(high << 4 | low),
                _ => out.extend_from_slice(&self.held),
            },
            [b'\r', b'\n'] => out.extend_from_slice(CRLF),
            // A carriage return alone is dropped with what follows it.
            [b'\r', _] => {}
            [byte @ (b'\t' | 32..=126)] => out.push(byte),
            _ => {}
        }
        self.count = 0;
    }

    fn finish(&mut self, _: &mut Vec<u8>) {}

    fn rest(&self) -> &[u8] {
        &self.held[..self.count]
    }
}
