//! A web server for tests: it answers what it is told to, and keeps what it was asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Longest wait for a request.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is done with a request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// These bytes are sent, and the connection goes on.
    Say(String),
    /// These bytes are sent, and the connection ends.
    SayAndClose(String),
    /// The connection ends with a reset.
    Reset,
    /// Nothing is sent.
    Hang,
}

/// A reply with a body.
pub(crate) fn reply(status: &str, body: &str) -> Answer {
    Answer::Say(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

/// A reply that leads elsewhere.
pub(crate) fn redirect(status: &str, location: &str) -> Answer {
    Answer::Say(format!("HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"))
}

#[derive(Default)]
struct Seen {
    requests: Vec<String>,
    connections: usize,
}

/// The server. It lives as long as the test's process.
pub(crate) struct FakeServer {
    pub(crate) address: SocketAddr,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

impl FakeServer {
    /// Answers the requests in turn; the last answer is for all that follow.
    pub(crate) fn start(answers: Vec<Answer>) -> FakeServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<(Mutex<Seen>, Condvar)> = Arc::default();
        let theirs = seen.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                theirs.0.lock().unwrap().connections += 1;
                let (seen, answers) = (theirs.clone(), answers.clone());
                std::thread::spawn(move || serve(&socket.unwrap(), &seen, &answers));
            }
        });
        FakeServer { address, seen }
    }

    /// A URL of this server.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests, once there are so many.
    pub(crate) fn requests(&self, count: usize) -> Vec<String> {
        let seen = self.seen.0.lock().unwrap();
        let (seen, waited) =
            self.seen.1.wait_timeout_while(seen, PATIENCE, |seen| seen.requests.len() < count).unwrap();
        assert!(!waited.timed_out(), "{:?}", seen.requests);
        seen.requests.clone()
    }

    /// How many connections there were.
    pub(crate) fn connections(&self) -> usize {
        self.seen.0.lock().unwrap().connections
    }
}

/// Serves a connection until it ends.
fn serve(socket: &TcpStream, seen: &(Mutex<Seen>, Condvar), answers: &[Answer]) {
    let mut reader = BufReader::new(socket);
    while let Some(request) = read_request(&mut reader) {
        let number = {
            let mut seen = seen.0.lock().unwrap();
            seen.requests.push(request);
            seen.requests.len() - 1
        };
        seen.1.notify_all();
        match answers.get(number).or(answers.last()).unwrap() {
            Answer::Say(text) => (&mut &*socket).write_all(text.as_bytes()).unwrap(),
            Answer::SayAndClose(text) => return (&mut &*socket).write_all(text.as_bytes()).unwrap(),
            Answer::Reset => {
                return socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO)).unwrap();
            }
            Answer::Hang => {}
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<String> {
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        if reader.read_line(&mut text).ok()? == 0 {
            return None;
        }
    }
    let length = text.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    text.push_str(&String::from_utf8(body).unwrap());
    Some(text)
}
