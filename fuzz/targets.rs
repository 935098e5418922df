//! What is fuzzed: one function a target. Each takes any bytes and panics if something does not hold.
//!
//! `cargo +nightly fuzz run NAME` calls them with new bytes, the test `fuzz_corpus` with those in `testdata/fuzz/NAME`.

#[path = "lua_targets.rs"]
pub mod lua_targets;

use std::path::Path;
use std::sync::Arc;

use heka_engine::import::OldFolder;
use heka_message::{Matcher, Message, MessageView, framing, validate};
use heka_queue::fs::{Fs as _, SimulatedFs};
use heka_queue::{Batch, Cursors, Meta, Options, Position, Queue, SyncMode};

/// A target by name.
pub type Target = (&'static str, fn(&[u8]));

/// All targets, and last the one that must fail.
pub const TARGETS: &[Target] = &[
    ("segment", segment),
    ("record", record),
    ("cursors", cursors),
    ("stream", stream),
    ("message", message),
    ("matcher", matcher),
    ("dialect", dialect),
    ("import", import),
    ("lua_inject", lua_targets::lua_inject),
    ("lua_read", lua_targets::lua_read),
    ("lua_cjson", lua_targets::lua_cjson),
    ("lua_struct", lua_targets::lua_struct),
    ("lua_lpeg", lua_targets::lua_lpeg),
    ("canary", canary),
];

fn put(fs: &SimulatedFs, path: &str, bytes: &[u8]) {
    let Ok(file) = fs.create(Path::new(path)) else { return };
    let mut done = 0;
    while let Ok(more @ 1..) = file.pwrite(&bytes[done..], done as u64) {
        done += more;
    }
}

fn open_and_read(fs: &SimulatedFs) -> Vec<u64> {
    let options = Options {
        segment_size_bytes: 4096,
        sync: SyncMode::None,
        fs: Arc::new(fs.clone()),
        ..Options::default()
    };
    let Ok(queue) = Queue::open(Path::new("/q"), options) else { panic!("the queue does not open") };
    let mut reader = queue.reader(Position::default());
    let mut found = Vec::new();
    while let Some(record) = reader.next() {
        found.push(record.sequence);
    }
    let mut batch = Batch::new();
    assert!(batch.push(b"one more", Meta::default()).is_ok());
    assert!(queue.append(&mut batch).is_ok(), "the queue takes nothing");
    assert!(
        reader.next().is_some_and(|record| record.message == b"one more"),
        "what was appended is not read"
    );
    found
}

/// Any bytes as the queue's only segment: it opens, is read to its end and takes more.
pub fn segment(data: &[u8]) {
    let fs = SimulatedFs::new();
    put(&fs, "/q/00000001.log", data);
    open_and_read(&fs);
}

/// Good records of which the bytes from one place on are replaced: those before it are still read.
pub fn record(data: &[u8]) {
    let [at, rest @ ..] = data else { return };
    let fs = SimulatedFs::new();
    let mut ends = Vec::new();
    {
        let options = Options { sync: SyncMode::None, fs: Arc::new(fs.clone()), ..Options::default() };
        let Ok(queue) = Queue::open(Path::new("/q"), options) else { return };
        for id in 0..4u8 {
            let mut batch = Batch::new();
            let meta = Meta { loop_count: id.into(), signer: b"signer", canonical: true };
            assert!(batch.push(&[id; 10], meta).is_ok() && queue.append(&mut batch).is_ok());
            ends.push(queue.tail().offset as usize);
        }
    }
    let at = usize::from(*at).min(ends[3]);
    fs.damage(Path::new("/q/00000001.log"), |bytes| {
        let end = (at + rest.len()).min(bytes.len());
        bytes[at..end].copy_from_slice(&rest[..end - at]);
    });
    let found = open_and_read(&fs);
    let whole = ends.iter().filter(|end| **end <= at).count() as u64;
    assert!(found.iter().copied().take(whole as usize).eq(0..whole), "{found:?}, but {whole} were whole");
}

/// Any bytes as the cursors file: refused, or what is read is what is written again.
pub fn cursors(data: &[u8]) {
    let fs = SimulatedFs::new();
    put(&fs, "/q/cursors", data);
    let open = || Cursors::open(Path::new("/q"), Arc::new(fs.clone()), SyncMode::None);
    if let Ok(first) = open() {
        first.set("another", "queue", Position::new(1, 2));
        assert!(first.save_if_changed().is_ok());
        assert!(open().is_ok_and(|second| second.all() == first.all()));
    }
}

/// Any bytes as an old hekad's queue folder: the first says how many are `checkpoint.txt`, the rest are a queue file; a
/// second file holds a good record. The folder is read to its end, and without a checkpoint the good record is found.
pub fn import(data: &[u8]) {
    let [len, rest @ ..] = data else { return };
    let (checkpoint, queued) = rest.split_at(usize::from(*len).min(rest.len()));
    let folder = std::env::temp_dir().join(format!("heka-fuzz-import-{}", std::process::id()));
    let mut good = Vec::new();
    let framed = framing::write_frame(b"\x32\x04good", usize::MAX >> 8, &mut good);
    let written = std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(folder.join("1.log"), queued))
        .and_then(|()| std::fs::write(folder.join("2.log"), &good))
        .and_then(|()| match checkpoint {
            [] => Ok(()),
            text => std::fs::write(folder.join("checkpoint.txt"), text),
        });
    if framed.is_ok() && written.is_ok() {
        let mut messages = Vec::new();
        let read = OldFolder::open(&folder).and_then(|old| {
            old.read(|message| {
                messages.push(message.to_vec());
                std::io::Result::Ok(())
            })
        });
        assert!(read.is_ok(), "{read:?}");
        assert!(!checkpoint.is_empty() || messages.last().is_some_and(|last| last == b"\x32\x04good"));
    }
    let _ = std::fs::remove_dir_all(&folder);
}

/// Any bytes as one frame: refused, or the message in it is framed again to something that is read the same.
pub fn stream(data: &[u8]) {
    if let Some(frame) = framing::unframe(data) {
        let mut again = Vec::new();
        if framing::write_frame(frame.message, usize::MAX >> 8, &mut again).is_ok() {
            assert!(framing::unframe(&again).is_some_and(|second| second.message == frame.message));
        }
    }
    if let [len, rest @ ..] = data {
        framing::Header::decode(&rest[..usize::from(*len).min(rest.len())]).ok();
    }
}

/// Any bytes as a message: the view never fails, and shows what decoding finds.
pub fn message(data: &[u8]) {
    let view = MessageView::new(data);
    for field in view.fields() {
        let _ = (field.name(), view.field(field.name(), 0).is_some());
    }
    let _ = (view.timestamp(), view.severity(), view.pid(), view.env_version(), view.hostname());
    if validate(data).is_ok()
        && let Ok(decoded) = view.to_message()
    {
        assert_eq!(decoded.uuid.as_ref().map(|bytes| bytes.as_slice()), view.uuid());
        assert_eq!(decoded.timestamp, view.timestamp());
        assert_eq!(
            decoded.msg_type.as_ref().map(|text| text.as_slice()),
            view.msg_type().map(|text| &**text)
        );
        assert_eq!(decoded.payload.as_ref().map(|text| text.as_slice()), view.payload().map(|text| &**text));
        assert_eq!(decoded.pid, view.pid());
        assert_eq!(decoded.fields.len(), view.fields().count());
        let mut bytes = Vec::new();
        decoded.encode(&mut bytes);
        assert!(validate(&bytes).is_ok(), "what is encoded is no message");
    }
}

/// Any text as a matcher: refused, or it answers.
pub fn matcher(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(matcher) = Matcher::parse(text) {
        let mut bytes = Vec::new();
        Message { payload: Some("p".into()), msg_type: Some("t".into()), ..Message::default() }
            .encode(&mut bytes);
        matcher.matches(&MessageView::new(&bytes));
        matcher.matches(&MessageView::new(b""));
    }
}

/// Any text as a configuration.
pub fn dialect(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        heka_engine::config::dialect::parse(text).ok();
    }
}

/// Fails on some bytes: if that is not found, nothing is.
pub fn canary(data: &[u8]) {
    assert!(!data.starts_with(b"bird"), "the canary");
}
