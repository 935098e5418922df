//! What is measured.

/// One line of the table.
pub(crate) struct Row {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// What the daemon does in it.
    pub(crate) what: &'static str,
    /// How it is measured.
    pub(crate) kind: Kind,
}

/// How a row is measured.
pub(crate) enum Kind {
    /// CPU time for all messages.
    Throughput(Pipeline),
    /// CPU time of one more reader whose matcher rejects everything.
    Reject,
    /// Time from an input to an output when nothing else happens.
    Latency,
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
}

/// What comes in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// The log, a message a line.
    Lines,
    /// The log, each line decoded in a Lua sandbox.
    Decoded,
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

const fn row(name: &'static str, what: &'static str, from: From, to: To) -> Row {
    Row { name, what, kind: Kind::Throughput(Pipeline { from, to, rejecting: 1 }) }
}

/// All rows in the order of the table.
pub(crate) const ROWS: &[Row] = &[
    row("decode", "read lines, LPeg decode, into the queue", From::Decoded, To::Queue),
    row(
        "decode_protobuf",
        "the same, and out of the queue to a framed protobuf file",
        From::Decoded,
        To::Protobuf,
    ),
    row("decode_json", "the same, and out as JSON", From::Decoded, To::Json),
    row("raw", "raw lines into the queue", From::Lines, To::Queue),
    row("raw_file", "raw lines to a file", From::Lines, To::Payload),
    row("protobuf", "protobuf in, queue, protobuf file", From::Protobuf, To::Protobuf),
    Row { name: "reject", what: "a reader whose matcher rejects, per message", kind: Kind::Reject },
    Row { name: "idle", what: "in to out on an idle system", kind: Kind::Latency },
];

impl Pipeline {
    /// The configuration's text but for `[hekad]`; `$IN` stands for the folder of the inputs, `$DIR` for the scratch
    /// folder of the run.
    pub(crate) fn config(self, log_format: &str) -> String {
        let mut text = match self.from {
            From::Lines => input("access", ""),
            From::Decoded => input("access", "decoder = \"nginx\"\n") + &decoder(log_format),
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

fn output(name: &str, matcher: &str, encoder: &str) -> String {
    format!(
        "[{name}]\ntype = \"FileOutput\"\npath = \"$DIR/{name}\"\nmessage_matcher = \"{matcher}\"\nencoder = \"{encoder}\"\n"
    )
}
