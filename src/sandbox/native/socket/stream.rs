//! A connected stream with its buffer: sending, and receiving by pattern.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::class::{Handle, open_fd};
use super::failure::Failure;
use super::wait::{Patience, now};
use crate::host::{Host, bytes_at, check_bytes};

/// Bytes of the buffer, and of one step of sending.
const STEP: usize = 8192;

/// A TCP socket.
#[repr(C)]
pub(super) struct Stream {
    pub(super) handle: Handle,
    /// When it was made, seconds since the epoch.
    pub(super) born: f64,
    pub(super) sent: f64,
    pub(super) received: f64,
    /// What is buffered: from here ...
    first: usize,
    /// ... up to here.
    last: usize,
    data: [u8; STEP],
}

impl Stream {
    pub(super) fn new(handle: Handle) -> Stream {
        Stream { handle, born: now(), sent: 0.0, received: 0.0, first: 0, last: 0, data: [0; STEP] }
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.first < self.last
    }

    /// Sends all of it; how much was taken, and why no more.
    fn send(&mut self, data: &[u8], patience: Patience<'_>) -> (usize, Result<(), Failure>) {
        let mut total = 0;
        while total < data.len() {
            let step = &data[total..data.len().min(total + STEP)];
            match self.send_some(step, patience) {
                Ok(count) => {
                    total += count;
                    self.sent += count as f64;
                }
                Err(why) => return (total, Err(why)),
            }
        }
        (total, Ok(()))
    }

    fn send_some(&self, data: &[u8], patience: Patience<'_>) -> Result<usize, Failure> {
        let fd = open_fd(&self.handle)?;
        loop {
            // SAFETY: pointer and length are of one slice.
            let count = unsafe { libc::send(fd, data.as_ptr().cast(), data.len(), libc::MSG_NOSIGNAL) };
            if let Ok(count) = usize::try_from(count) {
                return Ok(count);
            }
            match Failure::last() {
                Failure::Os(libc::EPIPE) => return Err(Failure::Closed),
                Failure::Os(libc::EINTR) => patience.check()?,
                Failure::Os(libc::EAGAIN) => {
                    self.handle.timeout.wait(fd, libc::POLLOUT, patience)?;
                }
                why => return Err(why),
            }
        }
    }

    /// Fills the empty buffer with what comes next.
    fn fill(&mut self, patience: Patience<'_>) -> Result<(), Failure> {
        let fd = open_fd(&self.handle)?;
        loop {
            // SAFETY: the buffer has so many bytes.
            let count = unsafe { libc::recv(fd, self.data.as_mut_ptr().cast(), STEP, 0) };
            match usize::try_from(count) {
                Ok(0) => return Err(Failure::Closed),
                Ok(count) => {
                    (self.first, self.last) = (0, count);
                    return Ok(());
                }
                Err(_) => match Failure::last() {
                    Failure::Os(libc::EINTR) => patience.check()?,
                    Failure::Os(libc::EAGAIN) => {
                        self.handle.timeout.wait(fd, libc::POLLIN, patience)?;
                    }
                    why => return Err(why),
                },
            }
        }
    }

    /// What is buffered; more is fetched if there is nothing.
    fn buffered(&mut self, patience: Patience<'_>) -> Result<&[u8], Failure> {
        if !self.is_dirty() {
            self.fill(patience)?;
        }
        Ok(&self.data[self.first..self.last])
    }

    fn skip(&mut self, count: usize) {
        self.first += count;
        self.received += count as f64;
    }
}

/// Lua: `client:send(data [, from [, to]])`.
///
/// # Safety
/// Called from a host function; `stream` is the object at 1.
pub(super) unsafe fn send(lua: *mut lua_State, stream: &mut Stream) -> c_int {
    // SAFETY: as promised; the data stay on the stack.
    unsafe {
        let data = check_bytes(lua, 2);
        let (first, last) = (ffi::luaL_optnumber(lua, 3, 1.0), ffi::luaL_optnumber(lua, 4, -1.0));
        let size = data.len() as i64;
        let place = |at: f64| if at < 0.0 { (size + at as i64 + 1).max(0) } else { at as i64 };
        let first = place(first).max(1);
        let last = place(last).min(size);
        let chosen = if first <= last { &data[first as usize - 1..last as usize] } else { &[] };
        stream.handle.timeout.begin();
        let (taken, done) = stream.send(chosen, Patience::of(Host::of(lua)));
        let place = (taken as i64 + first - 1) as f64;
        match done {
            Ok(()) => {
                ffi::lua_pushnumber(lua, place);
                1
            }
            Err(why) => {
                why.push(lua);
                ffi::lua_pushnumber(lua, place);
                3
            }
        }
    }
}

/// What `receive` is asked for.
#[derive(Clone, Copy)]
enum Pattern {
    Line,
    All,
    /// So many bytes more.
    Count(usize),
}

/// Lua: `client:receive([pattern [, prefix]])`.
///
/// # Safety
/// As [`send`].
pub(super) unsafe fn receive(lua: *mut lua_State, stream: &mut Stream) -> c_int {
    // SAFETY: as promised. What is received is gathered in a buffer of Lua's, which the memory limit bounds.
    unsafe {
        ffi::lua_settop(lua, 3);
        let prefix = if ffi::lua_type(lua, 3) <= ffi::LUA_TNIL { &[] } else { check_bytes(lua, 3) };
        let pattern = pattern(lua, prefix.len());
        stream.handle.timeout.begin();
        let mut gathered = std::mem::zeroed::<ffi::luaL_Buffer>();
        ffi::luaL_buffinit(lua, &raw mut gathered);
        ffi::luaL_addlstring(&raw mut gathered, prefix.as_ptr().cast(), prefix.len());
        let patience = Patience::of(Host::of(lua));
        let mut wanted = pattern;
        let mut anything = false;
        let done = loop {
            if matches!(wanted, Pattern::Count(0)) {
                break Ok(());
            }
            let bytes = match stream.buffered(patience) {
                Ok(bytes) => bytes,
                Err(Failure::Closed) if anything && matches!(wanted, Pattern::All) => break Ok(()),
                Err(why) => break Err(why),
            };
            anything = true;
            let (used, is_end) = take(&raw mut gathered, bytes, &mut wanted);
            stream.skip(used);
            if is_end {
                break Ok(());
            }
        };
        ffi::luaL_pushresult(&raw mut gathered);
        match done {
            Ok(()) => {
                ffi::lua_pushnil(lua);
                ffi::lua_pushnil(lua);
            }
            Err(why) => {
                why.push_text(lua);
                ffi::lua_pushvalue(lua, -2);
                ffi::lua_pushnil(lua);
                ffi::lua_replace(lua, -4);
            }
        }
        3
    }
}

/// Reads the pattern at 2; `have` bytes of a count are there already.
unsafe fn pattern(lua: *mut lua_State, have: usize) -> Pattern {
    // SAFETY: as for `receive`.
    unsafe {
        if ffi::lua_isnumber(lua, 2) != 0 {
            let count = ffi::lua_tonumber(lua, 2);
            if count < 0.0 {
                ffi::luaL_argerror(lua, 2, c"invalid receive pattern".as_ptr());
            }
            return Pattern::Count((count as usize).saturating_sub(have));
        }
        let name = if ffi::lua_type(lua, 2) <= ffi::LUA_TNIL { b"*l" } else { check_bytes(lua, 2) };
        match name {
            [b'*', b'l', ..] => Pattern::Line,
            [b'*', b'a', ..] => Pattern::All,
            _ => {
                ffi::luaL_argerror(lua, 2, c"invalid receive pattern".as_ptr());
                Pattern::Line
            }
        }
    }
}

/// Moves what belongs to the result; how many bytes were used, and whether the end of a line was among them.
unsafe fn take(gathered: *mut ffi::luaL_Buffer, bytes: &[u8], wanted: &mut Pattern) -> (usize, bool) {
    // SAFETY: the pieces are slices; the buffer is on top of the stack.
    unsafe {
        let add = |piece: &[u8]| ffi::luaL_addlstring(gathered, piece.as_ptr().cast(), piece.len());
        match wanted {
            Pattern::All => {
                add(bytes);
                (bytes.len(), false)
            }
            Pattern::Count(left) => {
                let piece = &bytes[..bytes.len().min(*left)];
                add(piece);
                *left -= piece.len();
                (piece.len(), false)
            }
            Pattern::Line => {
                let end = bytes.iter().position(|&byte| byte == b'\n');
                // Carriage returns are dropped wherever they stand.
                for piece in bytes[..end.unwrap_or(bytes.len())].split(|&byte| byte == b'\r') {
                    add(piece);
                }
                (end.map_or(bytes.len(), |end| end + 1), end.is_some())
            }
        }
    }
}

/// The bytes of an optional argument.
///
/// # Safety
/// As [`send`]; the slice is good while the argument is on the stack.
pub(super) unsafe fn optional_bytes<'a>(lua: *mut lua_State, argument: c_int) -> Option<&'a [u8]> {
    // SAFETY: as promised.
    unsafe {
        match ffi::lua_type(lua, argument) {
            ..=ffi::LUA_TNIL => None,
            ffi::LUA_TSTRING => Some(bytes_at(lua, argument)),
            _ => Some(check_bytes(lua, argument)),
        }
    }
}
