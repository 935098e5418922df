//! A plugin under test: feeds it a step, gathers what comes out.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use heka_message::{Message, MessageView};
use heka_plugin::{
    Build, Context, Decode, DecodeError, Decoder, Encode, Encoder, Filter, Globals, Inject, InjectError,
    Pack, Record, Table, Value, fresh_uuid,
};

/// What messages have to which nobody gave another.
const HOSTNAME: &str = "test.host";
/// Severity of a message that hekad makes.
const SEVERITY: i32 = 7;
/// The error of a filter that gives none, such as a script that returns -1 and no text.
const SILENT: &str = "the message failed, without a text";

/// One thing to feed a plugin.
#[derive(Clone, Debug)]
pub(super) enum Input {
    /// A message.
    Message(Message),
    /// A record, as an input makes a message of it.
    Payload(String),
    /// Bytes that no one has made a message of yet.
    Raw(Vec<u8>),
    /// A tick at this time, in nanoseconds since the epoch.
    Timer(i64),
    /// The plugin's stop at this time.
    Stop(i64),
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Came {
    /// These messages.
    Messages(Vec<Message>),
    /// These bytes.
    Bytes(Vec<u8>),
    /// The encoder passed the message over.
    Skip,
    /// An error of this text.
    Failure(String),
}

/// A started plugin.
pub(super) enum Rig {
    Decoder(Box<dyn Decoder>),
    Encoder(Box<dyn Encoder>),
    Filter(Box<dyn Filter>, Globals),
}

thread_local! {
    /// What the plugin logged as its own failures since the last step.
    static LOGGED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Gathers what a plugin logs.
struct Listener;

impl heka_plugin::Log for Listener {
    fn info(&self, _: &str) {}

    fn error(&self, text: &str) {
        LOGGED.with_borrow_mut(|logged| logged.push(text.to_owned()));
    }

    fn plain(&self, _: &[u8]) {}
}

impl Rig {
    /// Starts the plugin of this section.
    pub(super) fn open(section: &Table, share_dir: &Path) -> Result<Rig> {
        let Some(Value::String(type_name)) = section.get("type") else { bail!("[plugin] has no type") };
        let defs = heka_plugins::all();
        let Some(def) = defs.iter().find(|def| def.name == type_name) else {
            bail!("there is no plugin type {type_name}");
        };
        (def.check)(section)?;
        let globals = Globals {
            hostname: HOSTNAME.into(),
            share_dir: share_dir.into(),
            base_dir: std::env::temp_dir(),
            ..Globals::default()
        };
        let context = Context {
            globals: Arc::new(globals.clone()),
            log: Arc::new(Listener),
            ..Context::for_test("test")
        };
        LOGGED.take();
        Ok(match &def.build {
            Build::Decoder(open) => Rig::Decoder(open(section, &context)?),
            Build::Encoder(open, _) => Rig::Encoder(open(section, &context)?),
            Build::Filter(open, _) => {
                let mut filter = open(section, &context)?;
                filter.start(&mut Gathered::new(&globals, now_ns()))?;
                Rig::Filter(filter, globals)
            }
            _ => bail!("{type_name} is no decoder, filter or encoder"),
        })
    }

    /// Feeds it one thing.
    pub(super) fn feed(&mut self, input: &Input) -> Result<Came> {
        match self {
            Rig::Decoder(decoder) => decode(decoder.as_mut(), input),
            Rig::Encoder(encoder) => encode(encoder.as_mut(), input),
            Rig::Filter(filter, globals) => filtered(filter.as_mut(), globals, input),
        }
    }
}

fn decode(decoder: &mut dyn Decoder, input: &Input) -> Result<Came> {
    let mut pack = match input {
        Input::Raw(bytes) => {
            let mut pack = Pack::new();
            pack.set_raw(bytes);
            pack
        }
        Input::Timer(_) | Input::Stop(_) => bail!("a decoder has no timer"),
        _ => Pack::of(message(input)?),
    };
    let mut extra = Vec::new();
    let result = decoder.decode(&mut pack, &mut extra);
    Ok(match result {
        Ok(Decode::Nothing) => Came::Messages(Vec::new()),
        Ok(Decode::Done) => Came::Messages(
            std::iter::once(&mut pack).chain(&mut extra).map(|pack| pack.message().clone()).collect(),
        ),
        Err(error @ (DecodeError::Failed(_) | DecodeError::Fatal { .. })) => Came::Failure(error.to_string()),
    })
}

fn encode(encoder: &mut dyn Encoder, input: &Input) -> Result<Came> {
    if matches!(input, Input::Timer(_) | Input::Stop(_)) {
        bail!("an encoder has no timer");
    }
    let (mut bytes, mut out) = (Vec::new(), Vec::new());
    message(input)?.encode(&mut bytes);
    Ok(match encoder.encode(MessageView::new(&bytes), &mut out) {
        Ok(Encode::Done) => Came::Bytes(out),
        Ok(Encode::Skip) => Came::Skip,
        Err(error) => Came::Failure(error.to_string()),
    })
}

fn filtered(filter: &mut dyn Filter, globals: &Globals, input: &Input) -> Result<Came> {
    let now = if let Input::Timer(ns) | Input::Stop(ns) = input { *ns } else { now_ns() };
    let mut gathered = Gathered::new(globals, now);
    let failed_before = failures(filter);
    let result = match input {
        Input::Timer(_) => filter.tick(now, &mut gathered),
        Input::Stop(_) => filter.stop(now, &mut gathered),
        _ => {
            let mut bytes = Vec::new();
            message(input)?.encode(&mut bytes);
            let record = Record { message: MessageView::new(&bytes), bytes: &[], loop_count: 0 };
            filter.process(&record, &mut gathered)
        }
    };
    // A filter that fails on one message goes on. It says so in the log, or, if it has nothing to say, only counts it.
    let logged = LOGGED.take();
    Ok(match result {
        Err(error) => Came::Failure(error.to_string()),
        Ok(()) if !logged.is_empty() => Came::Failure(logged.join("\n")),
        Ok(()) if failures(filter) != failed_before => Came::Failure(SILENT.into()),
        Ok(()) => Came::Messages(gathered.messages),
    })
}

/// The messages that a filter counts as failed.
fn failures(filter: &dyn Filter) -> Option<String> {
    filter.report().into_iter().find(|(name, ..)| name == "ProcessMessageFailures").map(|(_, count, _)| count)
}

fn message(input: &Input) -> Result<Message> {
    let mut message = match input {
        Input::Message(message) => message.clone(),
        Input::Payload(payload) => Message {
            payload: Some(payload.as_str().into()),
            logger: Some("test".into()),
            hostname: Some(HOSTNAME.into()),
            ..Message::default()
        },
        _ => bail!("only a decoder takes raw bytes"),
    };
    message.uuid.get_or_insert_with(|| fresh_uuid()[..].into());
    message.timestamp.get_or_insert_with(now_ns);
    Ok(message)
}

fn now_ns() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// What a filter injects.
struct Gathered<'a> {
    messages: Vec<Message>,
    globals: &'a Globals,
    now_ns: i64,
}

impl<'a> Gathered<'a> {
    fn new(globals: &'a Globals, now_ns: i64) -> Gathered<'a> {
        Gathered { messages: Vec::new(), globals, now_ns }
    }
}

impl Inject for Gathered<'_> {
    fn new_message(&self) -> Message {
        Message {
            uuid: Some(fresh_uuid()[..].into()),
            timestamp: Some(self.now_ns),
            hostname: Some(self.globals.hostname.as_str().into()),
            pid: Some(self.globals.pid),
            severity: Some(SEVERITY),
            ..Message::default()
        }
    }

    fn inject(&mut self, message: &Message) -> Result<(), InjectError> {
        self.messages.push(message.clone());
        Ok(())
    }

    fn inject_encoded(&mut self, message: MessageView<'_>) -> Result<(), InjectError> {
        self.messages.push(message.to_message().unwrap_or_default());
        Ok(())
    }
}
