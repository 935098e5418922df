//! TCP peers on loopback, good and bad ones.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How a peer treats its connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Reads and keeps everything.
    Read,
    /// Accepts and never reads.
    Wedged,
    /// Reads so many bytes, then closes with a reset.
    ResetAfter(usize),
    /// Reads a byte, waits so long, reads the next.
    Trickle(Duration),
    /// Answers each connection with a fixed text and closes.
    Answer(&'static [u8]),
}

/// A listening peer. Dropping it closes the port and all connections.
#[derive(Debug)]
pub struct Peer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    received: Mutex<Vec<u8>>,
    open: Mutex<Vec<TcpStream>>,
    connections: AtomicUsize,
    closed: AtomicBool,
}

impl Peer {
    /// Listens on a port (0: any). A late peer is one that is made when the daemon has long been running.
    pub fn listen(port: u16, manner: Manner) -> io::Result<Peer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, manner, &accepting));
        Ok(Peer { address, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What all connections have received, in order of arrival.
    pub fn received(&self) -> Vec<u8> {
        lock(&self.shared.received).clone()
    }

    /// How many bytes all connections have received.
    pub fn received_bytes(&self) -> usize {
        lock(&self.shared.received).len()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        for stream in lock(&self.shared.open).drain(..) {
            // The other side may be gone already.
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the accepting thread, which then drops the listener.
        let _ = TcpStream::connect(self.address);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, manner: Manner, shared: &Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept() {
        if shared.closed.load(Ordering::SeqCst) {
            return;
        }
        shared.connections.fetch_add(1, Ordering::SeqCst);
        if let Ok(kept) = stream.try_clone() {
            lock(&shared.open).push(kept);
        }
        let shared = Arc::clone(shared);
        // A connection that fails has ended, which is all there is to know.
        thread::spawn(move || serve(stream, manner, &shared).is_ok());
    }
}

fn serve(mut stream: TcpStream, manner: Manner, shared: &Shared) -> io::Result<()> {
    match manner {
        Manner::Read => receive(&mut stream, shared, 65_536, usize::MAX, Duration::ZERO),
        Manner::Wedged => Ok(()),
        Manner::Trickle(pause) => receive(&mut stream, shared, 1, usize::MAX, pause),
        Manner::ResetAfter(limit) => {
            receive(&mut stream, shared, 4096, limit, Duration::ZERO)?;
            // Closing with unread bytes in the receive buffer makes the kernel send a reset.
            let mut byte = [0];
            stream.peek(&mut byte)?;
            lock(&shared.open).retain(|s| s.peer_addr().ok() != stream.peer_addr().ok());
            Ok(())
        }
        Manner::Answer(text) => {
            stream.write_all(text)?;
            stream.shutdown(Shutdown::Write)?;
            receive(&mut stream, shared, 65_536, usize::MAX, Duration::ZERO)
        }
    }
}

fn receive(
    stream: &mut TcpStream,
    shared: &Shared,
    at_once: usize,
    mut limit: usize,
    pause: Duration,
) -> io::Result<()> {
    let mut buffer = vec![0; at_once];
    while limit > 0 {
        let wanted = limit.min(at_once);
        let count = stream.read(&mut buffer[..wanted])?;
        if count == 0 {
            break;
        }
        lock(&shared.received).extend_from_slice(&buffer[..count]);
        limit -= count;
        if !pause.is_zero() {
            thread::sleep(pause);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patience::wait_until;

    const LIMIT: Duration = Duration::from_secs(5);

    #[test]
    fn a_good_peer_keeps_what_it_reads() {
        let peer = Peer::listen(0, Manner::Read).unwrap();
        TcpStream::connect(peer.address()).unwrap().write_all(b"hello").unwrap();
        assert!(wait_until(LIMIT, || peer.received() == b"hello"));
        assert_eq!(peer.connections(), 1);
    }

    #[test]
    fn a_resetting_peer_breaks_the_connection() {
        let peer = Peer::listen(0, Manner::ResetAfter(3)).unwrap();
        let mut stream = TcpStream::connect(peer.address()).unwrap();
        stream.write_all(b"hello").unwrap();
        assert!(wait_until(LIMIT, || stream.write_all(b"more").is_err()));
        assert_eq!(peer.received(), b"hel");
    }

    #[test]
    fn a_dropped_peer_refuses() {
        let peer = Peer::listen(0, Manner::Wedged).unwrap();
        let address = peer.address();
        drop(peer);
        assert!(wait_until(LIMIT, || TcpStream::connect(address).is_err()));
    }
}
