//! Memory, instructions, output.

use heka_sandbox::{DECODER, FILTER, INPUT, Outcome, Sandbox};

use crate::support::{Recorder, open, shortened, try_open};

fn limited(memory: usize, instructions: usize, output: usize, text: &str) -> Result<Sandbox, String> {
    try_open(&DECODER, text, |settings, _| {
        settings.memory_limit = memory;
        settings.instruction_limit = instructions;
        settings.output_limit = output;
    })
}

/// The error of a script under limits, which must end it.
fn broken(memory: usize, instructions: usize, output: usize, text: &str) -> String {
    let mut sandbox = limited(memory, instructions, output, text).unwrap();
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Terminated);
    shortened(&sandbox.last_error())
}

#[test]
fn memory_is_limited() {
    let text = "function process_message() local t = {} for i = 1, 1e6 do t[i] = {} end return 0 end";
    assert_eq!(broken(200_000, 0, 0, text), "process_message() not enough memory");
    let text = "require 'string' function process_message() local s = string.rep('x', 300000) return 0 end";
    assert_eq!(broken(200_000, 0, 0, text), "process_message() not enough memory");
    let error = limited(1_000_000, 0, 0, "local t = {} for i = 1, 1e9 do t[i] = i end").unwrap_err();
    assert_eq!(error, "Init() not enough memory");
}

/// A script that uses every host function and library.
const BUSY: &str = r#"
    require "string" require "table" require "math" require "os" local l = require "lpeg"
    local clf = require "common_log_format"
    local grammar = clf.build_nginx_grammar('$remote_addr [$time_local] $status')
    kept = {a = {b = {1, 2, 3}}, s = "text"}
    function process_message()
        read_message("Payload") read_message("Fields[none]", 0, 0) read_next_field() read_config("x")
        local fields = grammar:match("1.2.3.4 [07/Mar/2016:16:00:05 -0800] 200")
        add_to_payload(1.5, "x", nil, true, fields.remote_addr.value)
        inject_payload("txt", "name", string.rep("y", 100))
        fields.time = nil
        inject_message{Type = "t", Fields = fields, Payload = string.format("%d", 5)}
        inject_message{Fields = {{name = "n", value = {1, 2, 3}, value_type = 2, representation = "r"}}}
        write_message("Fields[w]", "v") write_message("Type", "x")
        decode_message("\10\16abcdefghijklmnop\16\1\82\7\10\1f\34\2xx")
        local co = require "coroutine"
        co.wrap(function() co.yield(table.concat({1, 2, 3}, ",")) end)()
        pcall(error, {}) select(2, pcall(require, "nothing"))
        return 0
    end"#;

#[test]
fn running_out_of_memory_is_safe_at_every_allocation() {
    let mut recorder = Recorder { message: Some(Default::default()), ..Recorder::default() };
    let mut unlimited = limited(0, 0, 0, BUSY).unwrap();
    assert_eq!(unlimited.process_message(&mut recorder), Outcome::Returned(0), "{}", unlimited.last_error());
    let needed = unlimited.figures().max_memory;
    let (mut loaded, mut done) = (0, 0);
    for limit in (20_000..needed + 30_000).step_by(509) {
        match limited(limit, 0, 0, BUSY) {
            Err(error) => assert!(error.ends_with("not enough memory"), "{limit}: {error}"),
            Ok(mut sandbox) => {
                loaded += 1;
                match sandbox.process_message(&mut recorder) {
                    Outcome::Returned(0) => done += 1,
                    Outcome::Terminated => {
                        assert!(
                            sandbox.last_error().ends_with("not enough memory"),
                            "{}",
                            sandbox.last_error()
                        );
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        recorder.messages.clear();
        recorder.payloads.clear();
    }
    assert!(loaded > 10 && done > 3, "loaded {loaded}, done {done}");
}

#[test]
fn every_amount_of_memory_left_for_a_host_function_is_safe() {
    // The script fills its memory to somewhere near the limit, byte by byte, then works.
    let text = "require 'string' local pad = read_config('pad')
        function process_message()
            local hold = {}
            for i = 1, pad / 1000 do hold[i] = string.rep('x', 980) .. i end
            hold.rest = string.rep('x', pad % 1000)
            inject_message{Type = 't' .. pad, Fields = {a = 1, b = {value = 'x' .. #hold, representation = 'r'}}}
            return 0
        end";
    let open = |limit: usize, pad: usize| {
        try_open(&DECODER, text, |settings, _| {
            settings.memory_limit = limit;
            settings.variables = vec![("pad".into(), heka_sandbox::Variable::Number(pad as f64))];
        })
        .unwrap()
    };
    let limit = open(0, 0).figures().max_memory + 20_000;
    let used = open(limit, 0).figures().memory;
    let (mut failed, mut done) = (0, 0);
    for left in (0..8000).step_by(3) {
        let mut sandbox = open(limit, (limit - used).saturating_sub(left));
        match sandbox.process_message(&mut Recorder::default()) {
            Outcome::Returned(0) => done += 1,
            Outcome::Terminated => failed += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(failed > 100 && done > 100, "failed {failed}, done {done}");
}

#[test]
fn instructions_are_limited() {
    let text = "function process_message() while true do end end";
    assert_eq!(broken(0, 1000, 0, text), "process_message() instruction_limit exceeded");
    let text = "local function spin() while true do end end\nfunction process_message()\nspin() return 0 end";
    assert_eq!(broken(0, 5000, 0, text), "process_message() script.lua:3: instruction_limit exceeded");
    let error = limited(0, 1_000_000, 0, "while true do end").unwrap_err();
    assert_eq!(error, "Init() instruction_limit exceeded");
}

#[test]
fn a_caught_instruction_limit_gives_a_fresh_budget_but_not_for_ever() {
    let text = "function process_message() pcall(function() while true do end end) return 0 end";
    let mut sandbox = limited(0, 5000, 0, text).unwrap();
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(0));
    let text = "function process_message() while true do pcall(function() while true do end end) end end";
    assert!(broken(0, 5000, 0, text).ends_with("instruction_limit exceeded"));
}

#[test]
fn error_handlers_are_limited_too() {
    for handler in ["function() while true do end end", "function() error('again') end", "nil"] {
        let body = format!("xpcall(error, {handler}) while true do end");
        let text = format!("function process_message() {body} end");
        assert!(broken(0, 5000, 0, &text).ends_with("instruction_limit exceeded"), "{handler}");
    }
}

#[test]
fn xpcall_calls_its_handler_as_lua_does() {
    let result = |expression: &str| {
        let text = format!(
            "require 'string' local function shown(...) local t = '' for i = 1, select('#', ...) do
             t = t .. tostring((select(i, ...))) .. ' ' end return t end
             function process_message() return 0, shown({expression}) end"
        );
        let mut sandbox = limited(1_000_000, 0, 0, &text).unwrap();
        assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(0));
        sandbox.last_error()
    };
    let handler = "function(why) return 'handled ' .. tostring(why), 2 end";
    assert_eq!(result(&format!("xpcall(function() return 1, nil end, {handler})")), "true 1 nil ");
    assert_eq!(result(&format!("xpcall(function() end, {handler})")), "true ");
    assert_eq!(result(&format!("xpcall(function() error('x', 0) end, {handler})")), "false handled x ");
    assert_eq!(result("xpcall(error, error)"), "false error in error handling ");
    let memory = format!("xpcall(function() return string.rep('x', 1e7) end, {handler})");
    assert_eq!(result(&memory), "false not enough memory ");
    let second = "xpcall(function() error('1', 0) end, function(why) if why == '1' then error('2', 0) end return why end)";
    assert_eq!(result(second), "false 2 ");
}

#[test]
fn a_script_that_goes_on_without_memory_ends_soon() {
    let text = "require 'string' function process_message()
        while true do pcall(string.rep, 'x', 3e6) end
    end";
    assert!(broken(2_000_000, 1_000_000, 0, text).ends_with("instruction_limit exceeded"));
}

#[test]
fn a_script_that_fills_its_memory_and_goes_on_ends_soon() {
    let text = "require 'string' function process_message()
        local t = {} while true do pcall(function() t[#t + 1] = string.rep('x', 1e6) end) end
    end";
    assert!(broken(8 << 20, 1_000_000, 0, text).ends_with("instruction_limit exceeded"));
}

/// The text that process_message of this body returns beside 0.
fn returned(memory: usize, instructions: usize, body: &str) -> String {
    let text = format!("require 'string' require 'table' function process_message() {body} end");
    let mut sandbox = limited(memory, instructions, 0, &text).unwrap();
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(0), "{body}");
    sandbox.last_error()
}

#[test]
fn work_on_long_texts_counts_by_their_length() {
    for work in [
        "string.rep('x', 1e5)",
        "s:lower()",
        "s:upper()",
        "s:reverse()",
        "s:find('y')",
        "s:match('y')",
        "s:gsub('y', '')",
        "s:gmatch('y')",
        "string.format('%s', s)",
        "table.concat(t)",
        // Each is a new block of memory.
        "local a = s .. n",
    ] {
        let body = format!(
            "local s = string.rep('x', 1e5) local t, n = {{s}}, 0
             pcall(function() while true do {work} n = n + 1 end end)
             return 0, n < 1000 and 'soon' or 'after ' .. n"
        );
        assert_eq!(returned(0, 200_000, &body), "soon", "{work}");
    }
    // Short ones are instructions as all others.
    let body = "for i = 1, 10000 do local a = string.rep('x', 100):upper():find('y') end return 0, 'done'";
    assert_eq!(returned(0, 200_000, body), "done");
}

#[test]
fn a_stop_does_not_wait_for_more_work_on_long_texts() {
    let text = "require 'string' function process_message()
        local n = 0
        pcall(function() while true do string.rep('x', 1e5) n = n + 1 end end)
        return 0, '' .. n end";
    let mut sandbox = try_open(&INPUT, text, |_, _| {}).unwrap();
    let stop = heka_plugin::Stop::new();
    sandbox.interrupt_on(stop.clone());
    stop.request();
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(0));
    assert_eq!(sandbox.last_error(), "0");
}

#[test]
fn rep_is_that_of_lua() {
    for (call, result) in [
        ("string.rep('ab', 3)", "ababab"),
        ("string.rep('ab', 0)", ""),
        ("string.rep('ab', -1)", ""),
        ("string.rep('', 1e9)", ""),
        ("string.rep('a', 2.9)", "aa"),
        ("string.rep('a', '3')", "aaa"),
        ("string.rep(12, 2)", "1212"),
        ("string.rep('a\\0', 3):byte(-2, -1) .. ''", "97"),
        ("#string.rep('abc', 1e5) .. string.rep('abc', 1e5):sub(-4)", "300000cabc"),
    ] {
        assert_eq!(returned(4_000_000, 0, &format!("return 0, {call}")), result, "{call}");
    }
    for (call, why) in [
        ("string.rep()", "bad argument #1 to 'rep' (string expected, got no value)"),
        ("string.rep('a')", "bad argument #2 to 'rep' (number expected, got no value)"),
        ("string.rep({}, 1e9)", "bad argument #1 to 'rep' (string expected, got table)"),
        ("string.rep('a', 'b')", "bad argument #2 to 'rep' (number expected, got string)"),
    ] {
        let body = format!("local _, why = pcall(function() local a = {call} end) return 0, why");
        assert!(returned(1_000_000, 0, &body).ends_with(why), "{call}");
    }
}

#[test]
fn what_is_longer_than_the_memory_is_refused_without_a_copy() {
    let text = "require 'string' function process_message()
        local ok, why = pcall(string.rep, 'x', 1e9) return 0, why end";
    let mut sandbox = limited(1_000_000, 0, 0, text).unwrap();
    let before = sandbox.figures().max_memory;
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(0));
    assert_eq!(sandbox.last_error(), "not enough memory");
    let grown = sandbox.figures().max_memory - before;
    assert!(grown < 10_000, "{grown} bytes more");
}

#[test]
fn coroutines_share_the_budget() {
    let text = "local co = require 'coroutine'
        function process_message()
            while true do co.wrap(function() for i = 1, 4000 do end end)() end
        end";
    assert!(broken(0, 5000, 0, text).ends_with("instruction_limit exceeded"));
}

#[test]
fn inputs_have_no_instruction_limit() {
    let text = "function process_message() for i = 1, 100000 do end return 0 end";
    let open = |kind| try_open(kind, text, |settings, _| settings.instruction_limit = 1000).unwrap();
    assert_eq!(open(&INPUT).process_message(&mut Recorder::default()), Outcome::Returned(0));
    assert_eq!(open(&FILTER).process_message(&mut Recorder::default()), Outcome::Terminated);
}

#[test]
fn output_is_limited() {
    let text =
        "require 'string'\nfunction process_message()\nadd_to_payload(string.rep('x', 128)) return 0 end";
    assert_eq!(broken(0, 0, 128, text), "process_message() script.lua:3: output_limit exceeded");
    let mut sandbox = limited(0, 0, 128, &text.replace("128", "127")).unwrap();
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(0));
    assert_eq!(sandbox.figures().max_output, 127);
    let text =
        "require 'string'\nfunction process_message()\ninject_message{Payload = string.rep('x', 300)} end";
    assert_eq!(
        broken(0, 0, 128, text),
        "process_message() script.lua:3: inject_message() output_limit exceeded"
    );
    let text = text.replace("} end", "} return 0 end");
    let mut sandbox = limited(0, 0, 0, &text).unwrap();
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(0));
}

#[test]
fn deep_recursion_and_deep_patterns_end_as_errors() {
    let mut sandbox = open("local function f() return 1 + f() end function process_message() f() end");
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Terminated);
    assert!(sandbox.last_error().contains("stack overflow"), "{}", sandbox.last_error());
    let text = "local t = {} t.value = t function process_message() inject_message{Fields = {x = t}} end";
    let mut sandbox = open(text);
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Terminated);
    assert!(sandbox.last_error().ends_with("could not encode protobuf - unsupported type: table"));
}

#[test]
fn patterns_cannot_overflow_the_native_stack() {
    for call in ["find", "match", "gsub", "gmatch"] {
        let text = format!(
            "require 'string' function process_message() local p = string.rep('a-', 500000) .. 'b'
            local f = string.{call}(string.rep('a', 1000), p, '') if '{call}' == 'gmatch' then f() end return 0 end"
        );
        let error = broken(0, 0, 0, &text);
        assert!(error.ends_with("pattern too complex"), "{call}: {error}");
    }
    // What is just allowed runs on a small stack.
    let text = "require 'string' function process_message() local p = string.rep('a-', 4000) .. 'b'
        if string.find('', p) then return -1 end
        return 0, table.concat({('x=1'):match('(%w)=(%d)')}) end";
    let text = text.replace("require 'string'", "require 'string' require 'table'");
    let thread = std::thread::Builder::new().stack_size(1024 * 1024);
    let run = move || {
        let mut sandbox = limited(0, 0, 0, &text).unwrap();
        assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(0));
        sandbox.last_error()
    };
    assert_eq!(thread.spawn(run).unwrap().join().unwrap(), "x1");
}

#[test]
fn a_stop_interrupts_a_call_but_lets_it_tidy_up() {
    let text = "function process_message()
        local ok, why = pcall(function() while true do end end)
        for i = 1, 1e5 do end
        return -1, why end";
    let mut sandbox = try_open(&INPUT, text, |_, _| {}).unwrap();
    let stop = heka_plugin::Stop::new();
    sandbox.interrupt_on(stop.clone());
    stop.request();
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(-1));
    assert!(sandbox.last_error().ends_with("shutting down"));
    // A coroutine does not escape it, and neither does a script that goes on and on.
    for body in [
        "coroutine.wrap(function() while true do end end)()",
        "while true do pcall(function() while true do end end) end",
    ] {
        let script = format!("require 'coroutine' function process_message() {body} return 0 end");
        let mut sandbox = try_open(&INPUT, &script, |_, _| {}).unwrap();
        sandbox.interrupt_on(stop.clone());
        let outcome = sandbox.process_message(&mut Recorder::default());
        assert_eq!(outcome, Outcome::Terminated, "{body}");
        assert!(sandbox.last_error().ends_with("shutting down"), "{}", sandbox.last_error());
    }
}

#[test]
fn a_script_cannot_give_an_object_a_finalizer() {
    // It would run with the hook switched off and could go on for ever.
    for object in [
        "require('circular_buffer').new(2, 1, 1)",
        "require('bloom_filter').new(10, 0.1)",
        "require('cuckoo_filter').new(10)",
        "require('hyperloglog').new()",
        "require('sax').window.new(10, 2, 4)",
        "require('lpeg').P('x')",
    ] {
        let body = format!(
            "local object = {object}
             local function put(t) t.__gc = function() while true do end end end
             local reached = pcall(put, getmetatable(object)) or pcall(function() put(object.__index) end)
             object = nil
             return 0, reached and 'reached' or tostring(getmetatable(setmetatable({{}}, {{__metatable = 'own'}})))"
        );
        assert_eq!(returned(0, 0, &body), "own", "{object}");
    }
}
