//! The globals and libraries.

use heka_sandbox::{DECODER, ENCODER, FILTER, INPUT, Kind, OUTPUT, Outcome, Sandbox};

use crate::support::{Recorder, error_of, open, run, run_as, shortened, try_open};

/// The sorted names of all globals, told by a script that fails with them as its error.
fn globals(kind: &'static Kind) -> Vec<String> {
    let script = "local names = {} for name in pairs(_G) do names[#names + 1] = name end
        function process_message() local i = next_name or 0 next_name = i + 1 return -1, names[i + 1] end";
    let mut sandbox = try_open(kind, script, |_, _| {}).unwrap();
    let mut names = Vec::new();
    loop {
        assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(-1));
        match sandbox.last_error() {
            name if name.is_empty() => break,
            name => names.push(name),
        }
    }
    names.sort();
    names
}

const BASE: &str = "_G _VERSION assert error gcinfo getfenv getmetatable ipairs module next package pairs pcall rawequal \
                    rawget rawset require select setfenv setmetatable tonumber tostring type unpack xpcall";

fn expected(more: &str) -> Vec<String> {
    let mut names: Vec<String> =
        BASE.split_whitespace().chain(more.split_whitespace()).map(String::from).collect();
    names.sort();
    names
}

#[test]
fn each_kind_has_its_functions_and_no_others() {
    let reading = "read_config decode_message read_message read_next_field";
    let injecting = "inject_message inject_payload add_to_payload";
    assert_eq!(globals(&DECODER), expected(&format!("{reading} {injecting} write_message")));
    assert_eq!(globals(&ENCODER), expected(&format!("{reading} {injecting} write_message")));
    assert_eq!(globals(&FILTER), expected(&format!("{reading} {injecting}")));
    let open = "collectgarbage coroutine newproxy";
    assert_eq!(globals(&INPUT), expected(&format!("read_config decode_message inject_message {open}")));
    assert_eq!(globals(&OUTPUT), expected(&format!("{reading} {open}")));
}

#[test]
fn libraries_become_globals_when_required() {
    let text = run("add_to_payload(type(string), type(table), type(math), type(os), type(lpeg))
        require 'string' require 'table' require 'math' require 'os' require 'lpeg'
        add_to_payload(' ', type(string), type(table), type(math), type(os), type(lpeg))");
    assert_eq!(text, "nilnilnilnilnil tabletabletabletabletable");
}

#[test]
fn closed_kinds_cannot_touch_the_machine() {
    let text = run("require 'os' require 'string'
        for _, name in ipairs{'getenv', 'execute', 'exit', 'remove', 'rename', 'setlocale', 'tmpname'} do
            add_to_payload(type(os[name]), ' ')
        end
        add_to_payload(type(os.clock), type(os.date), type(os.difftime), type(os.time))");
    assert_eq!(text, "nil nil nil nil nil nil nil functionfunctionfunctionfunction");
    assert_eq!(error_of("require 'io'"), "process_message() script.lua:2: module 'io' disabled");
    assert_eq!(run("add_to_payload(pcall(require, 'io'))"), "falsemodule 'io' disabled");
}

#[test]
fn open_kinds_have_files_but_cannot_end_the_process() {
    let script =
        "require 'io' require 'os' local texts = {type(io.open), type(os.getenv), type(os.exit), type(load)}
        function process_message() return -1, texts[1] .. texts[2] .. texts[3] .. texts[4] end";
    let mut sandbox = try_open(&OUTPUT, script, |_, _| {}).unwrap();
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(-1));
    assert_eq!(sandbox.last_error(), "functionfunctionnilnil");
}

#[test]
fn known_ways_out_are_closed() {
    // Compiled code cannot be loaded by any name, not even through a function's environment or the registry of modules.
    let text = run("require 'string'
        add_to_payload(type(loadstring), type(load), type(dofile), type(loadfile), type(debug), type(newproxy), ' ')
        add_to_payload(type(getfenv(0).loadstring), type(getfenv(print or pcall).load), ' ')
        add_to_payload(type(package.loaded), type(package.loaders), type(package.loadlib), next(package), ' ')
        add_to_payload(type(getmetatable('').__index), getmetatable('').__index == string)");
    assert_eq!(text, "nilnilnilnilnilnil nilnil nilnilnilnil tabletrue");
    assert_eq!(
        run("add_to_payload(pcall(require, 'debug'))").lines().next(),
        Some("falsemodule 'debug' not found:")
    );
    let refused = "falsebad argument #1 to 'setfenv' (level must be non-negative)";
    assert_eq!(run("add_to_payload(pcall(setfenv, -1, {}))").replace('?', "setfenv"), refused);
}

#[test]
fn compiled_scripts_are_refused() {
    let error = |text: &str| shortened(&try_open(&DECODER, text, |_, _| {}).unwrap_err());
    let refused = "unexpected end in precompiled chunk";
    assert!(error("\u{1b}Lua").ends_with(refused));
    assert!(error(&format!("\u{1b}Lua{}", "Q\0\x01\x04\x08\x04\x08\0 and much more")).ends_with(refused));
}

#[test]
fn what_require_returns_has_an_empty_metatable() {
    let text = run("local string, lpeg = require 'string', require 'lpeg'
        for _, t in ipairs{string, lpeg, package} do add_to_payload(next(getmetatable(t)), type(getmetatable(t)), ' ') end");
    assert_eq!(text, "niltable niltable niltable ");
}

#[test]
fn coroutines_can_be_required_though_they_are_no_global() {
    assert_eq!(
        run(
            "local c = require 'coroutine' add_to_payload(type(coroutine), c.wrap(function() return 7 end)())"
        ),
        "nil7"
    );
}

#[test]
fn clocks_are_utc() {
    let text = run("require 'os'
        add_to_payload(os.date('%Y-%m-%d %H:%M:%S %Z', 0), ' ', os.date('!%c', 1e9), ' ')
        local t = os.date('*t', 86399) add_to_payload(t.hour, t.min, t.sec, t.yday, t.wday, tostring(t.isdst), ' ')
        add_to_payload(os.time{year = 1970, month = 1, day = 1, hour = 0}, ' ', os.time{year = 1970, month = 1, day = 2}, ' ')
        add_to_payload(os.time{year = 2015, month = 2, day = 30, hour = '1'}, ' ')
        add_to_payload(os.time{year = 1969, month = 12, day = 31, hour = 23, min = 59, sec = 59})");
    let dates = "1970-01-01 00:00:00 UTC Sun Sep  9 01:46:40 2001 235959";
    assert_eq!(text, format!("{dates}15false 0 129600 1425258000 nil"));
    assert_eq!(
        error_of("require 'os' os.time{}"),
        "process_message() script.lua:2: field 'day' missing in date table"
    );
    let text = run("require 'os' add_to_payload(pcall(os.date, '%Q'))");
    assert_eq!(text, "falsebad argument #1 to '?' (invalid conversion specifier '%Q')");
}

#[test]
fn sandboxes_can_move_between_threads() {
    let mut sandbox = open("function process_message() return 0 end");
    let moved = std::thread::spawn(move || {
        assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(0));
        sandbox
    });
    let mut sandbox: Sandbox = moved.join().unwrap();
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(0));
}

#[test]
fn settings_are_read_by_the_script() {
    use heka_sandbox::Variable;
    let script = "function process_message() add_to_payload(read_config('s'), read_config('n'), read_config('b'), \
                  read_config('none')) inject_payload() return 0 end";
    let mut sandbox = try_open(&DECODER, script, |settings, _| {
        settings.variables = vec![
            ("s".into(), Variable::String("text".into())),
            ("n".into(), Variable::Number(1.5)),
            ("b".into(), Variable::Bool(false)),
        ];
    })
    .unwrap();
    let mut recorder = Recorder::default();
    assert_eq!(sandbox.process_message(&mut recorder), Outcome::Returned(0));
    assert_eq!(recorder.payloads[0].2, "text1.5falsenil");
    assert_eq!(run_as(&ENCODER, "add_to_payload(read_config(5))", &mut recorder), "nil");
}
