//! What is measured.

use std::fmt;

/// One line of the table.
pub(crate) struct Row {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// What the daemon does in it.
    pub(crate) what: &'static str,
    /// What its figure should be.
    pub(crate) aim: Aim,
    /// How it is measured.
    pub(crate) kind: Kind,
}

/// What a figure should be.
#[derive(Clone, Copy)]
pub(crate) enum Aim {
    AtMost(f64),
    AtLeast(f64),
    /// The figure is for comparison.
    None,
}

impl Aim {
    /// Whether the figure is as it should be.
    pub(crate) fn is_met(self, figure: f64) -> bool {
        match self {
            Aim::AtMost(most) => figure <= most,
            Aim::AtLeast(least) => figure >= least,
            Aim::None => true,
        }
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Aim::AtMost(most) => f.pad(&format!("<= {most}")),
            Aim::AtLeast(least) => f.pad(&format!(">= {least}")),
            Aim::None => f.pad(""),
        }
    }
}

/// How a row is measured.
pub(crate) enum Kind {
    /// CPU time for all messages.
    Throughput(Pipeline),
    /// CPU time of one more reader whose matcher rejects everything.
    Reject,
    /// The same pipeline with and without waiting for the disk.
    Ack,
    /// What the queue alone takes, in this process.
    Queue(Work),
    /// Start in front of a full queue.
    Backlog,
    /// Time from an input to an output when nothing else happens.
    Latency,
}

/// What is done with a queue.
#[derive(Clone, Copy)]
pub(crate) enum Work {
    /// Records are appended and synced.
    Append,
    /// Records are read for the first time.
    Read,
    /// Records that were read before go through a matcher that takes them.
    Accept,
    /// A matcher refuses the type of records that nobody has read before.
    RejectFirst,
    /// A matcher refuses the type of records that another reader has read.
    Reject,
    /// The same, where one record in ten is wanted.
    RejectMost,
}

/// A configuration to measure.
#[derive(Clone, Copy)]
pub(crate) struct Pipeline {
    /// What comes in.
    pub(crate) from: From,
    /// What goes out.
    pub(crate) to: To,
    /// Readers that reject everything.
    pub(crate) rejecting: u32,
    /// `queue_sync`
    pub(crate) sync: &'static str,
}

/// What comes in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// The log, a message a line.
    Lines,
    /// The log, each line decoded in a Lua sandbox.
    Decoded,
    /// A syslog file as rsyslog writes it, each line decoded in a Lua sandbox.
    Syslog,
    /// Framed protobuf messages of the same content.
    Protobuf,
}

/// What goes out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    /// Nothing: messages stay in the queue.
    Queue,
    /// A file of payloads.
    Payload,
    /// A file of JSON.
    Json,
    /// A file of framed protobuf.
    Protobuf,
}

const fn row(name: &'static str, what: &'static str, aim: f64, from: From, to: To) -> Row {
    let pipeline = Pipeline { from, to, rejecting: 1, sync: "ack" };
    Row { name, what, aim: Aim::AtMost(aim), kind: Kind::Throughput(pipeline) }
}

const fn queue(name: &'static str, what: &'static str, aim: Aim, work: Work) -> Row {
    Row { name, what, aim, kind: Kind::Queue(work) }
}

/// All rows in the order of the table.
pub(crate) const ROWS: &[Row] = &[
    row("decode", "read lines, LPeg decode, into the queue", 2.5, From::Decoded, To::Queue),
    row(
        "decode_protobuf",
        "the same, and out of the queue to a framed protobuf file",
        3.0,
        From::Decoded,
        To::Protobuf,
    ),
    row("decode_json", "the same, and out as JSON", 3.5, From::Decoded, To::Json),
    row("syslog", "read lines of syslog, LPeg decode, into the queue", 2.5, From::Syslog, To::Queue),
    row("raw", "raw lines into the queue", 0.5, From::Lines, To::Queue),
    row("raw_file", "raw lines to a file", 1.0, From::Lines, To::Payload),
    row("protobuf", "protobuf in, queue, protobuf file", 0.8, From::Protobuf, To::Protobuf),
    Row {
        name: "reject",
        what: "one more reader whose matcher rejects, ns a message",
        aim: Aim::AtMost(5.0),
        kind: Kind::Reject,
    },
    Row {
        name: "ack",
        what: "raw lines to a file: rate with queue_sync = \"ack\", in % of \"interval\"",
        aim: Aim::AtLeast(70.0),
        kind: Kind::Ack,
    },
    Row {
        name: "idle",
        what: "in to out on an idle system, ms at the median",
        aim: Aim::AtMost(5.0),
        kind: Kind::Latency,
    },
    Row {
        name: "backlog",
        what: "start with 20 GiB queued, seconds to the first message out",
        aim: Aim::AtMost(1.0),
        kind: Kind::Backlog,
    },
    queue("append", "queue alone: append and sync, ns a message", Aim::None, Work::Append),
    queue("read", "queue alone: first reader, wanting all, ns a message", Aim::None, Work::Read),
    queue("accept", "queue alone: later reader, matcher that accepts, ns a message", Aim::None, Work::Accept),
    queue(
        "reject_first",
        "queue alone: first reader, type refused, ns a message",
        Aim::None,
        Work::RejectFirst,
    ),
    queue(
        "reject_later",
        "queue alone: later reader, type refused, ns a message",
        Aim::AtMost(5.0),
        Work::Reject,
    ),
    queue(
        "reject_most",
        "queue alone: later reader, one in ten wanted, ns a message",
        Aim::None,
        Work::RejectMost,
    ),
];

impl Pipeline {
    /// The configuration's text but for `[hekad]`; `$IN` stands for the folder of the inputs, `$DIR` for the scratch
    /// folder of the run.
    pub(crate) fn config(self, log_format: &str) -> String {
        let mut text = match self.from {
            From::Lines => input("access", ""),
            From::Decoded => input("access", "decoder = \"nginx\"\n") + &decoder(log_format),
            From::Syslog => input("syslog", "decoder = \"syslog\"\n") + &syslog_decoder(),
            From::Protobuf => {
                input("messages", "splitter = \"HekaFramingSplitter\"\ndecoder = \"ProtobufDecoder\"\n")
            }
        };
        text.push_str("[PayloadEncoder]\nappend_newlines = false\n");
        match self.to {
            To::Queue => {}
            To::Payload => text.push_str(&output("out", "TRUE", "PayloadEncoder")),
            To::Json => {
                text.push_str(
                    "[json]\ntype = \"ESJsonEncoder\"\nindex = \"logs\"\nes_index_from_timestamp = true\n",
                );
                text.push_str(&output("out", "Type == 'nginx'", "json"));
            }
            To::Protobuf => text.push_str(&output("out", "Type == 'nginx'", "ProtobufEncoder")),
        }
        for number in 0..self.rejecting {
            text.push_str(&output(&format!("reject{number}"), "Type == 'nothing'", "PayloadEncoder"));
        }
        text
    }
}

fn input(file: &str, more: &str) -> String {
    format!("[in]\ntype = \"LogstreamerInput\"\nlog_directory = \"$IN\"\nfile_match = '{file}\\.log'\n{more}")
}

fn decoder(log_format: &str) -> String {
    format!(
        "[nginx]\ntype = \"SandboxDecoder\"\nfilename = \"lua_decoders/nginx_access.lua\"\n\
         [nginx.config]\ntype = \"nginx\"\nlog_format = '{log_format}'\n"
    )
}

fn syslog_decoder() -> String {
    format!(
        "[syslog]\ntype = \"SandboxDecoder\"\nfilename = \"lua_decoders/rsyslog.lua\"\n\
         [syslog.config]\ntype = \"syslog\"\ntemplate = '{}'\n",
        crate::syslog::TEMPLATE
    )
}

fn output(name: &str, matcher: &str, encoder: &str) -> String {
    format!(
        "[{name}]\ntype = \"FileOutput\"\npath = \"$DIR/{name}\"\nmessage_matcher = \"{matcher}\"\nencoder = \"{encoder}\"\n"
    )
}
