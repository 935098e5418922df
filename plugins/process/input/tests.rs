use std::time::{Duration, Instant};

use heka_message::Message;
use heka_plugin::config::Entry;
use heka_plugin::input::InputPlugin;
use heka_plugin::{Context, Input, Kind, PluginError, Stop, Table, Value};

use super::{Config, ProcessInput};
use crate::fake_inlet::FakeInlet;

/// A shell command as the options of command `index`.
fn shell(index: usize, script: &str) -> (String, Value) {
    let mut command = Table::default();
    command.set("bin", Value::String("sh".into()));
    command.set("args", Value::Array(vec![Value::String("-c".into()), Value::String(script.into())]));
    (index.to_string(), Value::Table(command))
}

fn options(scripts: &[&str], more: &[(&str, Value)]) -> Table {
    let commands = scripts.iter().enumerate().map(|(index, script)| shell(index, script));
    let entries = commands.map(|(key, value)| Entry { key, value, line: 0 }).collect();
    let mut table = Table::default();
    table.set("command", Value::Table(Table { entries, line: 0 }));
    more.iter().for_each(|(key, value)| table.set(key, value.clone()));
    table
}

fn open(table: &Table) -> Result<ProcessInput, heka_plugin::ConfigError> {
    let config: Config = heka_plugin::config::decode(table, Kind::Input)?;
    ProcessInput::open(config, &Context::for_test("p"))
}

/// Runs the commands once.
fn run(inlet: &FakeInlet, scripts: &[&str], more: &[(&str, Value)]) -> Result<(), PluginError> {
    open(&options(scripts, more)).unwrap().run(inlet, &Stop::new())
}

fn field(message: &Message, name: &str) -> Option<String> {
    let field = message.fields.iter().find(|field| field.name() == name)?;
    Some(match field.value(0)? {
        heka_message::Value::String(text) => text.to_string(),
        heka_message::Value::Integer(number) => number.to_string(),
        other => panic!("{other:?}"),
    })
}

fn whole() -> FakeInlet {
    FakeInlet { whole_reads: true, ..FakeInlet::default() }
}

#[test]
fn the_output_of_a_chain_is_one_message_with_all_headers() {
    let inlet = whole();
    run(&inlet, &["printf '3\\n1\\n2\\n'", "sort", "tr '\\n' ,; exit 3"], &[]).unwrap();
    let messages = inlet.messages(1);
    assert_eq!(messages.len(), 1);
    let message = &messages[0];
    assert_eq!(message.payload.as_ref().unwrap(), "1,2,3,");
    assert_eq!(message.msg_type.as_ref().unwrap(), "ProcessInput");
    assert_eq!(message.hostname.as_ref().unwrap(), "test.host");
    assert_eq!(message.pid, Some(i32::try_from(std::process::id()).unwrap()));
    assert_eq!(field(message, "ProcessInputName").unwrap(), "p.stdout");
    assert_eq!(field(message, "ExitStatus").unwrap(), "3");
    assert_eq!(field(message, "SubcmdErrors").unwrap(), "Subcommand[2] returned an error: [exit status 3]");
    assert_eq!(inlet.tokens(1), ["stdout"]);
}

#[test]
fn lines_of_a_short_run_tell_how_it_ended() {
    let inlet = FakeInlet::default();
    run(&inlet, &["echo a; echo b; exit 2"], &[]).unwrap();
    let messages = inlet.messages(2);
    let statuses: Vec<_> = messages.iter().map(|message| field(message, "ExitStatus").unwrap()).collect();
    assert_eq!((inlet.payloads(2), statuses), (vec!["a\n".into(), "b\n".into()], vec!["2".into(); 2]));
}

#[test]
fn lines_of_a_long_run_come_while_it_runs() {
    let inlet = FakeInlet::default();
    let stop = Stop::new();
    let mut input = open(&options(&["echo first; sleep 600 & sleep 600"], &[])).unwrap();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| input.run(&inlet, &stop));
        assert_eq!(inlet.payloads(1), ["first\n"]);
        stop.request();
        running.join().unwrap().unwrap();
    });
}

#[test]
fn both_streams_are_read_if_asked_for() {
    let inlet = FakeInlet { final_too: true, ..FakeInlet::default() };
    let scripts = ["echo unheard >&2; echo in", "cat; printf err >&2"];
    run(&inlet, &scripts, &[("stderr", Value::Bool(true))]).unwrap();
    let mut seen: Vec<_> = inlet
        .messages(2)
        .iter()
        .map(|message| {
            (field(message, "ProcessInputName").unwrap(), message.payload.clone().unwrap().to_string())
        })
        .collect();
    seen.sort();
    assert_eq!(seen, [("p.stderr".into(), "err".into()), ("p.stdout".into(), "in\n".into())]);

    let inlet = whole();
    let more = [("stderr", Value::Bool(true)), ("stdout", Value::Bool(false))];
    run(&inlet, &["echo out; echo err >&2"], &more).unwrap();
    assert_eq!(inlet.payloads(1), ["err\n"]);
}

#[test]
fn a_command_that_takes_too_long_is_killed_with_its_children() {
    let inlet = whole();
    let began = Instant::now();
    run(&inlet, &["echo $$; sleep 600 & sleep 600"], &[("timeout", Value::Integer(1))]).unwrap();
    assert!(began.elapsed() < Duration::from_secs(60));
    let message = &inlet.messages(1)[0];
    let script = "sh -c echo $$; sleep 600 & sleep 600";
    assert_eq!(field(message, "ExitStatus").unwrap(), "0");
    assert_eq!(
        field(message, "SubcmdErrors").unwrap(),
        format!(
            "Subcommand[0] returned an error: [ManagedCmd was stopped with error: [subprocess was killed: [{script}]]]"
        )
    );
    let group = message.payload.as_ref().unwrap().to_string();
    assert!(!is_group_alive(group.trim()));
}

/// Whether a process is left, zombies apart, whose group this is.
fn is_group_alive(group: &str) -> bool {
    let stats = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path().join("stat")).ok());
    stats.into_iter().any(|stat| {
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        fields.first() != Some(&"Z") && fields.get(2) == Some(&group)
    })
}

#[test]
fn a_child_left_behind_with_the_output_is_cut_off_by_the_timeout() {
    let inlet = whole();
    run(&inlet, &["echo done; sleep 600 &"], &[("timeout", Value::Integer(1))]).unwrap();
    let message = &inlet.messages(1)[0];
    assert_eq!(message.payload.as_ref().unwrap(), "done\n");
    assert_eq!((field(message, "ExitStatus").unwrap().as_str(), field(message, "SubcmdErrors")), ("0", None));
}

#[test]
fn a_stage_that_ends_early_ends_those_before_it() {
    let inlet = whole();
    run(&inlet, &["exec yes", "head -n 1"], &[]).unwrap();
    let message = &inlet.messages(1)[0];
    assert_eq!(message.payload.as_ref().unwrap(), "y\n");
    assert_eq!(
        field(message, "SubcmdErrors").unwrap(),
        "Subcommand[0] returned an error: [signal: broken pipe]"
    );
}

#[test]
fn output_is_taken_whole_however_much_it_is_and_nothing_is_carried_over() {
    let inlet = whole();
    run(&inlet, &["head -c 3000000 /dev/zero | tr '\\0' x"], &[]).unwrap();
    assert_eq!(inlet.payloads(1)[0].len(), 3_000_000);
    let inlet = FakeInlet::default();
    let mut input = open(&options(&["echo line; printf tail"], &[])).unwrap();
    input.run(&inlet, &Stop::new()).unwrap();
    input.run(&inlet, &Stop::new()).unwrap();
    assert_eq!(inlet.payloads(2), ["line\n", "line\n"]);
    let silent = whole();
    run(&silent, &["true"], &[]).unwrap();
    assert!(silent.messages(0).is_empty());
}

#[test]
fn it_runs_at_once_or_at_the_first_tick_and_again() {
    let stop = Stop::new();
    let every = |tick_s| FakeInlet { whole_reads: true, tick_s, ..FakeInlet::default() };
    let at_once = [("immediate_start", Value::Bool(true))];
    let inlet = every(3600);
    let mut input = open(&options(&["echo now"], &at_once)).unwrap();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| input.run(&inlet, &stop));
        assert_eq!(inlet.payloads(1), ["now\n"]);
        stop.request();
        running.join().unwrap().unwrap();
    });
    let (inlet, stop) = (every(1), Stop::new());
    let mut input = open(&options(&["echo tick"], &[])).unwrap();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| input.run(&inlet, &stop));
        assert_eq!(inlet.payloads(2)[..2], ["tick\n", "tick\n"]);
        stop.request();
        running.join().unwrap().unwrap();
    });
}

#[test]
fn the_environment_is_replaced_and_the_directory_changed() {
    let inlet = whole();
    let mut table = options(&["echo $A:$HOME:$(pwd)"], &[]);
    if let Value::Table(commands) = &mut table.entries[0].value
        && let Value::Table(command) = &mut commands.entries[0].value
    {
        command.set("env", Value::Array(vec![Value::String("A=1=2".into())]));
        command.set("directory", Value::String("/usr".into()));
    }
    open(&table).unwrap().run(&inlet, &Stop::new()).unwrap();
    assert_eq!(inlet.payloads(1), ["1=2::/usr\n"]);
}

#[test]
fn what_cannot_start_ends_the_run_and_leaves_nothing_behind() {
    let mut table = options(&["sleep 600"], &[]);
    if let Value::Table(commands) = &mut table.entries[0].value {
        let mut missing = Table::default();
        missing.set("bin", Value::String("/no/such".into()));
        missing.set("args", Value::Array(vec![Value::String("x".into())]));
        commands.set("1", Value::Table(missing));
    }
    let why = open(&table).unwrap().run(&whole(), &Stop::new()).unwrap_err().to_string();
    assert_eq!(
        why,
        "CommandChain::Start() error: [Command [/no/such x] triggered an error: \
         [fork/exec /no/such: no such file or directory]]"
    );
}

#[test]
fn commands_are_numbered_without_gaps() {
    let error = |table: &Table| open(table).err().unwrap().to_string();
    assert_eq!(error(&Table::default()), "No Command Configured");
    let mut table = options(&["true"], &[]);
    if let Value::Table(commands) = &mut table.entries[0].value {
        commands.entries.push(Entry { key: "2".into(), value: shell(2, "true").1, line: 0 });
    }
    assert_eq!(error(&table), "Expected to find a command at index [p][1]");
    let mut wrong = options(&["true"], &[]);
    wrong.set("timeout", Value::String("1s".into()));
    assert_eq!(
        error(&wrong),
        "Type mismatch for 'process.ProcessInputConfig.TimeoutSeconds': Expected integer but found 'string'."
    );
}
