//! `select`: waits for several sockets at once.

use std::ffi::{CStr, c_int};
use std::time::Duration;

use mlua::ffi::{self, lua_State};

use super::wait::{FOREVER_S, Patience};
use crate::host::{Host, raise};

/// Sockets that one call can wait for.
pub(super) const MOST: usize = 1024;

/// Lua: `select(receivers, senders [, seconds])`: tables of those that are ready to be read and written, each by
/// position and by socket, and `timeout` if there are none.
pub(super) unsafe extern "C-unwind" fn select(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping. The polled descriptors lie in an object of Lua's.
    unsafe {
        let seconds =
            if ffi::lua_type(lua, 3) <= ffi::LUA_TNIL { -1.0 } else { ffi::luaL_checknumber(lua, 3) };
        ffi::lua_settop(lua, 3);
        let block = ffi::lua_newuserdata(lua, 2 * MOST * size_of::<libc::pollfd>()).cast::<libc::pollfd>();
        block.write_bytes(0, 2 * MOST);
        let polled = std::slice::from_raw_parts_mut(block, 2 * MOST);
        let (receivers, dirty) = gather(lua, 1, libc::POLLIN, &mut polled[..MOST]);
        let (senders, _) = gather(lua, 2, libc::POLLOUT, &mut polled[receivers..][..MOST]);
        let left = match seconds {
            _ if dirty > 0 => Some(Duration::ZERO),
            ..0.0 => None,
            seconds => Some(Duration::from_secs_f64(seconds.min(FOREVER_S))),
        };
        let polled = &mut polled[..receivers + senders];
        let ready = match Patience::of(Host::of(lua)).poll(polled, left) {
            Ok(ready) => ready,
            Err(super::failure::Failure::Timeout) => 0,
            Err(why) => {
                why.push_text(lua);
                ffi::lua_error(lua);
            }
        };
        push_ready(lua, 1, &polled[..receivers], true);
        push_ready(lua, 2, &polled[receivers..], false);
        if ready == 0 && dirty == 0 {
            ffi::lua_pushstring_(lua, c"timeout".as_ptr());
            return 3;
        }
        2
    }
}

/// Calls a method of the socket on top of the stack; its result is pushed, or nil if there is no such method.
unsafe fn ask(lua: *mut lua_State, method: &CStr) {
    // SAFETY: see `select`.
    unsafe {
        ffi::lua_getfield_(lua, -1, method.as_ptr());
        if ffi::lua_type(lua, -1) != ffi::LUA_TNIL {
            ffi::lua_pushvalue(lua, -2);
            ffi::lua_call(lua, 1, 1);
        }
    }
}

/// Fills in one entry for each socket of the table at `index`. How many there are, and how many have buffered data.
unsafe fn gather(
    lua: *mut lua_State,
    index: c_int,
    events: i16,
    polled: &mut [libc::pollfd],
) -> (usize, usize) {
    // SAFETY: see `select`. Methods of the script's own may run and raise.
    unsafe {
        let (mut count, mut dirty) = (0, 0);
        if ffi::lua_type(lua, index) <= ffi::LUA_TNIL {
            return (0, 0);
        }
        ffi::luaL_checktype(lua, index, ffi::LUA_TTABLE);
        loop {
            ffi::lua_rawgeti_(lua, index, c_int::try_from(count).unwrap_or(0) + 1);
            if ffi::lua_type(lua, -1) == ffi::LUA_TNIL {
                ffi::lua_pop(lua, 1);
                return (count, dirty);
            }
            let Some(entry) = polled.get_mut(count) else {
                raise(lua, format_args!("too many sockets"));
            };
            ask(lua, c"getfd");
            // Entries with a negative descriptor are passed over by the system.
            let is_number = ffi::lua_isnumber(lua, -1) != 0;
            entry.fd = if is_number { ffi::lua_tonumber(lua, -1) as c_int } else { -1 };
            entry.events = events;
            ffi::lua_pop(lua, 1);
            if events == libc::POLLIN {
                ask(lua, c"dirty");
                if ffi::lua_toboolean(lua, -1) != 0 {
                    // Read off again by `push_ready`.
                    entry.events |= DIRTY;
                    dirty += 1;
                }
                ffi::lua_pop(lua, 1);
            }
            ffi::lua_pop(lua, 1);
            count += 1;
        }
    }
}

/// Marks an entry whose socket has buffered data; asks the system for nothing more.
const DIRTY: i16 = libc::POLLRDNORM;

/// Pushes a table of the ready ones of the table at `index`.
unsafe fn push_ready(lua: *mut lua_State, index: c_int, polled: &[libc::pollfd], receiving: bool) {
    // SAFETY: see `select`.
    unsafe {
        ffi::lua_createtable(lua, 0, 0);
        let mut count: c_int = 0;
        for (entry, at) in polled.iter().zip(1..) {
            let is_dirty = receiving && entry.events & DIRTY != 0;
            // A closed descriptor is no socket any more.
            if !is_dirty && (entry.revents == 0 || entry.revents & libc::POLLNVAL != 0) {
                continue;
            }
            count += 1;
            ffi::lua_rawgeti_(lua, index, at);
            ffi::lua_pushvalue(lua, -1);
            ffi::lua_rawseti_(lua, -3, count);
            ffi::lua_pushinteger(lua, count.into());
            ffi::lua_rawset(lua, -3);
        }
    }
}
