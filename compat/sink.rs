//! Peers that keep what the daemon sends.

mod http;

pub(crate) use http::{header, read_body, read_headers, read_line};

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::case::{Sink, SinkKind};
use crate::error::CaseError;

/// How often a datagram sink looks whether it is to end.
const LOOK: Duration = Duration::from_millis(200);

/// A listening sink. Dropping it frees the port and closes its connections.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What the threads of a sink share.
#[derive(Debug)]
struct Shared {
    spec: Sink,
    kept: Mutex<File>,
    open: Mutex<Vec<TcpStream>>,
    closed: AtomicBool,
}

impl Shared {
    /// Appends what was received.
    fn keep(&self, bytes: &[u8]) -> io::Result<()> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).write_all(bytes)
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }
}

impl Listening {
    /// Starts to listen and to write to the sink's file in `out`.
    pub fn start(spec: &Sink, port: u16, out: &Path) -> Result<Listening, CaseError> {
        let path = out.join(&spec.file);
        File::create(&path).map_err(CaseError::at(&path))?;
        let kept = OpenOptions::new().append(true).open(&path).map_err(CaseError::at(&path))?;
        let shared = Arc::new(Shared {
            spec: spec.clone(),
            kept: Mutex::new(kept),
            open: Mutex::default(),
            closed: AtomicBool::new(false),
        });
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let failed = || CaseError::io(format!("listen on {address}"));
        let own = Arc::clone(&shared);
        if spec.kind == SinkKind::Udp {
            let socket = UdpSocket::bind(address).map_err(failed())?;
            socket.set_read_timeout(Some(LOOK)).map_err(failed())?;
            thread::spawn(move || receive_datagrams(&socket, &own));
        } else {
            let listener = TcpListener::bind(address).map_err(failed())?;
            thread::spawn(move || accept(&listener, &own));
        }
        Ok(Listening { address, shared })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        for stream in self.shared.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // The other side may be gone already.
            let _ = stream.shutdown(Shutdown::Both);
        }
        if self.shared.spec.kind != SinkKind::Udp {
            // Wakes the accepting thread.
            let _ = TcpStream::connect(self.address);
        }
    }
}

fn receive_datagrams(socket: &UdpSocket, shared: &Shared) {
    let mut buffer = vec![0; 65_536];
    while !shared.is_closed() {
        match socket.recv(&mut buffer) {
            Ok(size) if shared.keep(&buffer[..size]).is_err() => return,
            Err(e) if e.kind() != io::ErrorKind::WouldBlock && e.kind() != io::ErrorKind::TimedOut => return,
            _ => {}
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept() {
        if shared.is_closed() {
            return;
        }
        if let Ok(kept) = stream.try_clone() {
            shared.open.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
        }
        let shared = Arc::clone(shared);
        // A connection that fails has ended, which is all there is to know.
        thread::spawn(move || match shared.spec.kind {
            SinkKind::Http => http::serve(&stream, &shared).is_ok(),
            _ => drain(stream, &shared).is_ok(),
        });
    }
}

fn drain(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut buffer = vec![0; 65_536];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            size => shared.keep(&buffer[..size])?,
        }
    }
}
