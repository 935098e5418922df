//! Making, binding and connecting TCP sockets.

use std::ffi::{CStr, CString, c_int};

use mlua::ffi::{self, lua_State};

use super::address::{Address, Wanted, find};
use super::class::{CLOSED, Handle, create, set_class};
use super::failure::Failure;
use super::stream::{Stream, optional_bytes};
use super::wait::{Patience, Timeout};
use crate::host::{Host, until_nul};
use crate::native::binding::check_option;

pub(super) const MASTER: &CStr = c"tcp{master}";
pub(super) const CLIENT: &CStr = c"tcp{client}";
pub(super) const SERVER: &CStr = c"tcp{server}";

/// A host and a service that a script gave. The texts are copied where the call cannot be left by an error.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    host: &'a [u8],
    service: &'a [u8],
}

impl<'a> Place<'a> {
    /// The arguments `index` and the one behind it.
    ///
    /// # Safety
    /// Called from a host function; good while the arguments are on the stack.
    pub(super) unsafe fn check(lua: *mut lua_State, index: c_int) -> Place<'a> {
        // SAFETY: as promised.
        unsafe {
            let host = crate::host::check_bytes(lua, index);
            Place { host, service: crate::host::check_bytes(lua, index + 1) }
        }
    }

    pub(super) fn is_any(&self) -> bool {
        self.host == b"*"
    }

    pub(super) fn wanted(&self, family: c_int, kind: c_int, flags: c_int) -> Wanted {
        let text = |bytes: &[u8]| CString::new(until_nul(bytes)).ok();
        let host = if self.is_any() && flags & libc::AI_PASSIVE != 0 { None } else { text(self.host) };
        Wanted { host, service: text(self.service), family, kind, flags }
    }
}

/// Pushes a new object of a class.
pub(super) unsafe fn push(lua: *mut lua_State, handle: Handle, class: &CStr) {
    // SAFETY: called from a host function; the object is whole before it gets its class. The descriptor would be lost if
    // memory ran out, so the object is made first and gets it then.
    unsafe {
        let fd = handle.fd;
        let object = ffi::lua_newuserdata(lua, size_of::<Stream>()).cast::<Stream>();
        object.write(Stream::new(Handle { fd: CLOSED, ..handle }));
        set_class(lua, -1, class);
        (*object).handle.fd = fd;
    }
}

/// Lua: `tcp()`.
pub(super) unsafe extern "C-unwind" fn tcp(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping. So it is for all functions of this module.
    unsafe { make(lua, libc::AF_INET) }
}

/// Lua: `tcp6()`.
pub(super) unsafe extern "C-unwind" fn tcp6(lua: *mut lua_State) -> c_int {
    // SAFETY: see `tcp`.
    unsafe { make(lua, libc::AF_INET6) }
}

unsafe fn make(lua: *mut lua_State, family: c_int) -> c_int {
    // SAFETY: see `tcp`.
    unsafe {
        ffi::lua_settop(lua, 0);
        push(lua, Handle::new(CLOSED, family), MASTER);
        let stream = &mut *ffi::lua_touserdata(lua, 1).cast::<Stream>();
        match create(family, libc::SOCK_STREAM) {
            Ok(fd) => stream.handle.fd = fd,
            Err(why) => return why.push(lua),
        }
        if family == libc::AF_INET6 {
            super::options::set_int(stream.handle.fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1).ok();
        }
        1
    }
}

/// Lua: `connect(host, service [, local host [, local service [, family]]])`.
pub(super) unsafe extern "C-unwind" fn connect(lua: *mut lua_State) -> c_int {
    // SAFETY: see `tcp`.
    unsafe {
        let peer = Place::check(lua, 1);
        let host = optional_bytes(lua, 3);
        let service = optional_bytes(lua, 4).unwrap_or(b"0");
        let family = [libc::AF_UNSPEC, libc::AF_INET, libc::AF_INET6]
            [check_option(lua, 5, Some(0), &[c"unspec", c"inet", c"inet6"])];
        let timeout = Timeout::NONE;
        push(lua, Handle { fd: CLOSED, family, timeout }, CLIENT);
        let stream = &mut *ffi::lua_touserdata(lua, -1).cast::<Stream>();
        let patience = Patience::of(Host::of(lua));
        let bound =
            host.map_or(Ok(()), |host| bind_to(&mut stream.handle, Place { host, service }, patience));
        match bound.and_then(|()| connect_to(&mut stream.handle, peer, patience)) {
            Ok(()) => 1,
            Err(why) => {
                stream.handle.close();
                why.push(lua)
            }
        }
    }
}

/// Binds a socket to the first address of this name that can be had, and makes it if there is none yet.
pub(super) fn bind_to(handle: &mut Handle, place: Place<'_>, patience: Patience<'_>) -> Result<(), Failure> {
    let found = find(place.wanted(handle.family, libc::SOCK_STREAM, libc::AI_PASSIVE), patience)?;
    let mut failed = Failure::Resolver(libc::EAI_NONAME);
    for address in &found.addresses {
        let made = handle.fd == CLOSED;
        if made {
            handle.fd = create(address.family(), libc::SOCK_STREAM)?;
        }
        match bind_address(handle.fd, address) {
            Ok(()) => {
                handle.family = address.family();
                return Ok(());
            }
            Err(why) => failed = why,
        }
        if made {
            handle.close();
        }
    }
    Err(failed)
}

pub(super) fn bind_address(fd: c_int, address: &Address) -> Result<(), Failure> {
    // SAFETY: the address is as long as it says.
    Failure::check(unsafe { libc::bind(fd, address.as_ptr(), address.length) }).map(drop)
}

/// Connects to the first address of this name that answers.
pub(super) fn connect_to(
    handle: &mut Handle,
    peer: Place<'_>,
    patience: Patience<'_>,
) -> Result<(), Failure> {
    handle.timeout.begin();
    let found = find(peer.wanted(handle.family, libc::SOCK_STREAM, 0), patience)?;
    let mut failed = Failure::Resolver(libc::EAI_NONAME);
    for address in &found.addresses {
        // A socket of another family, and one that failed to connect, cannot be used for the next address.
        if handle.fd != CLOSED && handle.family != address.family() {
            handle.close();
        }
        if handle.fd == CLOSED {
            handle.fd = create(address.family(), libc::SOCK_STREAM)?;
        }
        handle.family = address.family();
        match connect_address(handle, address, patience) {
            Err(why) if why != Failure::Timeout && why != Failure::Interrupted => failed = why,
            other => return other,
        }
    }
    Err(failed)
}

fn connect_address(handle: &Handle, address: &Address, patience: Patience<'_>) -> Result<(), Failure> {
    // SAFETY: the address is as long as it says.
    let started = Failure::check(unsafe { libc::connect(handle.fd, address.as_ptr(), address.length) });
    match started {
        Ok(_) => return Ok(()),
        Err(Failure::Os(libc::EINPROGRESS | libc::EAGAIN | libc::EINTR)) => {}
        Err(why) => return Err(why),
    }
    handle.timeout.wait(handle.fd, libc::POLLOUT, patience)?;
    match super::options::get_int(handle.fd, libc::SOL_SOCKET, libc::SO_ERROR)? {
        0 => Ok(()),
        code => Err(Failure::Os(code)),
    }
}

/// The next connection of a listening socket; its descriptor.
pub(super) fn accept_from(handle: &mut Handle, patience: Patience<'_>) -> Result<c_int, Failure> {
    let fd = super::class::open_fd(handle)?;
    handle.timeout.begin();
    loop {
        let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: the peer's address is not asked for.
        let next = unsafe { libc::accept4(fd, std::ptr::null_mut(), std::ptr::null_mut(), flags) };
        match Failure::check(next) {
            Err(Failure::Os(libc::EINTR)) => patience.check()?,
            Err(Failure::Os(libc::EAGAIN | libc::ECONNABORTED)) => {
                handle.timeout.wait(fd, libc::POLLIN, patience)?;
            }
            other => return other,
        }
    }
}
