//! What calls give, and how a sandbox ends.

use heka_sandbox::{DECODER, FILTER, Outcome, Refused};

use crate::support::{Recorder, error_of, open, shortened, try_open};

/// Calls a script that returns this expression.
fn returned(expression: &str) -> (Outcome, String) {
    let mut sandbox = open(&format!("function process_message() return {expression} end"));
    let outcome = sandbox.process_message(&mut Recorder::default());
    (outcome, shortened(&sandbox.last_error()))
}

#[test]
fn statuses_are_numbers_with_an_optional_text() {
    assert_eq!(returned("0"), (Outcome::Returned(0), String::new()));
    assert_eq!(returned("-1, 'why'"), (Outcome::Returned(-1), "why".into()));
    assert_eq!(returned("-1.9, nil, {}"), (Outcome::Returned(-1), String::new()));
    assert_eq!(returned("5, 'over'"), (Outcome::Returned(5), "over".into()));
    for expression in ["", "nil", "true", "'-1'", "{}"] {
        let text = "process_message() must return a numeric status code";
        assert_eq!(returned(expression), (Outcome::Terminated, text.into()));
    }
    for expression in ["0, 5", "0, true", "0, {}"] {
        let text = "process_message() must return a nil or string error message";
        assert_eq!(returned(expression), (Outcome::Terminated, text.into()));
    }
}

#[test]
fn errors_carry_their_function_and_position() {
    assert_eq!(
        error_of("local x = y + 1"),
        "process_message() script.lua:2: attempt to perform arithmetic on global 'y' (a nil value)"
    );
    assert_eq!(error_of("error('boom', 0)"), "process_message() boom");
    assert_eq!(error_of("error({})"), "process_message() (null)");
    assert_eq!(error_of("error()"), "process_message() (null)");
    assert_eq!(error_of("error(12.5, 0)"), "process_message() 12.5");
    assert_eq!(
        error_of("return -1, nil + 1"),
        "process_message() script.lua:2: attempt to perform arithmetic on a nil value"
    );
}

#[test]
fn last_error_holds_255_bytes() {
    let error = error_of("require 'string' error(string.rep('x', 5000), 0)");
    assert_eq!(error.len(), 255);
    assert!(error.starts_with("process_message() xxx"));
}

#[test]
fn a_terminated_sandbox_stays_so() {
    let mut sandbox =
        open("n = 0 function process_message() n = n + 1 if n == 2 then error('end', 0) end return 0 end");
    let mut recorder = Recorder::default();
    assert_eq!(sandbox.process_message(&mut recorder), Outcome::Returned(0));
    assert!(sandbox.figures().memory > 0);
    for _ in 0..2 {
        assert_eq!(sandbox.process_message(&mut recorder), Outcome::Terminated);
        assert_eq!(sandbox.last_error(), "process_message() end");
        assert!(!sandbox.is_running());
    }
    assert_eq!(sandbox.figures().memory, 0);
    assert!(sandbox.figures().max_memory > 0);
    assert_eq!(sandbox.stop(), Ok(()));
}

#[test]
fn missing_functions_are_told_at_the_first_call() {
    let mut sandbox = open("process_message = 5");
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Terminated);
    assert_eq!(sandbox.last_error(), "process_message() function was not found");
    let mut sandbox = try_open(&FILTER, "function process_message() return 0 end", |_, _| {}).unwrap();
    assert_eq!(sandbox.timer_event(0, &mut Recorder::default()), Outcome::Terminated);
    assert_eq!(sandbox.last_error(), "timer_event() function was not found");
}

#[test]
fn timer_events_get_the_time() {
    let script =
        "function timer_event(ns) if ns == 5 then error('five', 0) end inject_payload('txt', 'n', ns) end";
    let mut sandbox = try_open(&FILTER, script, |_, _| {}).unwrap();
    let mut recorder = Recorder::default();
    assert_eq!(sandbox.timer_event(1_450_000_000_000_000_000, &mut recorder), Outcome::Returned(0));
    assert_eq!(recorder.payloads[0].2, "1.45e+18");
    assert_eq!(sandbox.timer_event(5, &mut recorder), Outcome::Terminated);
    assert_eq!(sandbox.last_error(), "timer_event() five");
}

#[test]
fn scripts_that_do_not_load_say_why() {
    let error = |text: &str| shortened(&try_open(&DECODER, text, |_, _| {}).unwrap_err());
    assert_eq!(
        error("function process_message( return 0 end"),
        "Init() script.lua:1: <name> or '...' expected near 'return'"
    );
    assert_eq!(error("error('at load')"), "Init() script.lua:1: at load");
    assert_eq!(error("error({})"), "Init() (null)");
    assert_eq!(
        error("loadstring('x=1')()"),
        "Init() script.lua:1: attempt to call global 'loadstring' (a nil value)"
    );
    assert_eq!(error("# a comment\nx()"), "Init() script.lua:2: attempt to call global 'x' (a nil value)");
    let missing =
        try_open(&DECODER, "", |settings, folder| settings.script = folder.join("none.lua")).unwrap_err();
    assert!(
        missing.starts_with("Init() cannot open /")
            && missing.ends_with("none.lua: No such file or directory")
    );
}

#[test]
fn an_abort_ends_the_call_but_not_the_state() {
    let mut sandbox =
        open("n = 0 function process_message() n = n + 1 inject_message({Payload = n}) return 0 end");
    let mut recorder = Recorder { refuses: Some(Refused::Aborted), ..Recorder::default() };
    assert_eq!(sandbox.process_message(&mut recorder), Outcome::Aborted);
    assert!(sandbox.is_running());
    assert_eq!(sandbox.last_error(), "");
    recorder.refuses = None;
    assert_eq!(sandbox.process_message(&mut recorder), Outcome::Returned(0));
}

#[test]
fn refused_injections_are_errors() {
    for (refused, text) in [
        (Refused::Unmarshal, "protobuf unmarshal failed"),
        (Refused::Count, "exceeded InjectMessage count"),
        (Refused::Loops, "exceeded MaxMsgLoops"),
        (Refused::Circular, "creates a circular reference (matches this plugin's message_matcher)"),
    ] {
        let mut sandbox = open("function process_message()\ninject_message('bytes') return 0 end");
        let mut recorder = Recorder { refuses: Some(refused), ..Recorder::default() };
        assert_eq!(sandbox.process_message(&mut recorder), Outcome::Terminated);
        let expected = format!("process_message() script.lua:2: inject_message() {text}");
        assert_eq!(shortened(&sandbox.last_error()), expected);
        let mut sandbox = open("function process_message()\ninject_payload('txt', 'n', 1) return 0 end");
        assert_eq!(sandbox.process_message(&mut recorder), Outcome::Terminated);
        let expected = format!("process_message() script.lua:2: inject_payload() {text}");
        assert_eq!(shortened(&sandbox.last_error()), expected);
    }
}

#[test]
fn a_panic_of_the_plugin_ends_the_sandbox_and_nothing_else() {
    struct Panics;
    impl heka_sandbox::Messages for Panics {
        fn current(&mut self) -> Option<heka_sandbox::Source<'_>> {
            panic!("no message today")
        }
    }
    let mut sandbox = open("function process_message() pcall(read_message, 'Type') return 0 end");
    let call = std::panic::AssertUnwindSafe(|| sandbox.process_message(&mut Panics));
    assert!(std::panic::catch_unwind(call).is_err());
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Terminated);
    assert_eq!(sandbox.stop(), Ok(()));
}
