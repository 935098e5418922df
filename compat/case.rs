//! The contents of `case.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::error::CaseError;

/// What is done with a daemon and what is compared afterwards. Unknown keys are errors.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// A sentence for readers.
    #[serde(default)]
    pub about: String,
    /// Seconds after which a run is ended, quiet or not.
    #[serde(default = "twenty")]
    pub timeout_s: f64,
    /// A run is stopped when the compared files did not grow for so many seconds.
    #[serde(default = "one")]
    pub quiet_s: f64,
    /// But not before so many seconds.
    #[serde(default = "one")]
    pub min_s: f64,
    /// How a run ends.
    #[serde(default)]
    pub ends: Ends,
    /// The exit code each run must have; not looked at when absent. A death by signal N is -N.
    pub exit_code: Option<i32>,
    /// How many times the process is started on the same scratch folder; 0: never, for cases about the tools.
    #[serde(default = "one_run")]
    pub runs: u32,
    /// The runs, counted from 1, that are ended with SIGKILL instead of SIGINT.
    #[serde(default)]
    pub kill: Vec<u32>,
    /// Arguments after `-config=`.
    #[serde(default)]
    pub args: Vec<String>,
    /// Environment; `TZ` is UTC unless set here.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What is done while the daemon runs.
    #[serde(default)]
    pub step: Vec<Step>,
    /// What is done when the last run has ended.
    #[serde(default)]
    pub after: Vec<Step>,
    /// Peers that keep what they get.
    #[serde(default)]
    pub sink: Vec<Sink>,
    /// What is compared.
    pub compare: Vec<Compare>,
}

/// How a run ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ends {
    /// It is sent SIGINT when it is quiet.
    #[default]
    Signal,
    /// It must end by itself.
    Exit,
}

/// One action; which keys matter depends on `do`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What is done.
    #[serde(rename = "do")]
    pub action: Action,
    /// The run it belongs to.
    #[serde(default = "one_run")]
    pub run: u32,
    /// The name of a port: `PORT1` to `PORT9`.
    pub port: Option<String>,
    /// Data: a file of the case's folder; for `wait` a file of the scratch folder.
    pub file: Option<String>,
    /// Data as text; for `wait` what the file must hold.
    pub text: Option<String>,
    /// Data as hexadecimal digits.
    pub hex: Option<String>,
    /// `udp`: one datagram each.
    pub datagrams: Option<Vec<String>>,
    /// `tcp`: leave the connection open until the run ends.
    #[serde(default)]
    pub keep: bool,
    /// A path in the scratch copy of `in/`; `http`: the request's path; `udp`: a unix socket in the scratch folder.
    pub path: Option<String>,
    /// `rename`: the new name.
    pub to: Option<String>,
    /// `http`: the method.
    pub method: Option<String>,
    /// `http`: request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// `http`: reply headers to save with the reply.
    #[serde(default)]
    pub show: Vec<String>,
    /// Where replies and tool output go, in the scratch folder.
    pub save: Option<String>,
    /// `tool`: program and arguments; `$NAMES` of the environment are expanded.
    #[serde(default)]
    pub cmd: Vec<String>,
    /// `tool`: keep only the exit code and standard error.
    #[serde(default)]
    pub quiet: bool,
    /// `sleep`, `tool`, `wait`: seconds.
    pub s: Option<f64>,
    /// `signal`: its name without SIG.
    pub name: Option<String>,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Connects, sends, closes its half, then all.
    Tcp,
    /// Sends datagrams, also to a unix socket.
    Udp,
    /// Makes a request and saves the reply.
    Http,
    /// Appends data to a file.
    Append,
    /// Replaces a file's data.
    Write,
    /// Renames a file.
    Rename,
    /// Removes a file.
    Remove,
    /// Compresses a file to NAME.gz and removes it.
    Gzip,
    /// Makes a folder.
    Mkdir,
    /// Signals the daemon.
    Signal,
    /// Lets time pass.
    Sleep,
    /// Waits until a file holds a text.
    Wait,
    /// Runs one of the command line tools.
    Tool,
}

/// A peer that keeps what it gets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sink {
    /// Its protocol.
    pub kind: SinkKind,
    /// The name of its port.
    pub port: String,
    /// Where it keeps what it gets, in the scratch folder.
    pub file: String,
    /// `http`: the status of replies.
    #[serde(default = "ok")]
    pub status: u16,
    /// `http`: the body of replies.
    #[serde(default)]
    pub body: String,
    /// `http`: request headers to keep.
    #[serde(default)]
    pub headers: Vec<String>,
    /// It listens from this run on.
    #[serde(default = "one_run")]
    pub run: u32,
    /// Seconds after that run's start.
    pub delay: Option<f64>,
}

/// The protocol of a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SinkKind {
    /// Bytes of all connections.
    Tcp,
    /// Bytes of all datagrams.
    Udp,
    /// `METHOD PATH`, headers, body of each request.
    Http,
}

/// A comparison of one output, or of several together.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compare {
    /// A path in the scratch folder; `stdout` and `stderr` are files too.
    pub file: String,
    /// How it is read.
    #[serde(default, rename = "as")]
    pub form: Form,
    /// Streams: header names and `Fields[name]` to leave out.
    pub ignore: Option<Vec<String>>,
    /// Regular expressions in Python's syntax and what replaces their matches.
    #[serde(default)]
    pub mask: Vec<(String, String)>,
    /// `file` is a pattern; all files that match are compared together, sorted by path.
    #[serde(default)]
    pub glob: bool,
    /// A line `== NAME` before each file.
    #[serde(default)]
    pub titles: bool,
    /// Sort the lines after the masks and drop empty ones.
    #[serde(default)]
    pub sort: bool,
    /// With `sort`: drop repeated lines as well.
    #[serde(default)]
    pub uniq: bool,
}

/// How an output is read before it is compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// As it is.
    #[default]
    Text,
    /// Sorted lines.
    Lines,
    /// Framed messages, a JSON object a line.
    Stream,
    /// The same, sorted.
    StreamSorted,
    /// Each line of the expected file must occur somewhere.
    Contains,
    /// Lines sorted after the masks, empty ones dropped.
    Sorted,
    /// Mode and name of each file that matches.
    Names,
}

impl Case {
    /// Reads `case.toml` of a case's folder.
    pub fn load(folder: &Path) -> Result<Case, CaseError> {
        let path = folder.join("case.toml");
        let text = fs::read_to_string(&path).map_err(CaseError::at(&path))?;
        toml::from_str(&text).map_err(|why| CaseError::Case { path, why: why.to_string() })
    }
}

impl Form {
    /// The output holds framed messages.
    pub fn is_stream(self) -> bool {
        matches!(self, Form::Stream | Form::StreamSorted)
    }
}

fn one() -> f64 {
    1.0
}

fn twenty() -> f64 {
    20.0
}

fn one_run() -> u32 {
    1
}

fn ok() -> u16 {
    200
}
