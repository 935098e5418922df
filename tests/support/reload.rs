//! A daemon that is reloaded while numbered messages come in.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use heka_message::{DEFAULT_MAX_MESSAGE_SIZE, Message, write_frame};
use heka_testkit::daemon::{Daemon, Signal, configure, send_signal};
use heka_testkit::ports::free_ports;
use heka_testkit::{Scratch, wait_until};

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const FLOOD: &str = env!("CARGO_BIN_EXE_heka-flood");
const LONG: Duration = Duration::from_secs(60);

/// What the log says became of a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    New,
    Unchanged,
    Refused,
}

/// How often something is done: the environment's word, or a number for every day.
pub(crate) fn count(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(usual)
}

/// The daemon and its folder. Fields are dropped in order.
pub(crate) struct Bench {
    daemon: Option<Daemon>,
    pub(crate) scratch: Scratch,
    /// Of the TcpInput that is always there.
    pub(crate) port: u16,
}

impl Bench {
    /// A folder with this configuration behind the usual.
    pub(crate) fn new(more: &str) -> Bench {
        let port = free_ports(1).unwrap()[0];
        let bench = Bench { daemon: None, scratch: Scratch::new().unwrap(), port };
        bench.configure(more);
        bench
    }

    pub(crate) fn configure(&self, more: &str) {
        let port = self.port;
        self.configure_whole(&format!(
            "[hekad]\nbase_dir = \"$DIR/base\"\nhostname = \"h\"\nlog_flags = 0\nshare_dir = \"$DIR/share\"\n\
             [tcp]\ntype = \"TcpInput\"\naddress = \"127.0.0.1:{port}\"\n[PayloadEncoder]\n{more}"
        ));
    }

    pub(crate) fn configure_whole(&self, config: &str) {
        configure(&self.scratch, config).unwrap();
    }

    /// Starts the daemon, again if it has ended, and waits until it runs: before it hears no signals.
    pub(crate) fn start(&mut self) {
        let runs = |bench: &Bench| bench.stdout().matches("Input started: tcp\n").count();
        let before = runs(self);
        self.daemon = Some(Daemon::start(HEKAD, &self.scratch).unwrap());
        self.wait("it runs", |bench| runs(bench) > before);
    }

    pub(crate) fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().unwrap()
    }

    pub(crate) fn daemon_mut(&mut self) -> &mut Daemon {
        self.daemon.as_mut().unwrap()
    }

    /// Standard output of all runs.
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.scratch.read("stdout")).into_owned()
    }

    /// The end of both logs.
    pub(crate) fn logs(&self) -> String {
        let (stdout, stderr) = (self.stdout(), self.daemon().log());
        let last = |text: &str| {
            text.lines().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n")
        };
        format!("stdout:\n{}\nstderr:\n{}", last(&stdout), last(&stderr))
    }

    /// Waits until something holds while the daemon runs.
    pub(crate) fn wait(&mut self, what: &str, done: impl Fn(&Bench) -> bool) {
        let mut alive = Ok(());
        let held = wait_until(LONG, || {
            alive = self.daemon_mut().check_alive();
            alive.is_err() || done(self)
        });
        alive.unwrap();
        assert!(held, "not in {LONG:?}: {what}\n{}", self.logs());
    }

    /// Waits until a file gets more messages.
    pub(crate) fn flows(&mut self, file: &str) {
        let before = self.scratch.size(file);
        self.wait(&format!("{file} grows"), |bench| bench.scratch.size(file) > before);
    }

    fn outcomes(&self) -> [usize; 3] {
        let (stdout, stderr) = (self.stdout(), self.daemon().log());
        let count = |text: &str, part: &str| text.matches(part).count();
        [
            count(&stdout, "New configuration: "),
            count(&stdout, "The configuration has not changed."),
            count(&stderr, "The new configuration is refused"),
        ]
    }

    /// Sends SIGHUP and waits until the log says what came of it.
    pub(crate) fn reload(&mut self) -> Outcome {
        let before = self.outcomes();
        self.daemon().signal(Signal::HUP).unwrap();
        self.wait("the reload is done", |bench| bench.outcomes() != before);
        let after = self.outcomes();
        let at = (0..3).find(|at| after[*at] != before[*at]).unwrap();
        [Outcome::New, Outcome::Unchanged, Outcome::Refused][at]
    }

    pub(crate) fn stop(&mut self) {
        let status = self.daemon_mut().stop(LONG).unwrap();
        assert_eq!(status.code(), Some(0), "{}", self.logs());
    }
}

/// Numbers at the beginnings of whole lines.
pub(crate) fn ids(bytes: &[u8]) -> Vec<u64> {
    let text = String::from_utf8_lossy(bytes);
    let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    whole.filter_map(|line| line.parse().ok()).collect()
}

/// A connection, once somebody listens.
pub(crate) fn connected(port: u16) -> TcpStream {
    let mut stream = None;
    wait_until(LONG, || {
        stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok();
        stream.is_some()
    });
    stream.expect("nobody listens")
}

/// Sends numbered messages over one connection, without end.
pub(crate) struct Numbers {
    stop: Arc<AtomicBool>,
    sender: JoinHandle<std::io::Result<u64>>,
}

impl Numbers {
    pub(crate) fn start(port: u16) -> Numbers {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        Numbers { stop, sender: spawn(move || send_numbers(port, &stopped)) }
    }

    /// Ends the connection, which nobody has ended before; returns how many were sent.
    pub(crate) fn finish(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.sender.join().unwrap().expect("the connection was dropped")
    }

    /// Ends without regard to the connection.
    pub(crate) fn abandon(self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.sender.join().unwrap();
    }
}

fn send_numbers(port: u16, stop: &AtomicBool) -> std::io::Result<u64> {
    let mut stream = connected(port);
    let mut sent: u64 = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut frames = Vec::new();
        for _ in 0..5 {
            let message = Message {
                uuid: Some(sent.to_be_bytes().repeat(2)[..].into()),
                timestamp: Some(1),
                msg_type: Some("number".into()),
                payload: Some(sent.to_string().into()),
                ..Message::default()
            };
            let mut bytes = Vec::new();
            message.encode(&mut bytes);
            write_frame(&bytes, DEFAULT_MAX_MESSAGE_SIZE, &mut frames).unwrap();
            sent += 1;
        }
        stream.write_all(&frames)?;
        sleep(Duration::from_millis(2));
    }
    // The daemon says nothing, and it has not hung up.
    stream.set_nonblocking(true)?;
    match stream.read(&mut [0]) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(sent),
        read => Err(std::io::Error::other(format!("the peer said {read:?}"))),
    }
}

/// Sends one message over a connection of its own.
pub(crate) fn send(port: u16, message: &Message) {
    let (mut bytes, mut frame) = (Vec::new(), Vec::new());
    message.encode(&mut bytes);
    write_frame(&bytes, DEFAULT_MAX_MESSAGE_SIZE, &mut frame).unwrap();
    connected(port).write_all(&frame).unwrap();
}

/// heka-flood at work. Dropping it kills it.
pub(crate) struct Started {
    child: Child,
    stdout: std::path::PathBuf,
}

impl Started {
    pub(crate) fn flood(scratch: &Scratch, port: u16, interval: &str) -> Started {
        let config = format!(
            "[default]\nsender = \"tcp\"\nip_address = \"127.0.0.1:{port}\"\nmessage_interval = \"{interval}\"\n\
             static_message_size = 100\nascii_only = true\n"
        );
        scratch.write("flood.toml", config).unwrap();
        let stdout = scratch.join("flood-stdout");
        let mut command = Command::new(FLOOD);
        command.args(["-config", "flood.toml"]).current_dir(scratch.path()).stdin(Stdio::null());
        command.stdout(File::create(&stdout).unwrap());
        Started { child: command.spawn().unwrap(), stdout }
    }

    /// Ends it; returns how many messages it has sent over the one connection that it made.
    pub(crate) fn finish(mut self) -> u64 {
        send_signal(&self.child, Signal::INT).unwrap();
        let status = self.child.wait().unwrap();
        let text = std::fs::read_to_string(&self.stdout).unwrap();
        let last = text.lines().find(|line| line.contains("messages sent")).unwrap_or_default();
        assert!(status.success() && last.contains("Clean shutdown:"), "{status} {text}");
        let number = last.split("Clean shutdown:").nth(1).and_then(|rest| rest.split_whitespace().next());
        number.and_then(|number| number.parse().ok()).unwrap()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Nothing can be done about a failure here, and a second kill is harmless.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Posts a body; says whether it was acknowledged.
pub(crate) fn post(port: u16, body: &str) -> bool {
    let exchange = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let length = body.len();
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )?;
        let mut reply = Vec::new();
        // A reply that is cut off counts as none.
        let read = stream.read_to_end(&mut reply);
        Ok(read.is_ok() && reply.starts_with(b"HTTP/1.1 200 "))
    };
    exchange().unwrap_or(false)
}

/// Posts numbers, one after the other, each until it is acknowledged or given up for the next.
pub(crate) struct Poster {
    stop: Arc<AtomicBool>,
    count: Arc<AtomicU64>,
    sender: JoinHandle<Vec<u64>>,
}

impl Poster {
    pub(crate) fn start(port: u16) -> Poster {
        let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, counted) = (stop.clone(), count.clone());
        let sender = spawn(move || {
            let mut acknowledged = Vec::new();
            for id in 0.. {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                if post(port, &id.to_string()) {
                    acknowledged.push(id);
                    counted.fetch_add(1, Ordering::Relaxed);
                } else {
                    sleep(Duration::from_millis(5));
                }
            }
            acknowledged
        });
        Poster { stop, count, sender }
    }

    /// How many were acknowledged so far.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Ends; returns the numbers that were acknowledged.
    pub(crate) fn finish(self) -> Vec<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.sender.join().unwrap()
    }
}
