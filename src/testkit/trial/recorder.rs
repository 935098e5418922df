//! The peer of a TcpOutput, which takes connections one after the other and enters what it reads in a ledger.

use std::io::{self, ErrorKind, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::ledger::Ledger;
use crate::error::TestkitError;
use crate::patience::wait_until;

/// So little may wait unread in this peer's system that a peer that does not read is felt soon.
const RECEIVE_BUFFER: usize = 32 << 10;
/// How often it looks for connections and for the wish to end.
const LOOK: Duration = Duration::from_millis(1);
const READ_PATIENCE: Duration = Duration::from_millis(50);

/// A peer that runs until it is dropped.
#[derive(Debug)]
pub struct Recorder {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    ledger: Mutex<Ledger>,
    /// It does not read.
    wedged: AtomicBool,
    /// How often it found no connection waiting.
    looks: AtomicU64,
    ended: AtomicBool,
}

impl Recorder {
    /// Listens on a free port.
    pub fn listen(ledger: Ledger) -> io::Result<Recorder> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        rustix::net::sockopt::set_socket_recv_buffer_size(&listener, RECEIVE_BUFFER)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            ledger: Mutex::new(ledger),
            wedged: AtomicBool::new(false),
            looks: AtomicU64::new(0),
            ended: AtomicBool::new(false),
        });
        let serving = shared.clone();
        let thread =
            thread::Builder::new().name("recorder".into()).spawn(move || serving.serve(&listener))?;
        Ok(Recorder { address, shared, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has arrived.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.shared.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stops reading, or goes on.
    pub fn set_wedged(&self, wedged: bool) {
        self.shared.wedged.store(wedged, Ordering::SeqCst);
    }

    /// Waits until all connections have ended and are read, once the daemon is dead.
    pub fn drain(&self, limit: Duration) -> Result<(), TestkitError> {
        let before = self.shared.looks.load(Ordering::SeqCst);
        // The look that goes on now may be from before the last connection came.
        match wait_until(limit, || self.shared.looks.load(Ordering::SeqCst) >= before + 2) {
            true => Ok(()),
            false => Err(TestkitError::Late { what: "the end of a dead daemon's connections".into(), limit }),
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // Its panic has failed the test already.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn serve(&self, listener: &TcpListener) {
        while !self.ended.load(Ordering::SeqCst) {
            match listener.accept() {
                // A connection that breaks has ended, which is all there is to know.
                Ok((stream, _)) => drop(self.read(stream)),
                Err(_) => {
                    self.looks.fetch_add(1, Ordering::SeqCst);
                    thread::sleep(LOOK);
                }
            }
        }
    }

    fn read(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(READ_PATIENCE))?;
        let mut bytes = Vec::new();
        let mut piece = vec![0; 64 << 10];
        while !self.ended.load(Ordering::SeqCst) {
            if self.wedged.load(Ordering::SeqCst) {
                thread::sleep(LOOK);
                continue;
            }
            match stream.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(count) => bytes.extend_from_slice(&piece[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(error),
            }
            let mut taken = 0;
            let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
            while taken < bytes.len() {
                match ledger.take_frames(&bytes[taken..]) {
                    0 => break,
                    count => taken += count,
                }
            }
            drop(ledger);
            bytes.drain(..taken);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::ledger::Sender;
    use super::super::record::write_frame;
    use super::*;

    #[test]
    fn connections_are_read_in_turn_to_their_end() {
        let sender = Sender { letter: b'a', claims: Arc::default() };
        sender.claims.owe(sender.claims.issue(4));
        let recorder = Recorder::listen(Ledger::new("peer", &[sender])).unwrap();
        for ids in [0..2, 1..4] {
            let mut stream = TcpStream::connect(recorder.address()).unwrap();
            let mut bytes = Vec::new();
            ids.for_each(|id| write_frame(b'a', id, &mut bytes));
            // A connection may end in the middle of a record.
            write_frame(b'a', 0, &mut bytes);
            stream.write_all(&bytes[..bytes.len() - 1]).unwrap();
        }
        recorder.drain(Duration::from_secs(20)).unwrap();
        let mut ledger = recorder.ledger();
        ledger.end_run();
        assert_eq!((ledger.problems(), ledger.repeats().total.resent), (Vec::new(), 1));
    }
}
