//! Targets for what scripts reach: the host functions and the native modules. Each runs a script of `lua` in a sandbox that
//! is used again and again.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use heka_message::{Message, MessageView, validate};
use heka_sandbox::{
    DECODER, Defaults, Injected, InjectedPayload, Messages, Outcome, Refused, Sandbox, Settings, Source,
};
use serde_json::Value;

/// No call may take longer, whatever its limits.
const LONGEST_CALL: Duration = Duration::from_secs(20);

/// The plugin's side of a script: a message to read, and what came of it.
#[derive(Default)]
struct Plugin<'a> {
    data: &'a [u8],
    message: Message,
    injected: Vec<Vec<u8>>,
    payload: Vec<u8>,
    /// Messages that were made of tables, with headers filled in.
    filled: Vec<Vec<u8>>,
}

impl<'a> Plugin<'a> {
    fn new(data: &'a [u8]) -> Plugin<'a> {
        Plugin { data, message: MessageView::new(data).to_message().unwrap_or_default(), ..Plugin::default() }
    }
}

impl Messages for Plugin<'_> {
    fn current(&mut self) -> Option<Source<'_>> {
        Some(Source::Encoded(MessageView::new(self.data)))
    }

    fn edit(&mut self) -> Option<&mut Message> {
        Some(&mut self.message)
    }

    fn inject_message(&mut self, message: Injected<'_>) -> Result<(), Refused> {
        self.injected.push(message.bytes.to_vec());
        if let Some(layout) = message.layout {
            let defaults = Defaults {
                msg_type: Some("t".into()),
                severity: Some(-1),
                pid: Some(7),
                ..Defaults::default()
            };
            let mut filled = Vec::new();
            layout.fill(message.bytes, Some(5), &defaults, &mut filled);
            self.filled.push(filled);
            let mut relabelled = Vec::new();
            layout.relabel(message.bytes, b"prefix.", b"logger", b"host", &mut relabelled);
            self.filled.push(relabelled);
        }
        Ok(())
    }

    fn inject_payload(&mut self, payload: InjectedPayload<'_>) -> Result<(), Refused> {
        self.payload = payload.payload.to_vec();
        Ok(())
    }
}

thread_local! {
    /// The sandbox of the script that ran last.
    static SANDBOX: RefCell<Option<(&'static str, Sandbox)>> = const { RefCell::new(None) };
}

const BYTES: &str = include_str!("lua/bytes.lua");

fn open(script: &'static str) -> Sandbox {
    let name = format!("heka-fuzz-{}-{:?}.lua", std::process::id(), std::thread::current().id());
    let file = std::env::temp_dir().join(name);
    assert!(std::fs::write(&file, format!("{BYTES}\n{script}")).is_ok());
    let mut settings = Settings::new(&DECODER, &file);
    settings.instruction_limit = 200_000;
    let sandbox = Sandbox::open(settings);
    std::fs::remove_file(&file).ok();
    match sandbox {
        Ok(sandbox) => sandbox,
        Err(why) => panic!("{why}"),
    }
}

/// Calls the script. A script that broke a limit is opened anew for the next call; any other error is a finding.
fn call(script: &'static str, plugin: &mut Plugin<'_>) -> (Outcome, String) {
    SANDBOX.with_borrow_mut(|kept| {
        let mut sandbox = match kept.take() {
            Some((of, sandbox)) if std::ptr::eq(of, script) => sandbox,
            _ => open(script),
        };
        let start = Instant::now();
        let outcome = sandbox.process_message(plugin);
        let took = start.elapsed();
        assert!(took < LONGEST_CALL, "a call took {took:?}");
        let error = sandbox.last_error();
        if outcome == Outcome::Terminated {
            let is_limit =
                error.contains("instruction_limit exceeded") || error.contains("not enough memory");
            assert!(is_limit, "{error}");
        } else {
            *kept = Some((script, sandbox));
        }
        (outcome, error)
    })
}

/// Tables made of any bytes: refused, or what is injected is a message that reads back.
pub fn lua_inject(data: &[u8]) {
    let mut plugin = Plugin::new(data);
    call(include_str!("lua/inject.lua"), &mut plugin);
    for bytes in plugin.injected.iter().chain(&plugin.filled) {
        assert!(validate(bytes).is_ok(), "what is injected is no message: {bytes:?}");
        let view = MessageView::new(bytes);
        let Ok(message) = view.to_message() else { panic!("a view of {bytes:?} is no message") };
        assert_eq!(message.fields.len(), view.fields().count());
        lua_read(bytes);
    }
}

/// Any bytes as a message: the script reads and writes it.
pub fn lua_read(data: &[u8]) {
    let mut plugin = Plugin::new(data);
    let (outcome, error) = call(include_str!("lua/read.lua"), &mut plugin);
    assert!(outcome != Outcome::Returned(1), "{error}");
    let mut bytes = Vec::new();
    plugin.message.encode(&mut bytes);
    assert!(MessageView::new(&bytes).to_message().is_ok(), "what was written is no message");
}

/// Any bytes as JSON: what another parser takes is taken, and means the same.
pub fn lua_cjson(data: &[u8]) {
    let mut plugin = Plugin::new(data);
    // The data itself is `raw`, whether it is a message or not.
    let (outcome, error) = call(include_str!("lua/cjson.lua"), &mut plugin);
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    match outcome {
        Outcome::Returned(0) => {
            let mut shown = &plugin.payload[..];
            assert!(same(&value, &mut shown) && shown.is_empty(), "{value} is {:?}", plugin.payload);
        }
        Outcome::Returned(_) => panic!("{value} is refused: {error}"),
        _ => {}
    }
}

/// Takes a shown value off the text; whether it is that value.
fn same(value: &Value, shown: &mut &[u8]) -> bool {
    match value {
        Value::Null => eat(shown, b"nil;"),
        Value::Bool(truth) => eat(shown, if *truth { b"true;" } else { b"false;" }),
        Value::Number(number) => {
            let Some(end) = shown.iter().position(|byte| *byte == b';') else { return false };
            let (text, rest) = shown.split_at(end + 1);
            *shown = rest;
            let text = std::str::from_utf8(&text[1..end]).unwrap_or_default();
            text.parse::<f64>().ok().is_some_and(|shown| number.as_f64().is_some_and(|it| it == shown))
        }
        Value::String(text) => {
            eat(shown, format!("s{}:", text.len()).as_bytes()) && eat(shown, text.as_bytes())
        }
        // A null is nothing in a table.
        Value::Array(values) => {
            let mut there = (1..).zip(values).filter(|(_, value)| !value.is_null());
            eat(shown, b"{")
                && there.all(|(at, value)| eat(shown, format!("n{at};").as_bytes()) && same(value, shown))
                && eat(shown, b"}")
        }
        Value::Object(members) => {
            let mut there: Vec<_> = members.iter().filter(|(_, value)| !value.is_null()).collect();
            there.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
            eat(shown, b"{")
                && there.iter().all(|(name, value)| {
                    eat(shown, format!("s{}:", name.len()).as_bytes())
                        && eat(shown, name.as_bytes())
                        && same(value, shown)
                })
                && eat(shown, b"}")
        }
    }
}

fn eat(shown: &mut &[u8], wanted: &[u8]) -> bool {
    match shown.strip_prefix(wanted) {
        Some(rest) => {
            *shown = rest;
            true
        }
        None => false,
    }
}

/// Any bytes as a format and data for `struct`.
pub fn lua_struct(data: &[u8]) {
    let (outcome, error) = call(include_str!("lua/struct.lua"), &mut Plugin::new(data));
    assert!(outcome != Outcome::Returned(1), "{error}");
}

/// Any bytes as a pattern of LPeg and its subject.
pub fn lua_lpeg(data: &[u8]) {
    call(include_str!("lua/lpeg.lua"), &mut Plugin::new(data));
}
