//! The bulk interface over UDP. Nobody says whether a datagram arrives.

use std::net::{SocketAddr, UdpSocket};

use heka_plugin::{ConfigError, Fate};

use super::{Trouble, bulk};
use crate::addressing::{candidates, reason};
use crate::http_client::Url;

/// A datagram is full at so many bytes, as in Heka.
pub(super) const FULL_BYTES: usize = 65_000;
/// The most that a datagram over IPv4 holds.
const MOST_BYTES: usize = 65_507;

/// Where datagrams go. The name is looked up when the first is sent, and again after a failure.
pub(super) struct Datagrams {
    address: String,
    socket: Option<UdpSocket>,
}

impl Datagrams {
    pub(super) fn new(urls: &[Url]) -> Result<Datagrams, ConfigError> {
        let address = urls.first().map(|url| url.host.clone()).unwrap_or_default();
        Ok(Datagrams { address, socket: None })
    }

    /// Sends records, several in a datagram.
    pub(super) fn deliver(&mut self, records: &[&[u8]], fates: &mut [Fate]) -> Option<Trouble> {
        let mut body = Vec::new();
        let mut sent = 0;
        for (index, record) in records.iter().enumerate() {
            if record.len() + usize::from(!record.ends_with(b"\n")) > MOST_BYTES {
                let why = format!("{} bytes do not fit into a datagram of {MOST_BYTES}", record.len());
                fates[index] = Fate::Rejected(why);
            } else {
                bulk::push(record, false, &mut body);
            }
            let next = records.get(index + 1).map(|next| next.len() + 1);
            if next.is_none_or(|next| body.len() + next > FULL_BYTES) {
                if let Err(why) = self.send(&body) {
                    self.socket = None;
                    return Some(Trouble::new(why));
                }
                let delivered = fates[sent..=index].iter_mut().filter(|fate| **fate == Fate::Again);
                delivered.for_each(|fate| *fate = Fate::Delivered);
                sent = index + 1;
                body.clear();
            }
        }
        None
    }

    fn send(&mut self, body: &[u8]) -> Result<(), String> {
        if body.is_empty() {
            return Ok(());
        }
        let failed = |error: &std::io::Error| format!("UDP write failed: {}", reason(error));
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => connect(&self.address)?,
        };
        let sent = socket.send(body);
        sent.map_err(|error| failed(&error))?;
        self.socket = Some(socket);
        Ok(())
    }
}

fn connect(address: &str) -> Result<UdpSocket, String> {
    let failed = |why: &str| format!("UDP connection to {address} failed: {why}");
    let found = candidates("udp", address).map_err(|why| failed(&why))?;
    let to = found.first().ok_or_else(|| failed("no address"))?;
    let any = match to {
        SocketAddr::V4(_) => SocketAddr::from(([0, 0, 0, 0], 0)),
        SocketAddr::V6(_) => SocketAddr::from(([0; 16], 0)),
    };
    let socket = UdpSocket::bind(any).map_err(|error| failed(&reason(&error)))?;
    socket.connect(to).map_err(|error| failed(&reason(&error)))?;
    Ok(socket)
}
