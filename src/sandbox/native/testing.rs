//! Scripts for the tests of modules.

use crate::{DECODER, Injected, InjectedPayload, Messages, Outcome, Refused, Sandbox, Settings, Source};

/// Keeps the payloads that a script injects.
#[derive(Default)]
struct Payloads(Vec<Vec<u8>>);

impl Messages for Payloads {
    fn current(&mut self) -> Option<Source<'_>> {
        None
    }

    fn raw(&mut self) -> Option<&[u8]> {
        None
    }

    fn edit(&mut self) -> Option<&mut heka_message::Message> {
        None
    }

    fn inject_message(&mut self, _: Injected<'_>) -> Result<(), Refused> {
        Ok(())
    }

    fn inject_payload(&mut self, payload: InjectedPayload<'_>) -> Result<(), Refused> {
        self.0.push(payload.payload.to_vec());
        Ok(())
    }
}

/// A script with its folder.
pub(super) struct Script {
    folder: tempfile::TempDir,
}

impl Script {
    pub(super) fn new(text: &str) -> Script {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("script.lua"), text).unwrap();
        Script { folder }
    }

    /// Opens it, with its state kept in the folder.
    pub(super) fn open(&self, change: impl FnOnce(&mut Settings)) -> Result<Sandbox, String> {
        let mut settings = Settings::new(&DECODER, self.folder.path().join("script.lua"));
        settings.share_dir = self.folder.path().join("share");
        settings.state_file = Some(self.folder.path().join("state.data"));
        settings.memory_limit = 64 * 1024 * 1024;
        settings.instruction_limit = 100_000_000;
        settings.output_limit = 1024 * 1024;
        change(&mut settings);
        Sandbox::open(settings)
    }

    /// The state that was saved.
    pub(super) fn state(&self) -> Vec<u8> {
        std::fs::read(self.folder.path().join("state.data")).unwrap()
    }
}

/// Calls `process_message`; the last payload that it injected.
pub(super) fn call(sandbox: &mut Sandbox) -> Vec<u8> {
    let mut payloads = Payloads::default();
    let outcome = sandbox.process_message(&mut payloads);
    assert_eq!(outcome, Outcome::Returned(0), "{}", sandbox.last_error());
    payloads.0.pop().unwrap_or_default()
}

/// Shows values so that all that differ look different, and runs functions.
const PRELUDE: &str = r##"
require "string" require "table" require "math"
local function shown(value)
    if type(value) == "string" then return string.format("%q", value) end
    if type(value) == "number" then
        if value ~= value then return "nan" end
        return string.format("%.17g", value)
    end
    if type(value) ~= "table" then return type(value) == "userdata" and "userdata" or tostring(value) end
    local keys = {}
    for key in pairs(value) do keys[#keys + 1] = key end
    table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
    for at, key in ipairs(keys) do keys[at] = tostring(key) .. "=" .. shown(value[key]) end
    return "{" .. table.concat(keys, " ") .. "}"
end
local function all(ok, ...)
    local texts = {}
    for at = 1, select("#", ...) do texts[at] = shown((select(at, ...))) end
    if ok then return table.concat(texts, ", ") end
    return (string.gsub(tostring((...)), "^[^\n:]-%.lua:%d+: ", "@ "))
end
function try(f, ...) return all(pcall(f, ...)) end
"##;

/// What a Lua expression gives, all its values or its error; `@` is a position. `before` runs first.
pub(super) fn result(before: &str, expression: &str) -> String {
    limited(before, expression, |_| {})
}

/// [`result`] with other settings.
pub(super) fn limited(before: &str, expression: &str, change: impl FnOnce(&mut Settings)) -> String {
    let script = format!(
        "{PRELUDE}{before}\nfunction process_message()
        inject_payload('', '', try(function() return {expression} end)) return 0 end"
    );
    let mut sandbox = Script::new(&script).open(change).unwrap();
    String::from_utf8_lossy(&call(&mut sandbox)).into_owned()
}

/// Compares many expressions with what they give.
pub(super) fn check(before: &str, pairs: &[(&str, &str)]) {
    for (expression, expected) in pairs {
        assert_eq!(result(before, expression), *expected, "{expression}");
    }
}

/// Runs the statements under ever larger memory limits until they work. Whatever they allocate fails once.
pub(super) fn sweep_memory(before: &str, statements: &str) {
    let script = format!("{before}\nfunction process_message()\n{statements}\nreturn 0 end");
    let script = Script::new(&script);
    let needed = script.open(|_| {}).unwrap().figures().memory;
    for step in 0.. {
        let limit = needed / 2 + step * 64;
        let Ok(mut sandbox) = script.open(|settings| settings.memory_limit = limit) else { continue };
        match sandbox.process_message(&mut Payloads::default()) {
            Outcome::Returned(0) => return assert!(step > 0),
            _ => assert!(sandbox.last_error().ends_with("not enough memory"), "{}", sandbox.last_error()),
        }
    }
}
