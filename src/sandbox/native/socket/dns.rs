//! The `dns` table: names of hosts.

use std::ffi::{CStr, CString, c_int};

use mlua::ffi::{self, lua_State};

use super::address::{Address, Found, Wanted, family_name, find};
use super::failure::Failure;
use super::options::hostname;
use super::wait::Patience;
use crate::host::{Host, check_bytes, push_bytes, until_nul};
use crate::native::binding::{Function, push_library};

const FUNCTIONS: [Function; 5] = [
    (c"toip", toip),
    (c"getaddrinfo", getaddrinfo),
    (c"tohostname", tohostname),
    (c"getnameinfo", getnameinfo),
    (c"gethostname", gethostname),
];

/// Pushes the table.
///
/// # Safety
/// Called from a host function.
pub(super) unsafe fn push(lua: *mut lua_State) {
    // SAFETY: as promised.
    unsafe { push_library(lua, &FUNCTIONS) };
}

/// Keeps what was found where an error of Lua cannot lose it: in a userdata of its own, which drops it in the end.
unsafe fn keep<T>(
    lua: *mut lua_State,
    find: impl FnOnce() -> Result<T, Failure>,
) -> Result<&'static T, Failure> {
    unsafe extern "C-unwind" fn drop_kept<T>(lua: *mut lua_State) -> c_int {
        // SAFETY: called once by the collector for an object that `keep` filled, or by a script that cannot reach it.
        unsafe {
            let slot = ffi::lua_touserdata(lua, 1).cast::<Option<T>>();
            if !slot.is_null() {
                drop(std::ptr::replace(slot, None));
            }
        }
        0
    }
    // SAFETY: called from a host function; the object is on the stack while the result is used. It is aligned to 8.
    unsafe {
        let slot = ffi::lua_newuserdata(lua, size_of::<Option<T>>()).cast::<Option<T>>();
        slot.write(None);
        ffi::lua_createtable(lua, 0, 1);
        ffi::lua_pushcclosure(lua, drop_kept::<T>, 0);
        ffi::lua_setfield(lua, -2, c"__gc".as_ptr());
        ffi::lua_setmetatable(lua, -2);
        slot.write(Some(find()?));
        (*slot).as_ref().ok_or(Failure::Closed)
    }
}

/// An error of the resolver as the older functions tell it.
fn told(why: Failure) -> Failure {
    match why {
        Failure::Resolver(libc::EAI_NONAME) => Failure::Other("host not found"),
        other => other,
    }
}

fn wanted(host: &[u8], family: c_int, flags: c_int) -> Wanted {
    let host = CString::new(until_nul(host)).ok();
    Wanted { host, service: None, family, kind: libc::SOCK_STREAM, flags }
}

/// Lua: `toip(host)`: its first address, and a table of all that is known about it.
unsafe extern "C-unwind" fn toip(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping. So it is for all functions of this module.
    unsafe {
        let host = check_bytes(lua, 1);
        let patience = Patience::of(Host::of(lua));
        match keep(lua, || find(wanted(host, libc::AF_INET, libc::AI_CANONNAME), patience)) {
            Ok(found) => match found.addresses.first() {
                Some(first) => {
                    first.push_ip(lua);
                    push_resolved(lua, found, host);
                    2
                }
                None => Failure::Other("host not found").push(lua),
            },
            Err(why) => told(why).push(lua),
        }
    }
}

/// Pushes `{name=, alias={}, ip={}}`.
unsafe fn push_resolved(lua: *mut lua_State, found: &Found, asked: &[u8]) {
    // SAFETY: see `toip`.
    unsafe {
        ffi::lua_createtable(lua, 0, 3);
        push_bytes(lua, found.name.as_deref().map_or(asked, CStr::to_bytes));
        ffi::lua_setfield(lua, -2, c"name".as_ptr());
        ffi::lua_createtable(lua, 0, 0);
        ffi::lua_setfield(lua, -2, c"alias".as_ptr());
        ffi::lua_createtable(lua, 0, 0);
        for (address, at) in found.addresses.iter().zip(1..) {
            address.push_ip(lua);
            ffi::lua_rawseti_(lua, -2, at);
        }
        ffi::lua_setfield(lua, -2, c"ip".as_ptr());
    }
}

/// Lua: `getaddrinfo(host)`: a list of `{family=, addr=}`.
unsafe extern "C-unwind" fn getaddrinfo(lua: *mut lua_State) -> c_int {
    // SAFETY: see `toip`.
    unsafe {
        let host = check_bytes(lua, 1);
        let patience = Patience::of(Host::of(lua));
        let found = match keep(lua, || find(wanted(host, libc::AF_UNSPEC, 0), patience)) {
            Ok(found) => found,
            Err(why) => return why.push(lua),
        };
        ffi::lua_createtable(lua, 0, 0);
        for (address, at) in found.addresses.iter().zip(1..) {
            ffi::lua_createtable(lua, 0, 2);
            ffi::lua_pushstring_(lua, family_name(address.family()).as_ptr());
            ffi::lua_setfield(lua, -2, c"family".as_ptr());
            address.push_ip(lua);
            ffi::lua_setfield(lua, -2, c"addr".as_ptr());
            ffi::lua_rawseti_(lua, -2, at);
        }
        1
    }
}

/// The name of an address. Asked for on a thread of its own, like [`find`] does.
fn name_of(address: Address, flags: c_int, patience: Patience<'_>) -> Result<CString, Failure> {
    let ask = move || {
        let mut name = [0_u8; libc::NI_MAXHOST as usize];
        let size = libc::NI_MAXHOST - 1;
        // SAFETY: the address is as long as it says, and the name has room for what is asked for.
        let code = unsafe {
            let (to, nothing) = (name.as_mut_ptr().cast(), std::ptr::null_mut());
            libc::getnameinfo(address.as_ptr(), address.length, to, size, nothing, 0, flags)
        };
        match code {
            0 => Ok(CString::new(until_nul(&name)).unwrap_or_default()),
            code => Err(Failure::Resolver(code)),
        }
    };
    let (sender, receiver) = std::sync::mpsc::channel();
    let asked = std::thread::Builder::new().name("resolver".into()).spawn(move || {
        // Nobody listens any more if the script was interrupted.
        let _ = sender.send(ask());
    });
    if let Err(why) = asked {
        return Err(Failure::Os(why.raw_os_error().unwrap_or(libc::EAGAIN)));
    }
    patience.receive(&receiver)?.unwrap_or(Err(Failure::Resolver(libc::EAI_FAIL)))
}

/// What a host is called, with its addresses.
fn named(host: &[u8], family: c_int, flags: c_int, patience: Patience<'_>) -> Result<Found, Failure> {
    let mut found = find(wanted(host, family, 0), patience)?;
    if let Some(first) = found.addresses.first() {
        found.name = Some(name_of(*first, flags, patience)?);
    }
    Ok(found)
}

/// Lua: `tohostname(ip)`: its name, and a table of all that is known about it.
unsafe extern "C-unwind" fn tohostname(lua: *mut lua_State) -> c_int {
    // SAFETY: see `toip`.
    unsafe {
        let host = check_bytes(lua, 1);
        let patience = Patience::of(Host::of(lua));
        match keep(lua, || named(host, libc::AF_INET, libc::NI_NAMEREQD, patience)) {
            Ok(found) => {
                push_bytes(lua, found.name.as_deref().map_or(host, CStr::to_bytes));
                push_resolved(lua, found, host);
                2
            }
            Err(why) => told(why).push(lua),
        }
    }
}

/// Lua: `getnameinfo(ip)`: a list of names.
unsafe extern "C-unwind" fn getnameinfo(lua: *mut lua_State) -> c_int {
    // SAFETY: see `toip`.
    unsafe {
        let host = check_bytes(lua, 1);
        let patience = Patience::of(Host::of(lua));
        match keep(lua, || named(host, libc::AF_UNSPEC, 0, patience)) {
            Ok(found) => {
                ffi::lua_createtable(lua, 1, 0);
                push_bytes(lua, found.name.as_deref().map_or(host, CStr::to_bytes));
                ffi::lua_rawseti_(lua, -2, 1);
                1
            }
            Err(why) => why.push(lua),
        }
    }
}

/// Lua: `gethostname()`.
unsafe extern "C-unwind" fn gethostname(lua: *mut lua_State) -> c_int {
    // SAFETY: see `toip`.
    unsafe {
        match keep(lua, hostname) {
            Ok(name) => {
                push_bytes(lua, name.to_bytes());
                1
            }
            Err(why) => why.push(lua),
        }
    }
}
