use heka_plugin::{Context, Globals, Value};
use std::sync::Arc;
use tempfile::TempDir;

use super::*;
use crate::fake_inlet::FakeInlet;

struct Rig {
    folder: TempDir,
    options: SandboxConfig,
}

impl Rig {
    fn new(script: &str) -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("i.lua");
        std::fs::write(&file, script).unwrap();
        let options = SandboxConfig { filename: file.display().to_string(), ..SandboxConfig::default() };
        Rig { folder, options }
    }

    fn open(&self) -> Result<SandboxInput, ConfigError> {
        let globals = Globals { base_dir: self.folder.path().into(), ..Globals::default() };
        let context = Context { globals: Arc::new(globals), ..Context::for_test("i") };
        SandboxInput::open(self.options.clone(), &context)
    }

    /// Runs it once.
    fn run(&self) -> (Result<(), PluginError>, FakeInlet, SandboxInput) {
        let (mut input, inlet) = (self.open().unwrap(), FakeInlet::default());
        let result = input.run(&inlet, &Stop::new());
        (result, inlet, input)
    }
}

#[test]
fn messages_are_what_the_script_makes_and_nothing_more() {
    let script = r#"function process_message()
        inject_message{Timestamp = 5, Type = 't', Severity = 3, Fields = {n = 1}}
        inject_message{Timestamp = 6, Pid = 2 ^ 40}
        inject_message("\10\16" .. "0123456789abcdef" .. "\16\7\50\1p")
        return 0 end"#;
    let (result, inlet, input) = Rig::new(script).run();
    result.unwrap();
    let messages = inlet.messages(3);
    let bare = Message { uuid: messages[0].uuid.clone(), timestamp: Some(5), ..Message::default() };
    let first =
        Message { msg_type: Some("t".into()), severity: Some(3), fields: messages[0].fields.clone(), ..bare };
    assert_eq!(messages[0], first);
    assert_eq!(
        (messages[1].pid, messages[1].hostname.as_ref(), messages[1].logger.as_ref()),
        (Some(0), None, None)
    );
    assert_eq!(messages[2].payload.as_ref().unwrap(), "p");
    inlet.log_with("info: single run completed");
    assert_eq!((input.counts().messages, input.counts().failures), (3, 0));
    assert!(input.counts().bytes > 60);
}

#[test]
fn a_zone_moves_timestamps() {
    let mut rig =
        Rig::new("function process_message() inject_message{Timestamp = 1436000000e9} return 0 end");
    rig.options.config.0.push(("tz".into(), Value::String("Europe/Berlin".into())));
    let (_, inlet, _) = rig.run();
    assert_eq!(inlet.messages(1)[0].timestamp, Some((1_436_000_000 - 7200) * 1_000_000_000));
    rig.options.config.0[0].1 = Value::String("Mars/Olympus".into());
    assert_eq!(rig.open().err().unwrap().to_string(), "unknown time zone Mars/Olympus");
}

#[test]
fn failures_are_logged_and_ends_are_errors() {
    let run = |body: &str| {
        let (result, inlet, input) = Rig::new(&format!("function process_message() {body} end")).run();
        (result.map_err(|error| error.to_string()), inlet, input.counts().failures)
    };
    let (result, inlet, failures) = run("return -1, 'why'");
    assert_eq!((result, failures), (Ok(()), 1));
    inlet.log_with("error: why");
    assert_eq!(run("return 1, 'over'").0.unwrap_err(), "over");
    assert_eq!(run("").0.unwrap_err(), "process_message() must return a numeric status code");
    let text = run("inject_message('boom')").0.unwrap_err();
    assert!(text.ends_with("i.lua:1: inject_message() protobuf unmarshal failed"), "{text}");
    assert_eq!(run("error('is shutting down', 0)").0, Ok(()));
}

#[test]
fn an_endless_call_delivers_and_ends_with_a_stop() {
    // One that catches its end once, as if to tidy up, is ended all the same.
    let rig = Rig::new("function process_message() inject_message{Timestamp = 1, Payload = 'first'}
        pcall(function() while true do end end) inject_message{Timestamp = 2, Payload = 'tidy'} while true do end end");
    let (mut input, inlet, stop) = (rig.open().unwrap(), FakeInlet::default(), Stop::new());
    let (of_thread, asked) = (inlet.clone(), stop.clone());
    let thread = std::thread::spawn(move || input.run(&of_thread, &asked));
    assert_eq!(inlet.payloads(1), ["first"]);
    stop.request();
    thread.join().unwrap().unwrap();
    assert_eq!(inlet.payloads(2), ["first", "tidy"]);
}

#[test]
fn globals_are_preserved() {
    let mut rig =
        Rig::new("n = 0 function process_message() n = n + 1 inject_message{Payload = n} return 0 end");
    rig.options.preserve_data = true;
    assert_eq!(rig.run().1.payloads(1), ["1"]);
    assert_eq!(rig.run().1.payloads(1), ["2"]);
}
