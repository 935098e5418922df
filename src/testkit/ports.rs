//! Loopback ports that nobody uses at the moment.

use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the range that the kernel takes the ports of outgoing connections from, so that no connection of another
/// test can take a port between its choice and its use.
const FIRST: u32 = 12_000;
const COUNT: u32 = 20_000;

/// How often a port was looked at in this process.
static LOOKS: AtomicU32 = AtomicU32::new(0);

/// Finds `count` different ports, free for both TCP and UDP. This process is not given the same one again for a long
/// time; another process starts its search elsewhere.
pub fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    let start = std::process::id().wrapping_mul(7919);
    let mut ports = Vec::with_capacity(count);
    let mut refused = None;
    for _ in 0..COUNT {
        if ports.len() == count {
            return Ok(ports);
        }
        let look = LOOKS.fetch_add(1, Ordering::Relaxed);
        let port = (FIRST + start.wrapping_add(look) % COUNT) as u16;
        let address = (Ipv4Addr::LOCALHOST, port);
        match TcpListener::bind(address).and_then(|_| UdpSocket::bind(address)) {
            Ok(_) => ports.push(port),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or_else(|| io::Error::other("too many ports wanted")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_free_and_differ() {
        let mut ports = [free_ports(5).unwrap(), free_ports(5).unwrap()].concat();
        for port in &ports {
            TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).unwrap();
        }
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 10);
    }
}
