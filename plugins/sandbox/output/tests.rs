use heka_message::Message;
use heka_plugin::Globals;
use std::sync::Arc;
use tempfile::TempDir;

use super::*;

/// A folder with a script that writes to `out` there.
struct Rig {
    folder: TempDir,
    options: SandboxConfig,
}

impl Rig {
    fn new(script: &str) -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("o.lua");
        let head = "require 'io' local f = assert(io.open(read_config('path'), 'a')) f:setvbuf('no')\n";
        std::fs::write(&file, format!("{head}{script}")).unwrap();
        let mut options = SandboxConfig { filename: file.display().to_string(), ..SandboxConfig::default() };
        let path = folder.path().join("out").display().to_string();
        options.config.0.push(("path".into(), heka_plugin::Value::String(path)));
        Rig { folder, options }
    }

    fn open(&self) -> SandboxOutput {
        let globals = Globals { base_dir: self.folder.path().into(), ..Globals::default() };
        let context = Context { globals: Arc::new(globals), ..Context::for_test("o") };
        SandboxOutput::open(self.options.clone(), &context).unwrap()
    }

    fn written(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("out")).unwrap()
    }
}

/// Sends messages with these payloads in one batch.
fn send(output: &mut SandboxOutput, payloads: &[&str]) -> Result<(), SendError> {
    let encode = |payload: &&str| {
        let mut bytes = Vec::new();
        Message { payload: Some((**payload).into()), ..Message::default() }.encode(&mut bytes);
        bytes
    };
    let messages: Vec<Vec<u8>> = payloads.iter().map(encode).collect();
    let mut records = Vec::new();
    for bytes in &messages {
        records.push(Record { message: MessageView::new(bytes), bytes: &[], loop_count: 0 });
    }
    output.send(&records, &Stop::new())
}

#[test]
fn messages_go_out_in_order_and_failures_are_passed_over() {
    let rig = Rig::new(
        "function process_message() local p = read_message('Payload') f:write(p, ' ')
        if p == 'bad' then return -1, 'refused' end return 0 end",
    );
    let mut output = rig.open();
    send(&mut output, &["a", "bad", "b"]).unwrap();
    assert_eq!(rig.written(), "a bad b ");
    assert_eq!((output.timing.counts.processed, output.timing.counts.failures), (2, 1));
    let names: Vec<String> = output.report().into_iter().map(|(name, ..)| name).collect();
    let expected = "Memory MaxMemory MaxInstructions ProcessMessageCount ProcessMessageFailures ProcessMessageSamples \
        TimerEventSamples ProcessMessageAvgDuration TimerEventAvgDuration";
    assert_eq!(names.join(" "), expected);
}

#[test]
fn the_message_that_ends_the_script_is_done_with() {
    for (end, why) in
        [("return 1, 'enough'", "FATAL: enough"), ("error('gone', 0)", "FATAL: process_message() gone")]
    {
        let rig = Rig::new(&format!(
            "function process_message() local p = read_message('Payload') f:write(p, ' ') if p == 'end' then {end} end return 0 end"
        ));
        let mut output = rig.open();
        let error = send(&mut output, &["a", "end", "b"]).unwrap_err();
        assert!(matches!(&error, SendError::Reject { index: 1, why } if why.is_empty()), "{error:?}");
        for error in
            [send(&mut output, &["b"]).unwrap_err(), output.idle(1).unwrap_err(), output.tick(1).unwrap_err()]
        {
            assert!(matches!(&error, SendError::Fatal(text) if text == why), "{error:?}");
        }
        assert_eq!(rig.written(), "a end ");
    }
}

#[test]
fn the_timer_runs_on_ticks_and_if_asked_at_the_end() {
    let mut rig =
        Rig::new("function process_message() return 0 end function timer_event(ns) f:write('t ') end");
    let mut output = rig.open();
    output.tick(1).unwrap();
    output.stop();
    assert_eq!(rig.written(), "t ");
    rig.options.timer_event_on_shutdown = true;
    rig.open().stop();
    assert_eq!(rig.written(), "t t ");
    let error = Rig::new("function timer_event() error('x', 0) end").open().tick(1).unwrap_err();
    assert!(matches!(error, SendError::Fatal(text) if text == "FATAL: timer_event() x"));
}

#[test]
fn there_is_no_instruction_limit_but_an_end_at_the_stop() {
    let mut rig = Rig::new("function process_message() if read_message('Payload') == 'long' then for i = 1, 3e6 do end return 0 end
        while true do end end");
    rig.options.instruction_limit = 100;
    let mut output = rig.open();
    let stop = Stop::new();
    output.sandbox.interrupt_on(stop.clone());
    output.hears_stop = true;
    send(&mut output, &["long"]).unwrap();
    let thread = std::thread::spawn(move || {
        let ended = send(&mut output, &["endless"]).is_err();
        (ended, output.fatal)
    });
    stop.request();
    let (ended, fatal) = thread.join().unwrap();
    assert!(ended && fatal.unwrap().ends_with("shutting down"));
}

#[test]
fn globals_are_preserved() {
    let mut rig = Rig::new("n = 0 function process_message() n = n + 1 f:write(n, ' ') return 0 end");
    rig.options.preserve_data = true;
    for _ in 0..2 {
        let mut output = rig.open();
        send(&mut output, &["a", "b"]).unwrap();
        output.stop();
    }
    assert_eq!(rig.written(), "1 2 3 4 ");
    assert!(rig.folder.path().join("sandbox_preservation/.data").exists());
}
