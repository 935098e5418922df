//! TCP peers that misbehave until they are told to behave.

#![allow(dead_code, reason = "each test uses its part of it")]

use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use heka_testkit::Tally;

/// What a peer does with a connection until it behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Accepts and does not read.
    Sleep,
    /// Reads about so many bytes and resets the connection.
    Reset(usize),
    /// Reads a byte a second.
    Trickle,
    /// Reads a little now and then.
    Slow,
}

/// A peer on loopback. What each connection brought is kept apart, for it may end in the middle of a record.
pub(crate) struct BadPeer {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    habit: Habit,
    behaves: AtomicBool,
    received: Mutex<Vec<Arc<Mutex<Vec<u8>>>>>,
}

impl BadPeer {
    pub(crate) fn listen(habit: Habit) -> BadPeer {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared { habit, behaves: AtomicBool::new(false), received: Mutex::default() });
        let serving = shared.clone();
        thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                let bytes = Arc::new(Mutex::new(Vec::new()));
                serving.received.lock().unwrap().push(bytes.clone());
                let shared = serving.clone();
                thread::spawn(move || shared.serve(socket, &bytes).is_ok());
            }
        });
        BadPeer { port, shared }
    }

    /// From now on it reads all.
    pub(crate) fn behave(&self) {
        self.shared.behaves.store(true, Ordering::SeqCst);
    }

    /// How many connections were made to it.
    pub(crate) fn connections(&self) -> usize {
        self.shared.received.lock().unwrap().len()
    }

    /// The numbered lines that arrived, whole ones only, one connection after the other.
    pub(crate) fn ids(&self) -> Vec<u64> {
        let connections = self.shared.received.lock().unwrap().clone();
        connections.iter().flat_map(|bytes| crate::bench::ids(&bytes.lock().unwrap())).collect()
    }

    /// Whether it accepts and does not read.
    pub(crate) fn sleeps(&self) -> bool {
        self.shared.habit == Habit::Sleep
    }

    /// Whether it resets connections: then what its system had acknowledged and it had not read is lost to it, which no
    /// sender that ends meanwhile can know.
    pub(crate) fn resets(&self) -> bool {
        matches!(self.shared.habit, Habit::Reset(_))
    }

    /// Whether every line arrived at least once. In which order is not asked: a connection that was left to itself by a
    /// process that ended is read beside the next one.
    pub(crate) fn has_all(&self, said: u64) -> bool {
        self.tally(said).lost.is_empty()
    }

    /// What arrived against what was said.
    pub(crate) fn tally(&self, said: u64) -> Tally {
        Tally::of(said, self.ids())
    }
}

impl Shared {
    fn serve(&self, mut socket: TcpStream, bytes: &Mutex<Vec<u8>>) -> io::Result<()> {
        let read = |socket: &mut TcpStream, most: usize| -> io::Result<usize> {
            let mut buffer = vec![0; most];
            let count = socket.read(&mut buffer)?;
            bytes.lock().unwrap().extend_from_slice(&buffer[..count]);
            Ok(count)
        };
        let mut total = 0;
        loop {
            if self.behaves.load(Ordering::SeqCst) {
                if read(&mut socket, 65_536)? == 0 {
                    return Ok(());
                }
                continue;
            }
            match self.habit {
                Habit::Sleep => thread::sleep(Duration::from_millis(10)),
                Habit::Trickle => {
                    read(&mut socket, 1)?;
                    for _ in 0..100 {
                        thread::sleep(Duration::from_millis(10));
                        if self.behaves.load(Ordering::SeqCst) {
                            break;
                        }
                    }
                }
                Habit::Slow => {
                    if read(&mut socket, 16_384)? == 0 {
                        return Ok(());
                    }
                    thread::sleep(Duration::from_millis(5));
                }
                Habit::Reset(limit) => {
                    // Quickly, for what lies unread in its system is lost to it: of that the sender repeats 1 MiB.
                    let count = read(&mut socket, 65_536)?;
                    total += count;
                    if total >= limit {
                        // Closed with unread bytes, it is reset.
                        socket.peek(&mut [0])?;
                        return Ok(());
                    }
                    if count == 0 {
                        return Ok(());
                    }
                }
            }
        }
    }
}

/// A TcpOutput section that sends all lines there.
pub(crate) fn output(name: &str, address: &str) -> String {
    format!(
        "[{name}]\ntype = \"TcpOutput\"\nmessage_matcher = \"Type == 'logfile'\"\naddress = \"{address}\"\n\
         encoder = \"PayloadEncoder\"\nuse_framing = false\n"
    )
}
