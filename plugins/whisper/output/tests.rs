use std::path::PathBuf;
use std::sync::Mutex;

use heka_message::{Message, MessageView};
use heka_plugin::Globals;

use super::*;

#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl Log for Seen {
    fn info(&self, _: &str) {}
    fn error(&self, text: &str) {
        self.0.lock().unwrap().push(text.into());
    }
    fn plain(&self, _: &[u8]) {}
}

fn context(base_dir: PathBuf, log: Arc<dyn Log>) -> Context {
    let globals = Arc::new(Globals { base_dir, ..Globals::default() });
    Context { globals, log, ..Context::for_test("w") }
}

fn send(output: &mut WhisperOutput, payloads: &[String]) -> Result<(), SendError> {
    let encoded: Vec<Vec<u8>> = payloads
        .iter()
        .map(|payload| {
            let mut bytes = Vec::new();
            Message { payload: Some(payload.as_str().into()), ..Message::default() }.encode(&mut bytes);
            bytes
        })
        .collect();
    let record = |bytes| Record { message: MessageView::new(bytes), bytes: b"", loop_count: 0 };
    let records: Vec<Record<'_>> = encoded.iter().map(|bytes| record(bytes.as_slice())).collect();
    output.send(&records, &Stop::new())
}

#[test]
fn good_lines_are_kept_and_bad_ones_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(Seen::default());
    let mut output =
        WhisperOutput::open(Config::default(), &context(dir.path().into(), log.clone())).unwrap();
    let now = now_s();
    send(&mut output, &[format!("a.b 1 {now}\nbad\na.c 2 {now}\n"), format!("d 3 {now}"), "d 4 9".into()])
        .unwrap();
    output.flush().unwrap();
    assert_eq!(output.delivered(), 3);
    for name in ["a/b.wsp", "a/c.wsp", "d.wsp"] {
        assert_eq!(std::fs::metadata(dir.path().join("whisper").join(name)).unwrap().len(), 36_928);
    }
    let said = log.0.lock().unwrap();
    assert_eq!(said[0], "malformed statmetric line: 'bad'");
    assert!(said[1].ends_with("d.wsp': point is older than the maximum retention period"), "{said:?}");
}

#[test]
fn options_that_cannot_work() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |config| {
        let context = context(dir.path().into(), Arc::new(Seen::default()));
        WhisperOutput::open(config, &context).err().unwrap().to_string()
    };
    let base = dir.path().join("whisper");
    assert_eq!(
        refused(Config { folder_perm: "rwx".into(), ..Config::default() }),
        format!(
            "WhisperOutput '{}' can't parse `folder_perm`, is it an octal integer string?",
            base.display()
        )
    );
    assert_eq!(
        refused(Config { default_archive_info: vec![vec![1, 2]], ..Config::default() }),
        "All default archive info settings must have 3 values."
    );
    std::fs::write(&base, "").unwrap();
    assert_eq!(
        refused(Config::default()),
        format!(
            "Can't create the basepath for the WhisperOutput plugin: mkdir {}: file exists",
            base.display()
        )
    );
}

#[test]
fn a_check_makes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let context = Context { only_check: true, ..context(dir.path().into(), Arc::new(Seen::default())) };
    WhisperOutput::open(Config::default(), &context).unwrap();
    assert!(!dir.path().join("whisper").exists());
}
