//! What a case does to the daemon while it runs, and with its tools afterwards.

mod http;
mod network;
mod tool;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use heka_testkit::daemon::{Signal, send_signal};
use heka_testkit::patience::wait_until;

use crate::case::{Action, Step};
use crate::error::CaseError;
use crate::place::Place;
use crate::suite::Suite;

/// How long a step waits for the daemon to be ready.
const READY: Duration = Duration::from_secs(8);

/// Does the steps of one case.
#[derive(Debug)]
pub struct Steps<'a> {
    /// Where the case runs.
    pub place: &'a Place,
    /// The programs.
    pub suite: &'a Suite,
    /// Connections that stay open until the run ends.
    pub open: Vec<TcpStream>,
}

impl Steps<'_> {
    /// Does one step; `daemon` is the running process, if any.
    pub fn act(&mut self, step: &Step, daemon: Option<&Child>) -> Result<(), CaseError> {
        match step.action {
            Action::Tcp => self.send_tcp(step),
            Action::Udp => self.send_udp(step),
            Action::Http => self.request(step),
            Action::Tool => self.run_tool(step),
            Action::Signal => signal(step, daemon),
            Action::Sleep => {
                thread::sleep(Duration::from_secs_f64(step.s.unwrap_or(0.0)));
                Ok(())
            }
            Action::Wait => {
                self.wait(step);
                Ok(())
            }
            Action::Append
            | Action::Write
            | Action::Rename
            | Action::Remove
            | Action::Gzip
            | Action::Mkdir => self.change_file(step),
        }
    }

    /// Whether or not the text came in time, the comparison will tell.
    fn wait(&self, step: &Step) {
        let path = self.place.out.join(step.file.as_deref().unwrap_or_default());
        let text = step.text.as_deref().unwrap_or_default().as_bytes();
        let limit = step.s.map_or(READY, Duration::from_secs_f64);
        wait_until(limit, || fs::read(&path).is_ok_and(|bytes| contains(&bytes, text)));
    }

    fn change_file(&self, step: &Step) -> Result<(), CaseError> {
        let path = self.input_path(step.path.as_deref());
        let changed = match step.action {
            Action::Append => {
                let data = self.place.data(step)?;
                let file = OpenOptions::new().append(true).create(true).open(&path);
                file.and_then(|mut file| file.write_all(&data))
            }
            Action::Write => fs::write(&path, self.place.data(step)?),
            Action::Rename => fs::rename(&path, self.input_path(step.to.as_deref())),
            Action::Remove => fs::remove_file(&path),
            Action::Mkdir => fs::create_dir_all(&path),
            _ => gzip(&path),
        };
        changed.map_err(CaseError::at(&path))
    }

    fn input_path(&self, name: Option<&str>) -> PathBuf {
        self.place.input.join(name.unwrap_or_default())
    }

    /// Appends to the file that a step saves to.
    fn save(&self, step: &Step, default: &str, bytes: &[u8]) -> Result<(), CaseError> {
        let path = self.place.out.join(step.save.as_deref().unwrap_or(default));
        let file = OpenOptions::new().append(true).create(true).open(&path);
        file.and_then(|mut file| file.write_all(bytes)).map_err(CaseError::at(&path))
    }
}

/// An empty text is contained in everything.
fn contains(bytes: &[u8], text: &[u8]) -> bool {
    text.is_empty() || bytes.windows(text.len()).any(|window| window == text)
}

/// Tries again for as long as the daemon may need to get ready.
fn patiently<T>(mut what: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let end = Instant::now() + READY;
    loop {
        match what() {
            Err(_) if Instant::now() < end => thread::sleep(Duration::from_millis(50)),
            result => return result,
        }
    }
}

fn gzip(path: &Path) -> io::Result<()> {
    let mut packed = path.as_os_str().to_owned();
    packed.push(".gz");
    let mut encoder = GzEncoder::new(File::create(packed)?, Compression::best());
    io::copy(&mut File::open(path)?, &mut encoder)?;
    encoder.finish()?;
    fs::remove_file(path)
}

fn signal(step: &Step, daemon: Option<&Child>) -> Result<(), CaseError> {
    let name = step.name.as_deref().unwrap_or_default();
    let signal = match name {
        "HUP" => Signal::HUP,
        "INT" => Signal::INT,
        "QUIT" => Signal::QUIT,
        "KILL" => Signal::KILL,
        "TERM" => Signal::TERM,
        "USR1" => Signal::USR1,
        "USR2" => Signal::USR2,
        "STOP" => Signal::STOP,
        "CONT" => Signal::CONT,
        _ => return Err(CaseError::Process(format!("unknown signal {name}"))),
    };
    let Some(daemon) = daemon else {
        return Err(CaseError::Process("a signal without a daemon".to_owned()));
    };
    send_signal(daemon, signal).map_err(|e| CaseError::Process(e.to_string()))
}
