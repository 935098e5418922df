//! Network addresses in options, read and printed the way Go's `net` package does it, and its words for what fails.

mod port;

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

/// Which addresses a `net` option allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Both families.
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Family {
    /// The family of a network of the given protocol (`tcp` or `udp`): `tcp`, `tcp4` or `tcp6`.
    ///
    /// # Errors
    /// Another network.
    pub(crate) fn of(network: &str, protocol: &str) -> Result<Family, String> {
        match network.strip_prefix(protocol) {
            Some("") => Ok(Family::Any),
            Some("4") => Ok(Family::V4),
            Some("6") => Ok(Family::V6),
            _ => Err(format!("unknown network {network}")),
        }
    }

    fn allows(self, ip: IpAddr) -> bool {
        match self {
            Family::Any => true,
            Family::V4 => ip.is_ipv4(),
            Family::V6 => ip.is_ipv6(),
        }
    }
}

/// An address that an option names. Printed as Go prints it: no host is nothing before the colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    family: Family,
    /// `None`: no host was named.
    ip: Option<IpAddr>,
    port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip {
            Some(ip) => SocketAddr::new(ip, self.port).fmt(f),
            None => write!(f, ":{}", self.port),
        }
    }
}

impl Endpoint {
    /// Where a listener binds, and whether it must refuse IPv4 there. Without a host, or on `0.0.0.0`, it listens in both
    /// families, as far as `net` allows and the system has them.
    pub(crate) fn listening(&self) -> (SocketAddr, bool) {
        let wildcard = self.ip.is_none_or(|ip| ip.is_unspecified());
        let ip = match (self.family, wildcard) {
            (Family::V4, true) => Ipv4Addr::UNSPECIFIED.into(),
            (Family::V6, true) => Ipv6Addr::UNSPECIFIED.into(),
            (Family::Any, true) if has_ipv6() => Ipv6Addr::UNSPECIFIED.into(),
            (Family::Any, true) => Ipv4Addr::UNSPECIFIED.into(),
            (_, false) => self.ip.unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
        };
        (SocketAddr::new(ip, self.port), self.family == Family::V6)
    }

    /// Where a datagram socket sends to: no host is this machine.
    pub(crate) fn destination(&self) -> SocketAddr {
        let here = match self.family {
            Family::V6 => Ipv6Addr::LOCALHOST.into(),
            Family::Any | Family::V4 => Ipv4Addr::LOCALHOST.into(),
        };
        SocketAddr::new(self.ip.filter(|ip| !ip.is_unspecified()).unwrap_or(here), self.port)
    }

    /// A local address to send from towards `peer`.
    pub(crate) fn local_for(&self, peer: SocketAddr) -> SocketAddr {
        let any = if peer.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        SocketAddr::new(self.ip.unwrap_or(any), self.port)
    }
}

fn has_ipv6() -> bool {
    std::net::UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// The one address that `host:port` stands for; of several an IPv4 one is preferred.
///
/// # Errors
/// Go's text.
pub(crate) fn resolve(network: &str, protocol: &str, address: &str) -> Result<Endpoint, String> {
    let family = Family::of(network, protocol)?;
    if address.is_empty() {
        return Ok(Endpoint { family, ip: None, port: 0 });
    }
    let (host, port) = split_host_port(address)?;
    let port = port::number(network, protocol, port)?;
    if host.is_empty() {
        return Ok(Endpoint { family, ip: None, port });
    }
    let found = look_up(host, family)?;
    let ip = found.iter().find(|ip| ip.is_ipv4()).or(found.first()).copied();
    Ok(Endpoint { family, ip, port })
}

/// All addresses that `host:port` stands for, in the order in which to try them.
///
/// # Errors
/// Go's text.
pub fn candidates(protocol: &str, address: &str) -> Result<Vec<SocketAddr>, String> {
    let (host, port) = split_host_port(address)?;
    let port = port::number(protocol, protocol, port)?;
    let host = if host.is_empty() { "127.0.0.1" } else { host };
    Ok(look_up(host, Family::Any)?.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
}

fn look_up(host: &str, family: Family) -> Result<Vec<IpAddr>, String> {
    let unsuitable = || format!("address {host}: no suitable address");
    if let Ok(ip) = host.parse::<IpAddr>() {
        return if family.allows(ip) { Ok(vec![ip]) } else { Err(unsuitable()) };
    }
    let found = (host, 0u16).to_socket_addrs().map_err(|_| format!("lookup {host}: no such host"))?;
    let mut found: Vec<IpAddr> = found.map(|address| address.ip()).filter(|ip| family.allows(*ip)).collect();
    found.dedup();
    if found.is_empty() { Err(unsuitable()) } else { Ok(found) }
}

/// Splits `host:port`, `[ipv6]:port` or `:port`.
///
/// # Errors
/// Go's text.
pub fn split_host_port(address: &str) -> Result<(&str, &str), String> {
    let wrong = |why: &str| format!("address {address}: {why}");
    let (before, port) = address.rsplit_once(':').ok_or_else(|| wrong("missing port in address"))?;
    let host = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, _) = rest.split_once(']').ok_or_else(|| wrong("missing ']' in address"))?;
            if before.len() != host.len() + 2 {
                let missing = address.ends_with(']') || !before.contains(']');
                let why = if missing { "missing port in address" } else { "too many colons in address" };
                return Err(wrong(why));
            }
            host
        }
        None if before.contains(':') => return Err(wrong("too many colons in address")),
        None => before,
    };
    match host.chars().chain(port.chars()).find(|letter| matches!(letter, '[' | ']')) {
        Some(bracket) => Err(wrong(&format!("unexpected '{bracket}' in address"))),
        None => Ok((host, port)),
    }
}

/// An address of a peer as Go prints it: an IPv4 address that came in over an IPv6 socket is an IPv4 address.
pub(crate) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Why a call failed: the system's text with a small first letter and without its number.
pub fn reason(error: &io::Error) -> String {
    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) {
        return "i/o timeout".into();
    }
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests;
