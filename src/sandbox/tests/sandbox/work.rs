//! Calls into a library that work for long count for more than one instruction.

use std::time::{Duration, Instant};

use heka_sandbox::{FILTER, INPUT, Outcome};

use crate::support::{Recorder, try_open};

/// Even a busy machine does the work that a limit of this size allows in far less.
const LONGEST: Duration = Duration::from_secs(60);

/// A call that must end by the instruction limit.
fn ends(libraries: &str, body: &str) {
    let text = format!("{libraries}\nfunction process_message()\n{body}\nreturn 0 end");
    let mut sandbox = try_open(&FILTER, &text, |settings, _| {
        settings.instruction_limit = 100_000;
        settings.output_limit = 0;
    })
    .unwrap();
    let start = Instant::now();
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Terminated, "{body}");
    let error = sandbox.last_error();
    assert!(error.ends_with("instruction_limit exceeded"), "{body}: {error}");
    assert!(start.elapsed() < LONGEST, "{body}: {:?}", start.elapsed());
}

const LPEG: &str = "require 'string' local l = require 'lpeg' l.setmaxstack(10000)";

#[test]
fn a_match_that_backtracks_for_ever_ends() {
    // Each rule tries the next one twice.
    let doubling = "local rules = {'r1'}
        for i = 1, 60 do local next = l.V('r' .. i + 1) rules['r' .. i] = 'a' * next * 'x' + 'a' * next * 'y' end
        rules.r61 = l.P('a')
        l.P(rules):match(string.rep('a', 100))";
    ends(LPEG, doubling);
}

#[test]
fn a_grammar_whose_check_would_take_for_ever_is_refused() {
    // Each rule begins with the next one twice.
    let text = "local l = require 'lpeg' function process_message()
        local rules = {'r1'}
        for i = 1, 60 do local next = l.V('r' .. i + 1) rules['r' .. i] = next * 'x' + next * 'y' end
        rules.r61 = l.P('a')
        local ok, why = pcall(l.P, rules) return ok and -1 or 0, why end";
    let mut sandbox = try_open(&FILTER, text, |_, _| {}).unwrap();
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(0));
    assert_eq!(sandbox.last_error(), "too many left calls in grammar");
}

#[test]
fn a_match_that_runs_over_the_subject_again_and_again_ends() {
    let subject = "local s = string.rep('a', 1e6)";
    ends(LPEG, &format!("{subject} local p = (#(l.P('a')^0 * 'b') * 1 + 1)^0 p:match(s)"));
    ends(LPEG, &format!("{subject} local p = (#(l.S('ab')^0 * 'c') * 1 + 1)^0 p:match(s)"));
    ends(LPEG, &format!("{subject} local p = (l.P(string.rep('a', 60000) .. 'b') + 1)^0 p:match(s)"));
}

#[test]
fn captures_that_multiply_end() {
    // Text captures that hold each other twice, and groups that do.
    ends(LPEG, "local p = l.C('') / '%1' for i = 1, 60 do p = l.C(p) / '%2%2' end p:match('')");
    ends(
        LPEG,
        "local p = l.Cg(l.Cc(''), 'a') for i = 1, 60 do p = p * l.Cg(l.Cs(l.Cb('a') * l.Cb('a')), 'a') end
        p = p * l.Cb('a') p:match('')",
    );
    // A back reference looks at all captures in front of it.
    ends(
        LPEG,
        "local p = l.Cg(l.C(1), 'a') * l.Cs((l.P(1) * (l.Cb('a') / 0))^0)
        local s = string.rep('x', 20000) for i = 1, 1e9 do p:match(s) end",
    );
}

#[test]
fn many_long_matches_end() {
    ends(LPEG, "local s = string.rep('a', 1e6) local p = l.S('ab')^0 while true do p:match(s) end");
    ends(LPEG, "local s = string.rep('ab', 1e5) local p = (l.P('a') + 'b')^0 while true do p:match(s) end");
}

#[test]
fn json_is_charged_by_its_length() {
    let json = "require 'string' local c = require 'cjson'";
    ends(json, "local s = '[' .. string.rep('1,', 2e4) .. '1]' while true do c.decode(s) end");
    ends(json, "local s = '[' .. string.rep('1,', 2e4) .. '!]' while true do pcall(c.decode, s) end");
    ends(json, "local t = {} for i = 1, 1e4 do t[i] = i end while true do c.encode(t) end");
}

#[test]
fn json_that_multiplies_is_bounded_by_the_memory() {
    let text = "local c = require 'cjson' function process_message()
        local t = {} for i = 1, 60 do t = {t, t} end c.encode(t) return 0 end";
    let mut sandbox = try_open(&FILTER, text, |settings, _| settings.output_limit = 0).unwrap();
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Terminated);
    assert!(sandbox.last_error().ends_with("not enough memory"), "{}", sandbox.last_error());
}

#[test]
fn usual_work_stays_within_the_limit() {
    let text =
        "require 'string' local l = require 'lpeg' local c = require 'cjson' function process_message()
        local s = string.rep('key=value, ', 20000)
        local pair = l.Cg(l.C(l.R('az')^1) * '=' * l.C(l.R('az')^1)) * (l.P(', ') + -1)
        if l.Cs((pair + 1)^0):match(s) == nil then return -1 end
        local t = {} for i = 1, 500 do t[i] = {name = 'n' .. i, value = i} end
        if #c.decode(c.encode(t)) ~= 500 then return -2 end
        return 0 end";
    let mut sandbox = try_open(&FILTER, text, |settings, _| settings.memory_limit = 64 << 20).unwrap();
    let outcome = sandbox.process_message(&mut Recorder::default());
    assert_eq!(outcome, Outcome::Returned(0), "{}", sandbox.last_error());
}

#[test]
fn a_stop_interrupts_a_long_match_without_a_limit() {
    let text = "require 'string' local l = require 'lpeg' function process_message()
        local rules = {'r1'}
        for i = 1, 40 do local next = l.V('r' .. i + 1) rules['r' .. i] = 'a' * next * 'x' + 'a' * next * 'y' end
        rules.r41 = l.P('a')
        l.P(rules):match(string.rep('a', 100)) return 0 end";
    let mut sandbox = try_open(&INPUT, text, |_, _| {}).unwrap();
    let stop = heka_plugin::Stop::new();
    sandbox.interrupt_on(stop.clone());
    stop.request();
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Terminated);
    assert!(sandbox.last_error().ends_with("shutting down"), "{}", sandbox.last_error());
}
