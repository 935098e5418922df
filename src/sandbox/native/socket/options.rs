//! `setoption` and `getoption`.

use std::ffi::{CStr, CString, c_int};
use std::net::{Ipv4Addr, Ipv6Addr};

use mlua::ffi::{self, lua_State};

use super::failure::{Failure, push_done};
use crate::host::{bytes_at, check_bytes, push_bytes, until_nul};

/// How an option looks in Lua.
#[derive(Clone, Copy)]
enum Shape {
    Bool,
    Int,
    /// The pending error of the socket, as text; only read.
    Error,
    /// `{on=, timeout=}`.
    Linger,
    /// An address of IPv4.
    Interface,
    /// `{multiaddr=, interface=}` of IPv4.
    Membership,
    /// `{multiaddr=, interface=}` of IPv6, the interface by its number.
    Membership6,
}

/// An option: its name in Lua, and the system's level and name.
pub(super) struct Opt {
    name: &'static CStr,
    shape: Shape,
    level: c_int,
    number: c_int,
}

const fn opt(name: &'static CStr, shape: Shape, level: c_int, number: c_int) -> Opt {
    Opt { name, shape, level, number }
}

/// Options of TCP sockets.
pub(super) const TCP: &[Opt] = &[
    opt(c"keepalive", Shape::Bool, libc::SOL_SOCKET, libc::SO_KEEPALIVE),
    opt(c"reuseaddr", Shape::Bool, libc::SOL_SOCKET, libc::SO_REUSEADDR),
    opt(c"tcp-nodelay", Shape::Bool, libc::IPPROTO_TCP, libc::TCP_NODELAY),
    opt(c"ipv6-v6only", Shape::Bool, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY),
    opt(c"linger", Shape::Linger, libc::SOL_SOCKET, libc::SO_LINGER),
    opt(c"error", Shape::Error, libc::SOL_SOCKET, libc::SO_ERROR),
];

/// Options of UDP sockets.
pub(super) const UDP: &[Opt] = &[
    opt(c"dontroute", Shape::Bool, libc::SOL_SOCKET, libc::SO_DONTROUTE),
    opt(c"broadcast", Shape::Bool, libc::SOL_SOCKET, libc::SO_BROADCAST),
    opt(c"reuseaddr", Shape::Bool, libc::SOL_SOCKET, libc::SO_REUSEADDR),
    opt(c"reuseport", Shape::Bool, libc::SOL_SOCKET, libc::SO_REUSEPORT),
    opt(c"ip-multicast-if", Shape::Interface, libc::IPPROTO_IP, libc::IP_MULTICAST_IF),
    opt(c"ip-multicast-ttl", Shape::Int, libc::IPPROTO_IP, libc::IP_MULTICAST_TTL),
    opt(c"ip-multicast-loop", Shape::Bool, libc::IPPROTO_IP, libc::IP_MULTICAST_LOOP),
    opt(c"ip-add-membership", Shape::Membership, libc::IPPROTO_IP, libc::IP_ADD_MEMBERSHIP),
    opt(c"ip-drop-membership", Shape::Membership, libc::IPPROTO_IP, libc::IP_DROP_MEMBERSHIP),
    opt(c"ipv6-unicast-hops", Shape::Int, libc::IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS),
    opt(c"ipv6-multicast-hops", Shape::Int, libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_HOPS),
    opt(c"ipv6-multicast-loop", Shape::Bool, libc::IPPROTO_IPV6, libc::IPV6_MULTICAST_LOOP),
    opt(c"ipv6-add-membership", Shape::Membership6, libc::IPPROTO_IPV6, libc::IPV6_ADD_MEMBERSHIP),
    opt(c"ipv6-drop-membership", Shape::Membership6, libc::IPPROTO_IPV6, libc::IPV6_DROP_MEMBERSHIP),
    opt(c"ipv6-v6only", Shape::Bool, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY),
    opt(c"error", Shape::Error, libc::SOL_SOCKET, libc::SO_ERROR),
];

fn set_value<T>(fd: c_int, level: c_int, number: c_int, value: &T) -> Result<(), Failure> {
    let size = size_of::<T>() as libc::socklen_t;
    // SAFETY: the value has this size.
    let done = unsafe { libc::setsockopt(fd, level, number, std::ptr::from_ref(value).cast(), size) };
    Failure::check(done).map(drop)
}

fn get_value<T>(fd: c_int, level: c_int, number: c_int, mut value: T) -> Result<T, Failure> {
    let mut size = size_of::<T>() as libc::socklen_t;
    // SAFETY: the value has this size; the values asked for are plain numbers.
    let done = unsafe { libc::getsockopt(fd, level, number, (&raw mut value).cast(), &raw mut size) };
    Failure::check(done).map(|_| value)
}

/// Sets a whole number.
pub(super) fn set_int(fd: c_int, level: c_int, number: c_int, value: c_int) -> Result<(), Failure> {
    set_value(fd, level, number, &value)
}

/// Gets a whole number.
pub(super) fn get_int(fd: c_int, level: c_int, number: c_int) -> Result<c_int, Failure> {
    get_value(fd, level, number, 0)
}

/// The option that argument 2 names.
unsafe fn check_name(lua: *mut lua_State, options: &'static [Opt]) -> &'static Opt {
    // SAFETY: called from a host function; the text is Lua's.
    unsafe {
        let name = until_nul(check_bytes(lua, 2));
        options.iter().find(|option| option.name.to_bytes() == name).unwrap_or_else(|| {
            let name = ffi::lua_tolstring(lua, 2, std::ptr::null_mut());
            let why = ffi::lua_pushfstring(lua, c"unsupported option `%s'".as_ptr(), name);
            ffi::luaL_argerror(lua, 2, why);
            &options[0]
        })
    }
}

/// Lua: `socket:setoption(name, value)`.
///
/// # Safety
/// Called from a host function with a socket at 1.
pub(super) unsafe fn set(lua: *mut lua_State, fd: c_int, options: &'static [Opt]) -> c_int {
    // SAFETY: as promised; nothing here needs dropping when an argument is wrong.
    unsafe {
        let Opt { shape, level, number, .. } = *check_name(lua, options);
        let done = match shape {
            Shape::Bool => {
                ffi::luaL_checktype(lua, 3, ffi::LUA_TBOOLEAN);
                set_int(fd, level, number, ffi::lua_toboolean(lua, 3))
            }
            Shape::Int => set_int(fd, level, number, ffi::luaL_checknumber(lua, 3) as c_int),
            Shape::Error => {
                ffi::luaL_argerror(lua, 2, c"unsupported option `error'".as_ptr());
                Ok(())
            }
            Shape::Linger => {
                check_member(lua, c"on", ffi::LUA_TBOOLEAN, c"boolean 'on' field expected");
                let on = ffi::lua_toboolean(lua, -1);
                check_member(lua, c"timeout", ffi::LUA_TNUMBER, c"number 'timeout' field expected");
                let seconds = ffi::lua_tonumber(lua, -1) as c_int;
                set_value(fd, level, number, &libc::linger { l_onoff: on, l_linger: seconds })
            }
            Shape::Interface => {
                let address =
                    if check_bytes(lua, 3) == b"*" { in_addr(Ipv4Addr::UNSPECIFIED) } else { ip4(lua, 3) };
                set_value(fd, level, number, &address)
            }
            Shape::Membership => {
                check_member(lua, c"multiaddr", ffi::LUA_TSTRING, c"string 'multiaddr' field expected");
                let imr_multiaddr = ip4(lua, -1);
                check_member(lua, c"interface", ffi::LUA_TSTRING, c"string 'interface' field expected");
                let any = bytes_at(lua, -1) == b"*";
                let imr_interface = if any { in_addr(Ipv4Addr::UNSPECIFIED) } else { ip4(lua, -1) };
                set_value(fd, level, number, &libc::ip_mreq { imr_multiaddr, imr_interface })
            }
            Shape::Membership6 => set_value(fd, level, number, &membership6(lua)),
        };
        push_done(lua, done)
    }
}

unsafe fn membership6(lua: *mut lua_State) -> libc::ipv6_mreq {
    // SAFETY: as for `set`.
    unsafe {
        check_member(lua, c"multiaddr", ffi::LUA_TSTRING, c"string 'multiaddr' field expected");
        let address = parse::<Ipv6Addr>(lua, -1).unwrap_or(Ipv6Addr::UNSPECIFIED);
        let mut interface = 0;
        ffi::lua_getfield_(lua, 3, c"interface".as_ptr());
        if ffi::lua_isnumber(lua, -1) != 0 {
            interface = ffi::lua_tonumber(lua, -1) as libc::c_uint;
        } else if ffi::lua_type(lua, -1) != ffi::LUA_TNIL {
            ffi::luaL_argerror(lua, -1, c"number 'interface' field expected".as_ptr());
        }
        let ipv6mr_multiaddr = libc::in6_addr { s6_addr: address.octets() };
        libc::ipv6_mreq { ipv6mr_multiaddr, ipv6mr_interface: interface }
    }
}

/// Pushes a member of the table at 3, which must be of this type.
unsafe fn check_member(lua: *mut lua_State, name: &CStr, kind: c_int, why: &CStr) {
    // SAFETY: as for `set`.
    unsafe {
        ffi::luaL_checktype(lua, 3, ffi::LUA_TTABLE);
        ffi::lua_getfield_(lua, 3, name.as_ptr());
        if ffi::lua_type(lua, -1) != kind {
            ffi::luaL_argerror(lua, 3, why.as_ptr());
        }
    }
}

fn in_addr(ip: Ipv4Addr) -> libc::in_addr {
    libc::in_addr { s_addr: u32::from(ip).to_be() }
}

unsafe fn parse<T: std::str::FromStr>(lua: *mut lua_State, index: c_int) -> Option<T> {
    // SAFETY: a string lies at the index.
    std::str::from_utf8(unsafe { bytes_at(lua, index) }).ok()?.parse().ok()
}

unsafe fn ip4(lua: *mut lua_State, index: c_int) -> libc::in_addr {
    // SAFETY: as for `set`.
    unsafe {
        let ip = parse::<Ipv4Addr>(lua, index);
        if ip.is_none() {
            ffi::luaL_argerror(lua, 3, c"invalid ip address".as_ptr());
        }
        in_addr(ip.unwrap_or(Ipv4Addr::UNSPECIFIED))
    }
}

/// Lua: `socket:getoption(name)`.
///
/// # Safety
/// Called from a host function with a socket at 1.
pub(super) unsafe fn get(lua: *mut lua_State, fd: c_int, options: &'static [Opt]) -> c_int {
    // SAFETY: as promised.
    unsafe {
        let Opt { shape, level, number, .. } = *check_name(lua, options);
        let found = match shape {
            Shape::Bool => get_int(fd, level, number).map(|on| ffi::lua_pushboolean(lua, (on != 0).into())),
            Shape::Int => get_int(fd, level, number).map(|value| ffi::lua_pushnumber(lua, value.into())),
            Shape::Error => get_int(fd, level, number).map(|code| match code {
                0 => ffi::lua_pushnil(lua),
                code => Failure::Os(code).push_text(lua),
            }),
            Shape::Linger => {
                get_value(fd, level, number, libc::linger { l_onoff: 0, l_linger: 0 }).map(|linger| {
                    ffi::lua_createtable(lua, 0, 2);
                    ffi::lua_pushboolean(lua, (linger.l_onoff != 0).into());
                    ffi::lua_setfield(lua, -2, c"on".as_ptr());
                    ffi::lua_pushinteger(lua, linger.l_linger as ffi::lua_Integer);
                    ffi::lua_setfield(lua, -2, c"timeout".as_ptr());
                })
            }
            Shape::Interface => get_value(fd, level, number, in_addr(Ipv4Addr::UNSPECIFIED)).map(|address| {
                let mut text = [0; 16];
                let mut rest = &mut text[..];
                let ip = Ipv4Addr::from(u32::from_be(address.s_addr));
                let _ = std::io::Write::write_fmt(&mut rest, format_args!("{ip}"));
                push_bytes(lua, until_nul(&text));
            }),
            Shape::Membership | Shape::Membership6 => {
                ffi::luaL_argerror(lua, 2, c"unsupported option".as_ptr());
                Ok(())
            }
        };
        match found {
            Ok(()) => 1,
            Err(why) => why.push(lua),
        }
    }
}

/// This machine's name.
pub(super) fn hostname() -> Result<CString, Failure> {
    let mut name = [0_u8; 257];
    // SAFETY: pointer and length are of one array, whose last byte stays 0.
    Failure::check(unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) })?;
    Ok(CString::new(until_nul(&name)).unwrap_or_default())
}
