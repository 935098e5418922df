//! Addresses of sockets, and finding them by name.

use std::ffi::{CStr, CString, c_int};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use mlua::ffi::{self, lua_State};

use super::failure::Failure;
use super::wait::Patience;
use crate::host::{ShortText, push_bytes};

/// An address of IPv4 or IPv6 with its port.
#[derive(Clone, Copy)]
pub(super) struct Address {
    pub(super) storage: libc::sockaddr_storage,
    pub(super) length: libc::socklen_t,
}

impl Address {
    pub(super) fn empty() -> Address {
        Address {
            // SAFETY: all zeros is a value of this struct.
            storage: unsafe { std::mem::zeroed() },
            length: size_of::<libc::sockaddr_storage>() as libc::socklen_t,
        }
    }

    /// The address that matches no particular one, to take a peer away from a datagram socket.
    pub(super) fn unspecified() -> Address {
        let mut address = Address::empty();
        address.storage.ss_family = libc::AF_UNSPEC as libc::sa_family_t;
        address
    }

    pub(super) fn as_ptr(&self) -> *const libc::sockaddr {
        (&raw const self.storage).cast()
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut libc::sockaddr {
        (&raw mut self.storage).cast()
    }

    pub(super) fn family(&self) -> c_int {
        self.storage.ss_family.into()
    }

    /// Address and port; `None` if it is of another family.
    pub(super) fn parts(&self) -> Option<(IpAddr, u16)> {
        let storage = &raw const self.storage;
        // SAFETY: the family tells which struct lies in the storage.
        unsafe {
            match self.family() {
                libc::AF_INET => {
                    let address = &*storage.cast::<libc::sockaddr_in>();
                    let ip = Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr));
                    Some((ip.into(), u16::from_be(address.sin_port)))
                }
                libc::AF_INET6 => {
                    let address = &*storage.cast::<libc::sockaddr_in6>();
                    Some((Ipv6Addr::from(address.sin6_addr.s6_addr).into(), u16::from_be(address.sin6_port)))
                }
                _ => None,
            }
        }
    }

    /// Pushes the address as text.
    ///
    /// # Safety
    /// Called from a host function with a free slot of the stack.
    pub(super) unsafe fn push_ip(&self, lua: *mut lua_State) {
        let text = match self.parts() {
            Some((ip, _)) => ShortText::of(format_args!("{ip}")),
            None => ShortText::new(),
        };
        // SAFETY: as promised.
        unsafe { push_bytes(lua, text.bytes()) }
    }

    /// Pushes address, port and family, as the methods do that tell an end of a socket.
    ///
    /// # Safety
    /// As [`Address::push_ip`], with three slots.
    pub(super) unsafe fn push(&self, lua: *mut lua_State) -> c_int {
        // SAFETY: as promised.
        unsafe {
            self.push_ip(lua);
            let port = self.parts().map_or(0, |(_, port)| port);
            ffi::lua_pushinteger(lua, port.into());
            ffi::lua_pushstring_(lua, family_name(self.family()).as_ptr());
            3
        }
    }
}

/// A family's name in Lua.
pub(super) fn family_name(family: c_int) -> &'static CStr {
    match family {
        libc::AF_INET => c"inet",
        libc::AF_INET6 => c"inet6",
        _ => c"unspec",
    }
}

/// What is looked for.
#[derive(Clone)]
pub(super) struct Wanted {
    /// `None` is any address of this machine.
    pub(super) host: Option<CString>,
    /// A number or the name of a service.
    pub(super) service: Option<CString>,
    pub(super) family: c_int,
    pub(super) kind: c_int,
    /// `AI_*`.
    pub(super) flags: c_int,
}

/// What was found: the addresses, and the host's canonical name if it was asked for.
#[derive(Default)]
pub(super) struct Found {
    pub(super) addresses: Vec<Address>,
    pub(super) name: Option<CString>,
}

/// Finds addresses. A name that must be asked for is looked up on a thread of its own, since nothing else interrupts
/// the system's resolver.
pub(super) fn find(wanted: Wanted, patience: Patience<'_>) -> Result<Found, Failure> {
    let numeric = Wanted { flags: wanted.flags | libc::AI_NUMERICHOST, ..wanted.clone() };
    match look_up(&numeric) {
        Err(Failure::Resolver(libc::EAI_NONAME))
            if wanted.host.is_some() && wanted.flags & libc::AI_NUMERICHOST == 0 => {}
        other => return other,
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    let asked = std::thread::Builder::new().name("resolver".into()).spawn(move || {
        // Nobody listens any more if the script was interrupted.
        let _ = sender.send(look_up(&wanted));
    });
    if let Err(why) = asked {
        return Err(Failure::Os(why.raw_os_error().unwrap_or(libc::EAGAIN)));
    }
    patience.receive(&receiver)?.unwrap_or(Err(Failure::Resolver(libc::EAI_FAIL)))
}

fn look_up(wanted: &Wanted) -> Result<Found, Failure> {
    let pointer = |text: &Option<CString>| text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
    let mut list: *mut libc::addrinfo = std::ptr::null_mut();
    // SAFETY: the strings outlive the call, and the list is freed below.
    unsafe {
        let mut hints = std::mem::zeroed::<libc::addrinfo>();
        hints.ai_family = wanted.family;
        hints.ai_socktype = wanted.kind;
        hints.ai_flags = wanted.flags;
        let code = libc::getaddrinfo(
            pointer(&wanted.host),
            pointer(&wanted.service),
            &raw const hints,
            &raw mut list,
        );
        if code == libc::EAI_SYSTEM {
            return Err(Failure::last());
        }
        if code != 0 {
            return Err(Failure::Resolver(code));
        }
        let mut found = Found::default();
        let mut at = list;
        while let Some(entry) = at.as_ref() {
            if found.name.is_none() && !entry.ai_canonname.is_null() {
                found.name = Some(CStr::from_ptr(entry.ai_canonname).to_owned());
            }
            let mut address = Address::empty();
            let length = entry.ai_addrlen.min(address.length);
            let storage = (&raw mut address.storage).cast::<u8>();
            std::ptr::copy_nonoverlapping(entry.ai_addr.cast::<u8>(), storage, length as usize);
            address.length = length;
            found.addresses.push(address);
            at = entry.ai_next;
        }
        libc::freeaddrinfo(list);
        Ok(found)
    }
}
