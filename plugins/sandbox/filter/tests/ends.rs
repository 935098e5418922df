//! How filters fail and end, each for itself.

use super::*;

/// Runs the script on one message; the reason of its end.
fn reason(script: &str) -> String {
    let (rig, mut taken) = (Rig::new(script), Taken::default());
    let mut filter = rig.open();
    let text = process(&mut filter, "p", &mut taken).unwrap_err();
    let reason = text.strip_prefix("Terminated. Reason: ").unwrap().to_string();
    let told = &taken.messages[0];
    assert_eq!(told.msg_type.as_ref().unwrap(), "heka.sandbox-terminated");
    assert_eq!(
        (told.logger.as_ref().unwrap(), told.payload.as_ref().unwrap()),
        (&"hekad".into(), &reason.as_str().into())
    );
    assert_eq!(first_value(told, "plugin"), "a-f");
    // Once ended it stays so, and a stop says nothing more.
    assert!(process(&mut filter, "p", &mut taken).is_err());
    filter.stop(1, &mut taken).unwrap();
    reason
}

#[test]
fn statuses_up_to_zero_go_on() {
    let rig = Rig::new("function process_message() local p = read_message('Payload')
        if p == 'text' then return -1, 'why' elseif p == 'bare' then return -1 elseif p == 'half' then return -1.9, 'half' end return 0 end");
    let (mut filter, mut taken) = (rig.open(), Taken::default());
    for payload in ["text", "bare", "half", "fine"] {
        process(&mut filter, payload, &mut taken).unwrap();
    }
    assert_eq!(rig.log.take(), ["error: why", "error: half"]);
    assert_eq!((filter.timing.counts.processed, filter.timing.counts.failures), (4, 3));
    filter.stop(1, &mut taken).unwrap();
    assert!(taken.messages.is_empty());
}

#[test]
fn everything_else_ends_the_filter() {
    assert_eq!(reason("function process_message() return 1, 'enough' end"), "enough");
    assert_eq!(reason("function process_message() return 1 end"), "");
    assert_eq!(reason("x = 1"), "process_message() function was not found");
    assert_eq!(
        reason("function process_message() end"),
        "process_message() must return a numeric status code"
    );
    assert_eq!(reason("function process_message() error{} end"), "process_message() (null)");
}

/// An endless loop, one that catches its end, more memory than allowed, more output, errors without end, deep recursion.
const RUNAWAYS: [(&str, &str); 6] = [
    ("while true do end", "instruction_limit exceeded"),
    ("while true do pcall(function() while true do end end) end", "instruction_limit exceeded"),
    ("local t = {} while true do t[#t + 1] = {} end", "not enough memory"),
    ("while true do add_to_payload('0123456789') end", "output_limit exceeded"),
    (
        "local function f() return pcall(error, f) and f() end while true do pcall(f) end",
        "instruction_limit exceeded",
    ),
    ("local function f() return 1 + f() end f()", "stack overflow"),
];

#[test]
fn a_runaway_ends_only_itself() {
    let healthy = Rig::new(
        "function process_message() inject_payload('txt', '', read_message('Payload')) return 0 end",
    );
    let (mut filter, mut taken) = (healthy.open(), Taken::default());
    for (number, (body, why)) in RUNAWAYS.iter().enumerate() {
        let runaway = Rig::new(&format!("function process_message() {body} return 0 end"));
        let text = process(&mut runaway.open(), "p", &mut Taken::default()).unwrap_err();
        assert!(text.ends_with(why), "{body}: {text}");
        process(&mut filter, &number.to_string(), &mut taken).unwrap();
    }
    assert_eq!(taken.payloads(), ["0", "1", "2", "3", "4", "5"]);
}

#[test]
fn a_storm_of_failures_is_counted_and_survived() {
    let rig =
        Rig::new("function process_message() local ok, why = pcall(error, 'storm', 0) return -1, why end");
    let (mut filter, mut taken) = (rig.open(), Taken::default());
    for _ in 0..10_000 {
        process(&mut filter, "p", &mut taken).unwrap();
    }
    assert_eq!(filter.timing.counts.failures, 10_000);
    assert!(rig.log.take().iter().all(|line| line == "error: storm"));
}

#[test]
fn the_timer_runs_on_ticks_and_if_asked_at_the_end() {
    let script = "function process_message() return 0 end
        function timer_event(ns) if ns == 3 then error('at shutdown') end inject_payload('txt', '', ns) end";
    let (mut rig, mut taken) = (Rig::new(script), Taken::default());
    let mut filter = rig.open();
    filter.tick(1, &mut taken).unwrap();
    filter.stop(2, &mut taken).unwrap();
    assert_eq!(taken.payloads(), ["1"]);
    rig.options.timer_event_on_shutdown = true;
    rig.open().stop(2, &mut taken).unwrap();
    assert_eq!(taken.payloads(), ["1", "2"]);
    let error = rig.open().stop(3, &mut taken).unwrap_err();
    assert!(matches!(error, PluginError::Run(_)));
    let text = error.to_string();
    assert!(text.starts_with("FATAL: timer_event() ") && text.ends_with("f.lua:2: at shutdown"), "{text}");
    let rig = Rig::new("function process_message() return 0 end");
    let text = rig.open().tick(1, &mut taken).unwrap_err().to_string();
    assert_eq!(text, "Terminated. Reason: timer_event() function was not found");
}

#[test]
fn wrong_options_and_scripts_are_refused() {
    let mut rig = Rig::new("x = = 1");
    let text = rig.try_open().err().unwrap().to_string();
    assert!(text.starts_with("Init() ") && text.ends_with("f.lua:1: unexpected symbol near '='"), "{text}");
    rig.options.script_type = "python".into();
    assert_eq!(rig.try_open().err().unwrap().to_string(), "unsupported script type: python");
}
