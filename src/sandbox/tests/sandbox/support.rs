//! Scripts from text, and a plugin's side that records what they do.

use std::path::Path;

use heka_message::Message;
use heka_sandbox::{
    DECODER, Injected, InjectedPayload, Kind, Messages, Outcome, Refused, Sandbox, Settings, Source,
};

/// Records injections and has at most one message.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) message: Option<Message>,
    pub(crate) raw: Vec<u8>,
    pub(crate) refuses: Option<Refused>,
    pub(crate) messages: Vec<Vec<u8>>,
    /// Type, name, text.
    pub(crate) payloads: Vec<(String, String, String)>,
}

impl Messages for Recorder {
    fn current(&mut self) -> Option<Source<'_>> {
        self.message.as_ref().map(Source::Parsed)
    }

    fn raw(&mut self) -> Option<&[u8]> {
        self.message.as_ref().map(|_| &self.raw[..])
    }

    fn edit(&mut self) -> Option<&mut Message> {
        self.message.as_mut()
    }

    fn inject_message(&mut self, message: Injected<'_>) -> Result<(), Refused> {
        self.messages.push(message.bytes.to_vec());
        self.refuses.map_or(Ok(()), Err)
    }

    fn inject_payload(&mut self, payload: InjectedPayload<'_>) -> Result<(), Refused> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.payloads.push((text(payload.payload_type), text(payload.name), text(payload.payload)));
        self.refuses.map_or(Ok(()), Err)
    }
}

/// Opens a script of this text, called `script.lua` in error texts; its folder is its module directory.
pub(crate) fn try_open(
    kind: &'static Kind,
    text: &str,
    change: impl FnOnce(&mut Settings, &Path),
) -> Result<Sandbox, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("script.lua");
    std::fs::write(&file, text).unwrap();
    let mut settings = Settings::new(kind, file);
    settings.share_dir = folder.path().join("share");
    change(&mut settings, folder.path());
    Sandbox::open(settings)
}

/// Opens a decoder's script that must load.
pub(crate) fn open(text: &str) -> Sandbox {
    try_open(&DECODER, text, |_, _| {}).unwrap()
}

/// Runs Lua statements as a plugin of this kind; what they add to the payload is the result.
pub(crate) fn run_as(kind: &'static Kind, statements: &str, recorder: &mut Recorder) -> String {
    let script = format!("function process_message()\n{statements}\ninject_payload() return 0 end");
    let mut sandbox = try_open(kind, &script, |settings, _| settings.instruction_limit = 10_000_000).unwrap();
    let outcome = sandbox.process_message(recorder);
    assert_eq!(outcome, Outcome::Returned(0), "{}", sandbox.last_error());
    recorder.payloads.last().map(|payload| payload.2.clone()).unwrap_or_default()
}

/// Runs Lua statements as a decoder without a message.
pub(crate) fn run(statements: &str) -> String {
    run_as(&DECODER, statements, &mut Recorder::default())
}

/// The error text of a Lua statement, without the script's path.
pub(crate) fn error_of(statement: &str) -> String {
    let script = format!("function process_message()\n{statement}\nend");
    let mut sandbox = open(&script);
    let mut recorder = Recorder { message: Some(Message::default()), ..Recorder::default() };
    assert_eq!(sandbox.process_message(&mut recorder), Outcome::Terminated);
    shortened(&sandbox.last_error())
}

/// Takes the folder off positions in an error text.
pub(crate) fn shortened(text: &str) -> String {
    match text.find("/script.lua:") {
        Some(at) => {
            let start = text[..at].rfind(' ').map_or(0, |space| space + 1);
            format!("{}{}", &text[..start], &text[at + 1..])
        }
        None => text.to_string(),
    }
}
