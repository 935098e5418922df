mod ends;
mod injections;
mod state;

use std::path::Path;
use std::sync::{Arc, Mutex};

use heka_message::{Message, MessageView, Value as FieldValue};
use heka_plugin::{Globals, InjectError, Log};
use tempfile::TempDir;

use super::*;

/// Lines of the log, as `info: ...` and `error: ...`.
#[derive(Default)]
pub(super) struct Lines(Mutex<Vec<String>>);

impl Lines {
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Log for Lines {
    fn info(&self, text: &str) {
        self.0.lock().unwrap().push(format!("info: {text}"));
    }

    fn error(&self, text: &str) {
        self.0.lock().unwrap().push(format!("error: {text}"));
    }

    fn plain(&self, bytes: &[u8]) {
        self.0.lock().unwrap().push(String::from_utf8_lossy(bytes).into_owned());
    }
}

/// Takes what a filter injects.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) messages: Vec<Message>,
    /// Refuses everything so.
    pub(super) refuses: Option<InjectError>,
}

impl Taken {
    pub(super) fn payloads(&self) -> Vec<String> {
        self.messages.iter().map(|message| message.payload.clone().unwrap_or_default().to_string()).collect()
    }
}

impl Inject for Taken {
    fn new_message(&self) -> Message {
        Message {
            uuid: Some("0123456789abcdef".into()),
            timestamp: Some(7),
            hostname: Some("test.host".into()),
            pid: Some(42),
            ..Message::default()
        }
    }

    fn inject(&mut self, message: &Message) -> Result<(), InjectError> {
        match self.refuses {
            Some(error) => Err(error),
            None => {
                self.messages.push(message.clone());
                Ok(())
            }
        }
    }

    fn inject_encoded(&mut self, message: MessageView<'_>) -> Result<(), InjectError> {
        let message = Message::decode(message.bytes()).unwrap();
        self.inject(&message)
    }

    fn announce(&mut self, message: &Message) -> Result<(), InjectError> {
        if self.refuses != Some(InjectError::Itself) {
            self.messages.push(message.clone());
        }
        Ok(())
    }
}

/// A folder with a script, and filters of it.
pub(super) struct Rig {
    pub(super) folder: TempDir,
    pub(super) log: Arc<Lines>,
    pub(super) options: SandboxConfig,
    pub(super) globals: Globals,
}

impl Rig {
    pub(super) fn new(script: &str) -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("f.lua");
        std::fs::write(&file, script).unwrap();
        let globals = Globals {
            hostname: "test.host".into(),
            base_dir: folder.path().to_path_buf(),
            ..Globals::default()
        };
        let options = SandboxConfig { filename: file.display().to_string(), ..SandboxConfig::default() };
        Rig { folder, log: Arc::default(), options, globals }
    }

    pub(super) fn preserving(script: &str) -> Rig {
        let mut rig = Rig::new(script);
        rig.options.preserve_data = true;
        rig
    }

    pub(super) fn try_open(&self) -> Result<SandboxFilter, ConfigError> {
        let context = Context {
            globals: Arc::new(self.globals.clone()),
            log: Arc::clone(&self.log) as Arc<dyn Log>,
            ..Context::for_test("a-f")
        };
        SandboxFilter::open(self.options.clone(), &context)
    }

    pub(super) fn open(&self) -> SandboxFilter {
        self.try_open().unwrap()
    }

    pub(super) fn data_file(&self) -> std::path::PathBuf {
        self.folder.path().join("sandbox_preservation/a_f.data")
    }

    pub(super) fn script(&self, text: &str) {
        std::fs::write(Path::new(&self.options.filename), text).unwrap();
    }
}

/// Hands the filter a message with this payload.
pub(super) fn process(filter: &mut SandboxFilter, payload: &str, taken: &mut Taken) -> Result<(), String> {
    let message = Message {
        payload: Some(payload.into()),
        timestamp: Some(5),
        uuid: Some("u".into()),
        ..Message::default()
    };
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    let record = Record { message: MessageView::new(&bytes), bytes: &[], loop_count: 0 };
    filter.process(&record, taken).map_err(|error| error.to_string())
}

pub(super) fn first_value(message: &Message, field: &str) -> String {
    match message.field(field.as_bytes()).and_then(|field| field.value(0)) {
        Some(FieldValue::String(text)) => text.to_string(),
        other => panic!("{other:?}"),
    }
}
