//! UDP sockets.

use std::ffi::{CStr, c_int};
use std::mem::MaybeUninit;

use mlua::ffi::{self, lua_State};

use super::address::{Address, Wanted, family_name, find};
use super::class::{self, CLOSED, Handle, check_class, create, open_fd, set_class};
use super::failure::{Failure, push_done};
use super::options;
use super::tcp::{Place, bind_address};
use super::tcp_methods::{push_name, set_fd};
use super::wait::Patience;
use crate::host::{Host, check_bytes, push_bytes};
use crate::native::binding::Function;

const CONNECTED: &CStr = c"udp{connected}";
const UNCONNECTED: &CStr = c"udp{unconnected}";
const ANY: [&CStr; 2] = [CONNECTED, UNCONNECTED];

/// Longest datagram that is received, in bytes; what is longer is cut.
const LONGEST: usize = 8192;

const METHODS: [Function; 16] = [
    (c"close", close),
    (c"dirty", dirty),
    (c"getfamily", getfamily),
    (c"getfd", getfd),
    (c"getoption", getoption),
    (c"getpeername", getpeername),
    (c"getsockname", getsockname),
    (c"receive", receive),
    (c"receivefrom", receivefrom),
    (c"send", send),
    (c"sendto", sendto),
    (c"setfd", setfd),
    (c"setoption", setoption),
    (c"setpeername", setpeername),
    (c"setsockname", setsockname),
    (c"settimeout", settimeout),
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

/// Lua: `udp()`.
pub(super) unsafe extern "C-unwind" fn udp(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping. So it is for all functions of this module.
    unsafe { make(lua, libc::AF_INET) }
}

/// Lua: `udp6()`.
pub(super) unsafe extern "C-unwind" fn udp6(lua: *mut lua_State) -> c_int {
    // SAFETY: see `udp`.
    unsafe { make(lua, libc::AF_INET6) }
}

unsafe fn make(lua: *mut lua_State, family: c_int) -> c_int {
    // SAFETY: see `udp`. The object is whole before it gets its class, and before there is a descriptor to lose.
    unsafe {
        ffi::lua_settop(lua, 0);
        let object = ffi::lua_newuserdata(lua, size_of::<Handle>()).cast::<Handle>();
        object.write(Handle::new(CLOSED, family));
        set_class(lua, 1, UNCONNECTED);
        match create(family, libc::SOCK_DGRAM) {
            Ok(fd) => (*object).fd = fd,
            Err(why) => return why.push(lua),
        }
        if family == libc::AF_INET6 {
            options::set_int((*object).fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1).ok();
        }
        1
    }
}

unsafe fn check<'a>(lua: *mut lua_State) -> &'a mut Handle {
    // SAFETY: all classes have handles.
    unsafe { check_class(lua, &ANY, c"udp{any}") }
}

/// An error of a datagram socket: the peer's refusal is one, of an earlier datagram.
fn told(why: Failure) -> Failure {
    match why {
        Failure::Closed | Failure::Os(libc::ECONNREFUSED) => Failure::Other("refused"),
        other => other,
    }
}

/// Repeats a system call on the socket until it does not have to wait.
fn transfer(
    handle: &mut Handle,
    events: i16,
    patience: Patience<'_>,
    mut call: impl FnMut(c_int) -> isize,
) -> Result<usize, Failure> {
    let fd = open_fd(handle)?;
    handle.timeout.begin();
    loop {
        if let Ok(count) = usize::try_from(call(fd)) {
            return Ok(count);
        }
        match Failure::last() {
            Failure::Os(libc::EINTR) => patience.check()?,
            Failure::Os(libc::EAGAIN) => {
                handle.timeout.wait(fd, events, patience).map_err(told)?;
            }
            why => return Err(told(why)),
        }
    }
}

unsafe fn push_count(lua: *mut lua_State, sent: Result<usize, Failure>) -> c_int {
    // SAFETY: see `udp`.
    unsafe {
        match sent {
            Ok(count) => {
                ffi::lua_pushnumber(lua, count as f64);
                1
            }
            Err(why) => why.push(lua),
        }
    }
}

/// Lua: `connected:send(datagram)`.
unsafe extern "C-unwind" fn send(lua: *mut lua_State) -> c_int {
    // SAFETY: see `udp`.
    unsafe {
        let handle = check_class::<Handle>(lua, &[CONNECTED], CONNECTED);
        let data = check_bytes(lua, 2);
        let sent = transfer(handle, libc::POLLOUT, Patience::of(Host::of(lua)), |fd| {
            libc::send(fd, data.as_ptr().cast(), data.len(), libc::MSG_NOSIGNAL)
        });
        push_count(lua, sent)
    }
}

/// Lua: `unconnected:sendto(datagram, ip, port)`.
unsafe extern "C-unwind" fn sendto(lua: *mut lua_State) -> c_int {
    // SAFETY: see `udp`.
    unsafe {
        let handle = check_class::<Handle>(lua, &[UNCONNECTED], UNCONNECTED);
        let data = check_bytes(lua, 2);
        let place = Place::check(lua, 3);
        let patience = Patience::of(Host::of(lua));
        let wanted = place.wanted(handle.family, libc::SOCK_DGRAM, libc::AI_NUMERICHOST);
        let sent = first(wanted, patience).and_then(|address| {
            transfer(handle, libc::POLLOUT, patience, |fd| {
                let flags = libc::MSG_NOSIGNAL;
                libc::sendto(fd, data.as_ptr().cast(), data.len(), flags, address.as_ptr(), address.length)
            })
        });
        push_count(lua, sent)
    }
}

fn first(wanted: Wanted, patience: Patience<'_>) -> Result<Address, Failure> {
    find(wanted, patience)?.addresses.first().copied().ok_or(Failure::Resolver(libc::EAI_NONAME))
}

/// Room for the bytes that a script wants, at most [`LONGEST`].
unsafe fn check_size(lua: *mut lua_State) -> usize {
    // SAFETY: see `udp`.
    unsafe { (ffi::luaL_optnumber(lua, 2, LONGEST as f64) as usize).min(LONGEST) }
}

/// Lua: `socket:receive([size])`.
unsafe extern "C-unwind" fn receive(lua: *mut lua_State) -> c_int {
    // SAFETY: see `udp`; so many bytes of the buffer are filled as the call says.
    unsafe {
        let handle = check(lua);
        let size = check_size(lua);
        let mut buffer = MaybeUninit::<[u8; LONGEST]>::uninit();
        let got = transfer(handle, libc::POLLIN, Patience::of(Host::of(lua)), |fd| {
            libc::recv(fd, buffer.as_mut_ptr().cast(), size, 0)
        });
        match got {
            Ok(count) => {
                push_bytes(lua, std::slice::from_raw_parts(buffer.as_ptr().cast(), count));
                1
            }
            Err(why) => why.push(lua),
        }
    }
}

/// Lua: `unconnected:receivefrom([size])`: the datagram, its sender's address and port.
unsafe extern "C-unwind" fn receivefrom(lua: *mut lua_State) -> c_int {
    // SAFETY: as for `receive`.
    unsafe {
        let handle = check_class::<Handle>(lua, &[UNCONNECTED], UNCONNECTED);
        let size = check_size(lua);
        let mut buffer = MaybeUninit::<[u8; LONGEST]>::uninit();
        let mut sender = Address::empty();
        let got = transfer(handle, libc::POLLIN, Patience::of(Host::of(lua)), |fd| {
            let mut length = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
            libc::recvfrom(fd, buffer.as_mut_ptr().cast(), size, 0, sender.as_mut_ptr(), &raw mut length)
        });
        match got {
            Ok(count) => {
                push_bytes(lua, std::slice::from_raw_parts(buffer.as_ptr().cast(), count));
                sender.push(lua);
                ffi::lua_pop(lua, 1);
                3
            }
            Err(why) => why.push(lua),
        }
    }
}

/// Lua: `socket:setpeername(host, service)`; the host `*` takes the peer away.
unsafe extern "C-unwind" fn setpeername(lua: *mut lua_State) -> c_int {
    // SAFETY: see `udp`.
    unsafe {
        let handle = check(lua);
        let host = check_bytes(lua, 2);
        let connecting = host != b"*";
        let place = if connecting { Some(Place::check(lua, 2)) } else { None };
        let connected = open_fd(handle).and_then(|fd| {
            let address = match place {
                None => Address::unspecified(),
                Some(place) => {
                    let wanted = place.wanted(handle.family, libc::SOCK_DGRAM, 0);
                    first(wanted, Patience::of(Host::of(lua)))?
                }
            };
            Failure::check(libc::connect(fd, address.as_ptr(), address.length)).map(drop)
        });
        if connected.is_ok() {
            set_class(lua, 1, if connecting { CONNECTED } else { UNCONNECTED });
        }
        push_done(lua, connected)
    }
}

/// Lua: `unconnected:setsockname(host, service)`.
unsafe extern "C-unwind" fn setsockname(lua: *mut lua_State) -> c_int {
    // SAFETY: see `udp`.
    unsafe {
        let handle = check_class::<Handle>(lua, &[UNCONNECTED], UNCONNECTED);
        let place = Place::check(lua, 2);
        let bound = open_fd(handle).and_then(|fd| {
            let wanted = place.wanted(handle.family, libc::SOCK_DGRAM, libc::AI_PASSIVE);
            bind_address(fd, &first(wanted, Patience::of(Host::of(lua)))?)
        });
        push_done(lua, bound)
    }
}

/// Lua: `socket:close()`, and what the garbage collector calls.
unsafe extern "C-unwind" fn close(lua: *mut lua_State) -> c_int {
    // SAFETY: see `udp`.
    unsafe {
        check(lua).close();
        ffi::lua_pushnumber(lua, 1.0);
        1
    }
}

/// Lua: `socket:dirty()`: nothing is ever buffered.
unsafe extern "C-unwind" fn dirty(lua: *mut lua_State) -> c_int {
    // SAFETY: see `udp`.
    unsafe {
        check(lua);
        ffi::lua_pushboolean(lua, 0);
        1
    }
}

/// Lua: `socket:getfamily()`.
unsafe extern "C-unwind" fn getfamily(lua: *mut lua_State) -> c_int {
    // SAFETY: see `udp`.
    unsafe {
        let family = check(lua).family;
        // The original's names differ between TCP and UDP.
        let name = if family == libc::AF_INET { c"inet4" } else { family_name(family) };
        ffi::lua_pushstring_(lua, name.as_ptr());
        1
    }
}

/// Lua: `socket:getfd()`.
unsafe extern "C-unwind" fn getfd(lua: *mut lua_State) -> c_int {
    // SAFETY: see `udp`.
    unsafe {
        ffi::lua_pushinteger(lua, check(lua).fd as ffi::lua_Integer);
        1
    }
}

/// Lua: `socket:setfd(fd)`.
unsafe extern "C-unwind" fn setfd(lua: *mut lua_State) -> c_int {
    // SAFETY: see `udp`.
    unsafe { set_fd(lua, check(lua)) }
}

/// Lua: `socket:getoption(name)`.
unsafe extern "C-unwind" fn getoption(lua: *mut lua_State) -> c_int {
    // SAFETY: see `udp`.
    unsafe { options::get(lua, check(lua).fd, options::UDP) }
}

/// Lua: `socket:setoption(name [, value])`.
unsafe extern "C-unwind" fn setoption(lua: *mut lua_State) -> c_int {
    // SAFETY: see `udp`.
    unsafe { options::set(lua, check(lua).fd, options::UDP) }
}

/// Lua: `connected:getpeername()`.
unsafe extern "C-unwind" fn getpeername(lua: *mut lua_State) -> c_int {
    // SAFETY: see `udp`.
    unsafe {
        let handle = check_class::<Handle>(lua, &[CONNECTED], CONNECTED);
        push_name(lua, handle.fd, libc::getpeername)
    }
}

/// Lua: `socket:getsockname()`.
unsafe extern "C-unwind" fn getsockname(lua: *mut lua_State) -> c_int {
    // SAFETY: see `udp`.
    unsafe { push_name(lua, check(lua).fd, libc::getsockname) }
}

/// Lua: `socket:settimeout([seconds [, mode]])`.
unsafe extern "C-unwind" fn settimeout(lua: *mut lua_State) -> c_int {
    // SAFETY: see `udp`.
    unsafe { class::settimeout(lua, check(lua)) }
}
