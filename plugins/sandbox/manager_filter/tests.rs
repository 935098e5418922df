use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

use heka_message::{Field, Message};
use heka_plugin::config::Entry;
use heka_plugin::{DynamicFilters, Globals, InjectError, Log};
use tempfile::TempDir;

use super::*;

/// Runs filters in name only.
#[derive(Default)]
struct Fleet {
    running: Mutex<Vec<(String, Table, bool)>>,
    forgotten: Mutex<Vec<String>>,
}

impl Fleet {
    fn names(&self) -> Vec<String> {
        self.running.lock().unwrap().iter().map(|(name, ..)| name.clone()).collect()
    }

    fn option(&self, name: &str, key: &str) -> Value {
        let running = self.running.lock().unwrap();
        let (_, table, _) = running.iter().find(|(other, ..)| other == name).unwrap();
        table.option(key).unwrap().value.clone()
    }
}

impl DynamicFilters for Fleet {
    /// Lines `section key value`.
    fn parse(&self, text: &str) -> Result<Vec<(String, Table)>, String> {
        let mut sections: Vec<(String, Table)> = Vec::new();
        for line in text.lines() {
            let [section, key, value] = line.split(' ').collect::<Vec<_>>()[..] else {
                return Err("bad line".into());
            };
            if sections.last().is_none_or(|(name, _)| name != section) {
                sections.push((section.into(), Table::default()));
            }
            let entry = Entry { key: key.into(), value: Value::String(value.into()), line: 0 };
            sections.last_mut().unwrap().1.entries.push(entry);
        }
        Ok(sections)
    }

    fn is_running(&self, name: &str) -> bool {
        self.names().iter().any(|other| other == name)
    }

    fn count(&self, prefix: &str) -> usize {
        self.names().iter().filter(|name| name.starts_with(prefix)).count()
    }

    fn load(&self, name: &str, table: &Table, fresh: bool) -> Result<(), String> {
        if table.option("broken").is_some() {
            return Err("it is broken".into());
        }
        self.running.lock().unwrap().push((name.into(), table.clone(), fresh));
        Ok(())
    }

    fn unload(&self, name: &str) -> bool {
        let was = self.is_running(name);
        self.running.lock().unwrap().retain(|(other, ..)| other != name);
        was
    }

    fn forget_others(&self, prefix: &str) {
        self.forgotten.lock().unwrap().push(prefix.into());
    }
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Log for Lines {
    fn info(&self, text: &str) {
        self.0.lock().unwrap().push(format!("info: {text}"));
    }
    fn error(&self, text: &str) {
        self.0.lock().unwrap().push(format!("error: {text}"));
    }
    fn plain(&self, _: &[u8]) {}
}

#[derive(Default)]
struct Told(Vec<String>);

impl Inject for Told {
    fn new_message(&self) -> Message {
        Message::default()
    }
    fn inject(&mut self, message: &Message) -> Result<(), InjectError> {
        assert_eq!(message.msg_type.as_ref().unwrap(), "heka.sandbox-terminated");
        assert_eq!(message.fields, [Field::string("plugin", "", "m-1")]);
        self.0.push(message.payload.as_ref().unwrap().to_string());
        Ok(())
    }
    fn inject_encoded(&mut self, _: MessageView<'_>) -> Result<(), InjectError> {
        unreachable!()
    }
}

struct Rig {
    folder: TempDir,
    fleet: Arc<Fleet>,
    log: Arc<Lines>,
    told: Told,
    config: SandboxManagerConfig,
}

impl Rig {
    fn new() -> Rig {
        let config = SandboxManagerConfig { max_filters: 2, ..SandboxManagerConfig::default() };
        let folder = tempfile::tempdir().unwrap();
        Rig { folder, fleet: Arc::default(), log: Arc::default(), told: Told::default(), config }
    }

    fn open(&self) -> SandboxManagerFilter {
        let globals =
            Globals { base_dir: self.folder.path().into(), share_dir: "/share".into(), ..Globals::default() };
        let context = Context {
            globals: Arc::new(globals),
            log: Arc::clone(&self.log) as Arc<dyn Log>,
            filters: Arc::clone(&self.fleet) as Arc<dyn DynamicFilters>,
            ..Context::for_test("m-1")
        };
        SandboxManagerFilter::open(self.config.clone(), &context).unwrap()
    }

    fn tell(&mut self, manager: &mut SandboxManagerFilter, timestamp: i64, fields: &[(&str, &str)]) {
        let fields = fields.iter().map(|(name, value)| Field::string(*name, "", *value)).collect();
        let message = Message {
            timestamp: Some(timestamp),
            payload: Some("script".into()),
            fields,
            ..Message::default()
        };
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        let record = Record { message: MessageView::new(&bytes), bytes: &[], loop_count: 0 };
        manager.process(&record, &mut self.told).unwrap();
    }

    fn load(&mut self, manager: &mut SandboxManagerFilter, config: &str) {
        self.tell(manager, now_ns(), &[("action", "load"), ("config", config)]);
    }

    fn unload(&mut self, manager: &mut SandboxManagerFilter, name: &str) {
        self.tell(manager, now_ns(), &[("action", "unload"), ("name", name)]);
    }

    fn files(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.folder.path().join("sbxmgrs")).unwrap();
        let mut names: Vec<String> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.log.0.lock().unwrap())
    }
}

#[test]
fn a_filter_is_loaded_kept_and_unloaded() {
    let mut rig = Rig::new();
    rig.config.memory_limit = 5;
    let mut manager = rig.open();
    rig.load(&mut manager, "my-f type SandboxFilter\nmy-f Memory_Limit huge\nother type SandboxFilter");
    assert_eq!(rig.fleet.names(), ["m_1-my_f"]);
    assert_eq!(rig.files(), ["m_1-my_f.lua", "m_1-my_f.toml"]);
    let script = rig.folder.path().join("sbxmgrs/m_1-my_f.lua");
    assert_eq!(std::fs::read_to_string(&script).unwrap(), "script");
    assert_eq!(std::fs::metadata(&script).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(rig.fleet.option("m_1-my_f", "filename"), Value::String(script.display().to_string()));
    assert_eq!(rig.fleet.option("m_1-my_f", "memory_limit"), Value::Integer(5));
    assert_eq!(rig.fleet.option("m_1-my_f", "module_directory"), Value::String("/share/lua_modules".into()));
    // Another hekad finds it again, wherever it was.
    rig.fleet.running.lock().unwrap().clear();
    rig.open().start(&mut Told::default()).unwrap();
    assert_eq!(rig.fleet.names(), ["m_1-my_f"]);
    assert!(!rig.fleet.running.lock().unwrap()[0].2);
    assert_eq!(*rig.fleet.forgotten.lock().unwrap(), ["m_1-"]);
    rig.unload(&mut manager, "my-f");
    rig.unload(&mut manager, "my-f");
    assert!(rig.fleet.names().is_empty() && rig.files().is_empty());
    assert_eq!(rig.lines(), ["info: Loading: m_1-my_f", "info: Loading: m_1-my_f"]);
    assert_eq!((rig.told.0.len(), manager.processed()), (0, 3));
}

#[test]
fn what_cannot_be_loaded_is_told_and_leaves_nothing() {
    let mut rig = Rig::new();
    let mut manager = rig.open();
    let cases = [
        ("nonsense", "loadSandbox failed: bad line\n"),
        ("f type TcpInput", "Plugin must be a SandboxFilter, received TcpInput"),
        ("f type SandboxFilter\nf broken yes", "it is broken"),
    ];
    for (config, why) in cases {
        rig.load(&mut manager, config);
        assert_eq!(rig.told.0.pop().unwrap(), why);
        assert!(rig.lines().contains(&format!("error: {why}")));
    }
    rig.load(&mut manager, "f type SandboxFilter");
    rig.load(&mut manager, "f type SandboxFilter");
    assert_eq!(rig.told.0, ["loadSandbox failed: m_1-f is already running"]);
    assert_eq!(rig.files(), ["m_1-f.lua", "m_1-f.toml"]);
}

#[test]
fn only_so_many_filters_run_and_a_slot_becomes_free_again() {
    let mut rig = Rig::new();
    let mut manager = rig.open();
    for name in ["a", "b", "c"] {
        rig.load(&mut manager, &format!("{name} type SandboxFilter"));
    }
    assert_eq!(rig.fleet.names(), ["m_1-a", "m_1-b"]);
    assert!(rig.lines().contains(&"error: m-1 attempted to load more than 2 filters".into()));
    rig.unload(&mut manager, "a");
    rig.load(&mut manager, "c type SandboxFilter");
    assert_eq!(rig.fleet.names(), ["m_1-b", "m_1-c"]);
    assert_eq!(manager.report()[0], row("RunningFilters", 2, "count"));
}

#[test]
fn messages_off_the_clock_and_without_sense_are_left_out() {
    let mut rig = Rig::new();
    let mut manager = rig.open();
    let fields = [("action", "load"), ("config", "f type SandboxFilter")];
    for skew_s in [-6, 6] {
        rig.tell(&mut manager, now_ns() + skew_s * 1_000_000_000, &fields);
    }
    let lines = rig.lines();
    assert!(lines[0].starts_with("info: Discarded control message: 6 seconds skew"), "{lines:?}");
    assert!(lines[1].starts_with("info: Discarded control message: -5 seconds skew"), "{lines:?}");
    rig.tell(&mut manager, now_ns(), &[("action", "dance")]);
    rig.tell(&mut manager, now_ns(), &[("action", "load")]);
    rig.tell(&mut manager, now_ns(), &[("action", "unload")]);
    assert!(rig.fleet.names().is_empty() && rig.lines().is_empty() && rig.told.0.is_empty());
}

#[test]
fn files_that_no_longer_load_are_removed_at_the_start() {
    let rig = Rig::new();
    let mut manager = rig.open();
    let folder = rig.folder.path().join("sbxmgrs");
    for (name, text) in [
        ("m_1-bad", "x"),
        ("m_1-wrong", "f type X"),
        ("m_1-good", "f type SandboxFilter"),
        ("m_2-f", "f type SandboxFilter"),
    ] {
        std::fs::write(folder.join(format!("{name}.toml")), text).unwrap();
    }
    manager.start(&mut Told::default()).unwrap();
    assert_eq!(rig.fleet.names(), ["m_1-good"]);
    assert_eq!(rig.files(), ["m_1-bad.toml", "m_1-good.toml", "m_2-f.toml"]);
    let lines = rig.lines();
    assert!(lines.contains(&"error: restoreSandboxes failed: bad line\n".into()), "{lines:?}");
    let why = "error: createRunner failed: Plugin must be a SandboxFilter, received X\n";
    assert!(lines.contains(&why.into()), "{lines:?}");
}
