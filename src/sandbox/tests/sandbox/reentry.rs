//! Script code that runs in the middle of a host function: finalizers, which Lua may run whenever it allocates, and
//! metamethods.

use heka_sandbox::{FILTER, INPUT, OUTPUT, Outcome};

use crate::support::{Recorder, run_as, try_open};

/// An object that is collected uses every buffer of the host.
const FINALIZERS: &str = r#"
    require "string" require "table" require "os" require "cjson" require "sax" require "circular_buffer"
    local long = string.rep("z\n", 2000)
    local json = '"' .. string.rep("\\n", 2000) .. '"'
    finalized = 0
    function trap()
        getmetatable(newproxy(true)).__gc = function()
            finalized = finalized + 1
            cjson.encode({long})
            cjson.decode(json)
            os.date(string.rep("%Y", 500))
            pcall(require, "no_such_module")
            pcall(os.date, "%?")
        end
    end
    collectgarbage("setpause", 1)
"#;

fn with_finalizers(body: &str) {
    for kind in [&INPUT, &OUTPUT] {
        let text =
            format!("{FINALIZERS}\nfunction process_message()\n{body}\nreturn 0, tostring(finalized) end");
        let mut sandbox = try_open(kind, &text, |settings, _| {
            settings.memory_limit = 64 * 1024 * 1024;
            settings.output_limit = 0;
        })
        .unwrap();
        let outcome = sandbox.process_message(&mut Recorder::default());
        assert_eq!(outcome, Outcome::Returned(0), "{}", sandbox.last_error());
        let finalized: u32 = sandbox.last_error().parse().unwrap();
        assert!(finalized > 20, "only {finalized} finalizers ran");
    }
}

#[test]
fn finalizers_do_not_reach_a_json_text() {
    with_finalizers(
        r#"for size = 1, 300 do
            trap()
            local text = string.rep("x", size * 7)
            local wanted = '["' .. text .. '"]'
            local got = cjson.encode({text})
            if got ~= wanted then error("encoded " .. size) end
            got = cjson.decode('["' .. text .. '\\t"]')[1]
            if got ~= text .. "\t" then error("decoded " .. size) end
        end"#,
    );
}

#[test]
fn finalizers_do_not_reach_dates_words_and_errors() {
    with_finalizers(
        r#"local word = sax.word.new("ABCDABCD", 4)
        for size = 1, 300 do
            trap()
            local wanted = string.rep("1970-", size)
            if os.date(string.rep("%Y-", size), 0) ~= wanted then error("date " .. size) end
            if tostring(word) ~= "ABCDABCD" then error("word") end
            local _, why = pcall(require, "missing" .. size)
            if not string.find(why, "module 'missing" .. size .. "' not found:", 1, true) then error(why) end
            _, why = pcall(os.date, "%!")
            if not string.find(why, "invalid conversion specifier '%!'", 1, true) then error(why) end
            _, why = pcall(cjson.encode, function() end)
            if not string.find(why, "Cannot serialise function", 1, true) then error(why) end
        end"#,
    );
}

#[test]
fn finalizers_do_not_reach_preserved_data() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state");
    let keep = "kept, buffer = {}, circular_buffer.new(10, 2, 1, true)
        for i = 1, 20 do trap() end
        for i = 1, 500 do kept['key' .. i] = {string.rep('v', i)} end
        for i = 1, 10 do buffer:add(i * 1e9, 1, i) buffer:add(i * 1e9, 2, i) end";
    let open =
        |text: &str| try_open(&OUTPUT, text, |settings, _| settings.state_file = Some(file.clone())).unwrap();
    let mut sandbox = open(&format!(
        "{FINALIZERS}\n{keep}\nfunction process_message() for i = 1, 50 do trap() end return 0 end"
    ));
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(0));
    sandbox.stop().unwrap();
    let check = "require 'string' require 'circular_buffer' function process_message()
        for i = 1, 500 do if kept['key' .. i][1] ~= string.rep('v', i) then return -1 end end
        return buffer:get(9e9, 2) == 9 and 0 or -2 end";
    let mut again = open(check);
    assert_eq!(again.process_message(&mut Recorder::default()), Outcome::Returned(0));
}

#[test]
fn an_error_in_a_finalizer_gives_the_buffer_back() {
    let text = r#"require "cjson" require "string"
        collectgarbage("setpause", 1)
        function process_message()
            local failed = 0
            for size = 1, 200 do
                pcall(function()
                    getmetatable(newproxy(true)).__gc = function() error("from a finalizer") end
                end)
                pcall(function()
                    local wanted = '["' .. string.rep("x", size) .. '"]'
                    local ok, got = pcall(cjson.encode, {string.rep("x", size)})
                    if not ok then failed = failed + 1 end
                    if ok and got ~= wanted then wrong = true end
                end)
            end
            return wrong and -1 or 0, tostring(failed)
        end"#;
    let mut sandbox = try_open(&OUTPUT, text, |_, _| {}).unwrap();
    assert_eq!(sandbox.process_message(&mut Recorder::default()), Outcome::Returned(0));
    assert_ne!(sandbox.last_error(), "0", "no finalizer failed");
}

#[test]
fn a_message_is_refused_when_its_metamethods_use_the_output() {
    let refusal =
        "inject_message() could not encode protobuf - the output was used while the message was read";
    for (meddling, injected) in [
        ("inject_message({Payload = 'inner'})", 1),
        ("add_to_payload('x')", 0),
        ("inject_payload('txt', 'x', 'y')", 0),
        ("inject_payload()", 0),
        ("require 'sax' sax.word.new('ABCDABCD', 4):lsb_output()", 0),
    ] {
        for place in ["Type", "Hostname", "Fields", "value", "representation"] {
            let statements = format!(
                "local function meddle(_, key) if key == '{place}' then {meddling} return 'met' end end
                local field = setmetatable({{name = 'n'}}, {{__index = meddle}})
                local fields = {{{{name = 'long', value = ('x'):rep(300)}}, field}}
                local message = setmetatable({{Payload = ('p'):rep(200), Fields = fields}}, {{__index = meddle}})
                if '{place}' == 'Fields' then message.Fields = nil end
                local ok, why = pcall(inject_message, message)
                inject_payload('txt', '', tostring(why))"
            );
            let mut recorder = Recorder::default();
            run_as(&FILTER, &format!("require 'string' {statements}"), &mut recorder);
            let said = recorder.payloads.iter().any(|payload| payload.2.ends_with(refusal));
            assert!(said, "{meddling} for {place}: {:?}", recorder.payloads);
            assert_eq!(recorder.messages.len(), injected, "{meddling} for {place}");
        }
    }
}
