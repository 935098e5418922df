//! Loopback ports that nobody uses at the moment.

use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};

/// Finds `count` different ports, free for both TCP and UDP. They are released again, so another program may take
/// one before its user does; the kernel hands them out in turn, which makes that rare.
pub fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    let mut held = Vec::with_capacity(count);
    while held.len() < count {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = tcp.local_addr()?.port();
        if let Ok(udp) = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)) {
            held.push((port, tcp, udp));
        }
    }
    Ok(held.iter().map(|(port, _, _)| *port).collect())
}
