//! The methods of TCP sockets.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use super::address::{Address, family_name};
use super::class::{self, CLOSED, Handle, check_class, open_fd, set_class};
use super::failure::{Failure, push_done};
use super::options;
use super::stream::{self, Stream};
use super::tcp::{CLIENT, MASTER, Place, SERVER, accept_from, bind_to, connect_to, push};
use super::wait::{Patience, now};
use crate::host::Host;
use crate::native::binding::{Function, check_option};

const ANY: [&CStr; 3] = [MASTER, CLIENT, SERVER];

const METHODS: [Function; 21] = [
    (c"accept", accept),
    (c"bind", bind),
    (c"close", close),
    (c"connect", connect),
    (c"dirty", dirty),
    (c"getfamily", getfamily),
    (c"getfd", getfd),
    (c"getoption", getoption),
    (c"getpeername", getpeername),
    (c"getsockname", getsockname),
    (c"getstats", getstats),
    (c"listen", listen),
    (c"receive", receive),
    (c"send", send),
    (c"setfd", setfd),
    (c"setoption", setoption),
    (c"setpeername", connect),
    (c"setsockname", bind),
    (c"setstats", setstats),
    (c"settimeout", settimeout),
    (c"shutdown", shutdown),
];

/// Makes the classes.
///
/// # Safety
/// Called from a host function, with four free slots of the stack.
pub(super) unsafe fn register(lua: *mut lua_State) {
    // SAFETY: as promised.
    unsafe {
        for class in ANY {
            class::register(lua, class, &METHODS, close);
        }
    }
}

unsafe fn check<'a>(lua: *mut lua_State) -> &'a mut Stream {
    // SAFETY: all classes have streams. So it is in all methods, which are host functions with nothing on their frames
    // that needs dropping.
    unsafe { check_class(lua, &ANY, c"tcp{any}") }
}

/// Lua: `server:accept()`.
unsafe extern "C-unwind" fn accept(lua: *mut lua_State) -> c_int {
    // SAFETY: see `check`.
    unsafe {
        let server = check_class::<Stream>(lua, &[SERVER], SERVER);
        let family = server.handle.family;
        // The object is there before the connection, which would be lost if memory ran out.
        push(lua, Handle::new(CLOSED, family), CLIENT);
        let client = &mut *ffi::lua_touserdata(lua, -1).cast::<Stream>();
        match accept_from(&mut server.handle, Patience::of(Host::of(lua))) {
            Ok(fd) => {
                client.handle.fd = fd;
                1
            }
            Err(why) => why.push(lua),
        }
    }
}

/// Lua: `master:bind(host, service)`.
unsafe extern "C-unwind" fn bind(lua: *mut lua_State) -> c_int {
    // SAFETY: see `check`.
    unsafe {
        let stream = check_class::<Stream>(lua, &[MASTER], MASTER);
        let place = Place::check(lua, 2);
        let bound = open_fd(&stream.handle)
            .and_then(|_| bind_to(&mut stream.handle, place, Patience::of(Host::of(lua))));
        push_done(lua, bound)
    }
}

/// Lua: `master:connect(host, service)`. Whatever comes of it the socket is a client then: a connection that is not
/// there in time may still come.
unsafe extern "C-unwind" fn connect(lua: *mut lua_State) -> c_int {
    // SAFETY: see `check`.
    unsafe {
        let stream = check(lua);
        let place = Place::check(lua, 2);
        let connected = open_fd(&stream.handle)
            .and_then(|_| connect_to(&mut stream.handle, place, Patience::of(Host::of(lua))));
        set_class(lua, 1, CLIENT);
        push_done(lua, connected)
    }
}

/// Lua: `master:listen([backlog])`.
unsafe extern "C-unwind" fn listen(lua: *mut lua_State) -> c_int {
    // SAFETY: see `check`.
    unsafe {
        let stream = check_class::<Stream>(lua, &[MASTER], MASTER);
        let backlog = ffi::luaL_optnumber(lua, 2, 32.0) as c_int;
        let listening = open_fd(&stream.handle).and_then(|fd| Failure::check(libc::listen(fd, backlog)));
        if listening.is_ok() {
            set_class(lua, 1, SERVER);
        }
        push_done(lua, listening.map(drop))
    }
}

/// Lua: `socket:close()`, and what the garbage collector calls.
unsafe extern "C-unwind" fn close(lua: *mut lua_State) -> c_int {
    // SAFETY: see `check`.
    unsafe {
        check(lua).handle.close();
        ffi::lua_pushnumber(lua, 1.0);
        1
    }
}

/// Lua: `client:send(data [, from [, to]])`.
unsafe extern "C-unwind" fn send(lua: *mut lua_State) -> c_int {
    // SAFETY: see `check`.
    unsafe { stream::send(lua, check_class(lua, &[CLIENT], CLIENT)) }
}

/// Lua: `client:receive([pattern [, prefix]])`.
unsafe extern "C-unwind" fn receive(lua: *mut lua_State) -> c_int {
    // SAFETY: see `check`.
    unsafe { stream::receive(lua, check_class(lua, &[CLIENT], CLIENT)) }
}

/// Lua: `socket:dirty()`, whether data are buffered.
unsafe extern "C-unwind" fn dirty(lua: *mut lua_State) -> c_int {
    // SAFETY: see `check`.
    unsafe {
        ffi::lua_pushboolean(lua, check(lua).is_dirty().into());
        1
    }
}

/// Lua: `socket:getfamily()`.
unsafe extern "C-unwind" fn getfamily(lua: *mut lua_State) -> c_int {
    // SAFETY: see `check`.
    unsafe {
        let name = family_name(check(lua).handle.family);
        ffi::lua_pushstring_(lua, name.as_ptr());
        1
    }
}

/// Lua: `socket:getfd()`.
unsafe extern "C-unwind" fn getfd(lua: *mut lua_State) -> c_int {
    // SAFETY: see `check`.
    unsafe {
        ffi::lua_pushinteger(lua, check(lua).handle.fd as ffi::lua_Integer);
        1
    }
}

/// Lua: `socket:setfd(fd)`. Only a socket's own descriptor can be taken from it: any other is not this script's.
unsafe extern "C-unwind" fn setfd(lua: *mut lua_State) -> c_int {
    // SAFETY: see `check`.
    unsafe { set_fd(lua, &mut check(lua).handle) }
}

/// See [`setfd`].
///
/// # Safety
/// Called from a host function.
pub(super) unsafe fn set_fd(lua: *mut lua_State, handle: &mut Handle) -> c_int {
    // SAFETY: as promised.
    unsafe {
        let fd = ffi::luaL_checknumber(lua, 2) as c_int;
        if fd < 0 {
            handle.close();
        } else if fd != handle.fd {
            ffi::luaL_argerror(lua, 2, c"descriptor of another object".as_ptr());
        }
        0
    }
}

/// Lua: `socket:getoption(name)`.
unsafe extern "C-unwind" fn getoption(lua: *mut lua_State) -> c_int {
    // SAFETY: see `check`.
    unsafe { options::get(lua, check(lua).handle.fd, options::TCP) }
}

/// Lua: `socket:setoption(name [, value])`.
unsafe extern "C-unwind" fn setoption(lua: *mut lua_State) -> c_int {
    // SAFETY: see `check`.
    unsafe { options::set(lua, check(lua).handle.fd, options::TCP) }
}

/// Lua: `socket:getpeername()`.
unsafe extern "C-unwind" fn getpeername(lua: *mut lua_State) -> c_int {
    // SAFETY: see `check`.
    unsafe { push_name(lua, check(lua).handle.fd, libc::getpeername) }
}

/// Lua: `socket:getsockname()`.
unsafe extern "C-unwind" fn getsockname(lua: *mut lua_State) -> c_int {
    // SAFETY: see `check`.
    unsafe { push_name(lua, check(lua).handle.fd, libc::getsockname) }
}

type Name = unsafe extern "C" fn(c_int, *mut libc::sockaddr, *mut libc::socklen_t) -> c_int;

/// Pushes one of a socket's two ends.
///
/// # Safety
/// Called from a host function.
pub(super) unsafe fn push_name(lua: *mut lua_State, fd: c_int, name: Name) -> c_int {
    // SAFETY: as promised; the address has room for any.
    unsafe {
        let mut address = Address::empty();
        let mut length = address.length;
        match Failure::check(name(fd, address.as_mut_ptr(), &raw mut length)) {
            Ok(_) => address.push(lua),
            Err(why) => why.push(lua),
        }
    }
}

/// Lua: `socket:getstats()`: bytes received, bytes sent, age in seconds.
unsafe extern "C-unwind" fn getstats(lua: *mut lua_State) -> c_int {
    // SAFETY: see `check`.
    unsafe {
        let stream = check(lua);
        for number in [stream.received, stream.sent, now() - stream.born] {
            ffi::lua_pushnumber(lua, number);
        }
        3
    }
}

/// Lua: `socket:setstats([received [, sent [, age]]])`.
unsafe extern "C-unwind" fn setstats(lua: *mut lua_State) -> c_int {
    // SAFETY: see `check`.
    unsafe {
        let stream = check(lua);
        stream.received = ffi::luaL_optnumber(lua, 2, stream.received).trunc();
        stream.sent = ffi::luaL_optnumber(lua, 3, stream.sent).trunc();
        if ffi::lua_type(lua, 4) > ffi::LUA_TNIL {
            stream.born = now() - ffi::luaL_checknumber(lua, 4);
        }
        ffi::lua_pushnumber(lua, 1.0);
        1
    }
}

/// Lua: `socket:settimeout([seconds [, mode]])`.
unsafe extern "C-unwind" fn settimeout(lua: *mut lua_State) -> c_int {
    // SAFETY: see `check`.
    unsafe { class::settimeout(lua, &mut check(lua).handle) }
}

/// Lua: `client:shutdown([direction])`.
unsafe extern "C-unwind" fn shutdown(lua: *mut lua_State) -> c_int {
    // SAFETY: see `check`.
    unsafe {
        let stream = check_class::<Stream>(lua, &[CLIENT], CLIENT);
        let how = check_option(lua, 2, Some(2), &[c"receive", c"send", c"both"]) as c_int;
        // That the peer is gone already is no failure.
        libc::shutdown(stream.handle.fd, how);
        ffi::lua_pushnumber(lua, 1.0);
        1
    }
}
