//! `require`.

use heka_sandbox::{DECODER, Outcome, Sandbox};

use crate::support::{Recorder, error_of, run, shortened, try_open};

/// Opens a script beside modules.
fn with_modules(modules: &[(&str, &str)], script: &str) -> Result<Sandbox, String> {
    try_open(&DECODER, script, |settings, folder| {
        for (name, text) in modules {
            let file = folder.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        settings.module_directory = Some(folder.to_str().unwrap().into());
    })
}

fn result(modules: &[(&str, &str)], expression: &str) -> String {
    let script = format!("local text = {expression}\nfunction process_message() return -1, text end");
    let mut sandbox = with_modules(modules, &script).unwrap();
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(-1));
    sandbox.last_error()
}

#[test]
fn a_module_is_loaded_once_and_gives_what_it_returns() {
    let modules = [("a.lua", "count = (count or 0) + 1 return {n = count}")];
    assert_eq!(result(&modules, "require('a').n .. require('a').n"), "11");
    assert_eq!(result(&[("a.lua", "x = ...")], "tostring(require 'a') .. x"), "truea");
    assert_eq!(result(&[("b/c.lua", "return 'inner'")], "require 'b.c'"), "inner");
}

#[test]
fn module_makes_a_table_of_its_own() {
    let modules = [("m.lua", "local type = type module 'm' function f() return type(tostring) end")];
    assert_eq!(result(&modules, "require 'm'.f() .. m._NAME .. type(getmetatable(m))"), "nilmtable");
}

#[test]
fn a_module_that_is_not_there_is_told_with_every_place() {
    let error = error_of("require 'no.such'");
    let head = "process_message() script.lua:2: module 'no.such' not found:\n\tno file '";
    assert!(error.starts_with(head), "{error}");
    let script = "function process_message() require 'unknown' end";
    let mut sandbox =
        try_open(&DECODER, script, |settings, _| settings.module_directory = Some(String::new())).unwrap();
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Terminated);
    let places = "module 'unknown' not found:\n\tno file 'unknown.lua'\n\tno file 'unknown.so'";
    assert!(sandbox.last_error().ends_with(places), "{}", sandbox.last_error());
}

#[test]
fn names_and_faults_of_modules() {
    assert_eq!(error_of("require '../x'"), "process_message() invalid module name '../x'");
    let error = with_modules(&[("bad.lua", "x = = 1")], "require 'bad'").unwrap_err();
    assert!(error.starts_with("Init() error loading module 'bad' from file '/"), "{error}");
    assert!(error.ends_with("unexpected symbol near '='"), "{error}");
    let error = with_modules(&[("l.lua", "require 'l'")], "require 'l'").unwrap_err();
    assert!(error.ends_with("l.lua:1: loop or previous error loading module 'l'"), "{error}");
    let error = with_modules(&[("e.lua", "error('boom', 0)")], "require 'e'").unwrap_err();
    assert_eq!(shortened(&error), "Init() boom");
}

#[test]
fn a_module_on_disk_goes_before_the_embedded_one() {
    assert_eq!(result(&[("ip_address.lua", "return 'mine'")], "require 'ip_address'"), "mine");
    assert_eq!(result(&[], "type(require 'ip_address'.v4)"), "userdata");
}

#[test]
fn embedded_modules_load_and_leave_no_globals() {
    let text = run("local known = {} for name in pairs(_G) do known[name] = true end
        for _, name in ipairs{'date_time', 'ip_address', 'common_log_format'} do
            add_to_payload(name, ' ', type(require(name)), ' ')
        end
        for name in pairs(_G) do if not known[name] then add_to_payload(name, ' ') end end");
    let (modules, globals) = text.split_at("date_time table ip_address table common_log_format table ".len());
    assert_eq!(modules, "date_time table ip_address table common_log_format table ");
    let mut globals: Vec<&str> = globals.split_whitespace().collect();
    globals.sort_unstable();
    assert_eq!(globals, ["lpeg", "os", "string"]);
}

#[test]
fn shipped_scripts_run_without_an_installation() {
    for script in heka_sandbox::embedded::scripts() {
        let opened = try_open(&DECODER, "", |settings, _| {
            settings.script = settings.share_dir.join(&script);
            settings.variables =
                vec![("log_format".into(), heka_sandbox::Variable::String("$status".into()))];
        });
        // A script may want other options or another kind, but it is found and compiles.
        if let Err(error) = opened {
            assert!(!error.contains("cannot open") && !error.contains("near"), "{script}: {error}");
        }
    }
    assert!(heka_sandbox::embedded::scripts().contains(&"lua_decoders/nginx_access.lua".into()));
}
