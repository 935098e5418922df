//! The connections that are open.

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use socket2::SockRef;

/// Knows every open connection, so that all can be told to end.
#[derive(Default)]
pub(super) struct Connections {
    open: Mutex<(u64, HashMap<u64, Arc<TcpStream>>)>,
}

/// A connection is known for as long as this lives.
pub(super) struct Entry<'a> {
    connections: &'a Connections,
    number: u64,
    socket: Arc<TcpStream>,
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, (u64, HashMap<u64, Arc<TcpStream>>)> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.lock().1.len()
    }

    /// Makes a connection known.
    pub(super) fn enter(&self, socket: TcpStream) -> Entry<'_> {
        let socket = Arc::new(socket);
        let mut open = self.lock();
        open.0 += 1;
        let number = open.0;
        open.1.insert(number, socket.clone());
        Entry { connections: self, number, socket }
    }

    /// Wakes all who wait for bytes: they get what has arrived, and then the end of the stream.
    pub(super) fn end_reading(&self) {
        for socket in self.lock().1.values() {
            // With no room left the system stops to acknowledge bytes that nobody will read.
            let _ = SockRef::from(socket.as_ref()).set_recv_buffer_size(1);
            // It fails when the peer is gone, and then there is no wait to end.
            let _ = socket.shutdown(Shutdown::Read);
        }
    }
}

impl Entry<'_> {
    /// The connection.
    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.connections.lock().1.remove(&self.number);
    }
}
