//! Raw data over TCP, UDP and unix datagram sockets.

use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::thread;
use std::time::Duration;

use heka_testkit::patience::wait_until;

use super::{READY, Steps, patiently};
use crate::case::Step;
use crate::error::CaseError;

impl Steps<'_> {
    pub(super) fn send_tcp(&mut self, step: &Step) -> Result<(), CaseError> {
        let address = self.address(step)?;
        let data = self.place.data(step)?;
        let failed = || CaseError::io(format!("send to {address}"));
        let mut stream =
            patiently(|| TcpStream::connect_timeout(&address, Duration::from_secs(5))).map_err(failed())?;
        stream.write_all(&data).map_err(failed())?;
        if step.keep {
            self.open.push(stream);
            return Ok(());
        }
        stream.shutdown(Shutdown::Write).map_err(failed())?;
        // The daemon gets time to read before the connection is gone.
        thread::sleep(Duration::from_millis(100));
        Ok(())
    }

    pub(super) fn send_udp(&mut self, step: &Step) -> Result<(), CaseError> {
        let data = self.place.data(step)?;
        if let Some(path) = &step.path {
            let path = self.place.out.join(path);
            return send_to_path(&path, &data).map_err(CaseError::at(&path));
        }
        let address = self.address(step)?;
        wait_until(READY, || is_bound(address.port()));
        let datagrams: Vec<Vec<u8>> = match &step.datagrams {
            Some(texts) => texts.iter().map(|text| text.clone().into_bytes()).collect(),
            None => vec![data],
        };
        let failed = || CaseError::io(format!("send to {address}"));
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed())?;
        for datagram in datagrams {
            socket.send_to(&datagram, address).map_err(failed())?;
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The loopback address of a step's port.
    pub(super) fn address(&self, step: &Step) -> Result<SocketAddr, CaseError> {
        let port = self.place.port(step.port.as_deref().unwrap_or_default())?;
        Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }
}

fn send_to_path(path: &std::path::Path, data: &[u8]) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    patiently(|| socket.connect(path))?;
    socket.send(data).map(drop)
}

/// A datagram socket listens on this port.
fn is_bound(port: u16) -> bool {
    let wanted = format!(":{port:04X}");
    ["/proc/net/udp", "/proc/net/udp6"].iter().any(|table| {
        let table = fs::read_to_string(table).unwrap_or_default();
        table.lines().any(|line| line.split_whitespace().nth(1).is_some_and(|local| local.ends_with(&wanted)))
    })
}
