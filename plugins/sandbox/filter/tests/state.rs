//! Preserved data: the state that goes with the place in the queues, and the data file.

use super::*;

const COUNTER: &str = "n = 0
    function process_message() n = n + 1 inject_payload('txt', '', n) return 0 end";

/// Processes so many messages; the last payload.
fn count(filter: &mut SandboxFilter, times: usize) -> String {
    let mut taken = Taken::default();
    for _ in 0..times {
        process(filter, "p", &mut taken).unwrap();
    }
    taken.payloads().pop().unwrap()
}

#[test]
fn a_killed_filter_goes_on_from_its_last_state() {
    let rig = Rig::preserving(COUNTER);
    let mut filter = rig.open();
    filter.save().unwrap();
    assert_eq!(count(&mut filter, 5), "5");
    let state = filter.save().unwrap();
    assert_eq!(count(&mut filter, 3), "8");
    // Killed: nothing of it runs any more, not even its destructor.
    std::mem::forget(filter);
    let mut filter = rig.open();
    filter.restore(&state).unwrap();
    assert_eq!(count(&mut filter, 1), "6");
    assert!(std::fs::read_to_string(rig.data_file()).unwrap().contains("_G[\"n\"] = 0"));
}

#[test]
fn a_state_is_taken_up_exactly() {
    let rig = Rig::preserving(
        "t = {1, 2.5, {deep = {'x', ['a b'] = true}}, ['\\n\\r\\0\"\\\\'] = -7, [false] = 'no'}
        text = 'bytes \\1\\200\\255' alias = t[3] gone = 1 big = 2 ^ 53 inf = 1 / 0 _PRESERVATION_VERSION = 3
        function process_message() gone = nil later = 1 return 0 end",
    );
    let mut filter = rig.open();
    process(&mut filter, "p", &mut Taken::default()).unwrap();
    let state = filter.save().unwrap();
    assert_eq!(filter.save().unwrap(), state);
    let mut again = rig.open();
    again.restore(&state).unwrap();
    let lines = |state: &[u8]| {
        let mut lines: Vec<String> = String::from_utf8_lossy(state).lines().map(String::from).collect();
        lines.sort();
        lines
    };
    // What the script sets while it is loaded, and the state has not, stays.
    let mut expected = lines(&state);
    expected.push("_G[\"gone\"] = 1".into());
    expected.sort();
    assert_eq!(lines(&again.save().unwrap()), expected);
    assert!(lines(&state).iter().any(|line| line == "_G[\"later\"] = 1"));
    assert!(
        lines(&state)[1..]
            .iter()
            .any(|line| line.starts_with("if _PRESERVATION_VERSION and _PRESERVATION_VERSION ~= 3"))
    );
}

#[test]
fn a_clean_end_writes_the_data_file_once_the_state_is_saved() {
    let rig = Rig::preserving(COUNTER);
    let mut filter = rig.open();
    filter.save().unwrap();
    count(&mut filter, 2);
    filter.stop(1, &mut Taken::default()).unwrap();
    assert!(std::fs::read_to_string(rig.data_file()).unwrap().contains("_G[\"n\"] = 0"));
    let state = filter.save().unwrap();
    drop(filter);
    let data = std::fs::read_to_string(rig.data_file()).unwrap();
    assert!(data.starts_with("if _PRESERVATION_VERSION and _PRESERVATION_VERSION ~= 0 then return end\n"));
    assert!(data.contains("_G[\"n\"] = 2\n") && !data.contains("--"), "{data}");
    // Both are taken up: the state, and, had the state been lost, the data file.
    let mut filter = rig.open();
    filter.restore(&state).unwrap();
    assert_eq!(count(&mut filter, 1), "3");
    assert_eq!(count(&mut rig.open(), 1), "3");
}

#[test]
fn a_kill_between_state_and_data_file_loses_nothing() {
    let rig = Rig::preserving(COUNTER);
    let mut filter = rig.open();
    filter.save().unwrap();
    count(&mut filter, 2);
    filter.stop(1, &mut Taken::default()).unwrap();
    let first = filter.save().unwrap();
    drop(filter);
    let mut filter = rig.open();
    filter.restore(&first).unwrap();
    count(&mut filter, 2);
    filter.stop(1, &mut Taken::default()).unwrap();
    let second = filter.save().unwrap();
    std::mem::forget(filter);
    let mut filter = rig.open();
    filter.restore(&second).unwrap();
    assert_eq!(count(&mut filter, 1), "5");
}

#[test]
fn a_data_file_that_somebody_removes_or_replaces_counts() {
    let rig = Rig::preserving(COUNTER);
    let mut filter = rig.open();
    filter.save().unwrap();
    count(&mut filter, 2);
    filter.stop(1, &mut Taken::default()).unwrap();
    let state = filter.save().unwrap();
    drop(filter);
    std::fs::write(rig.data_file(), "_G[\"n\"] = 40\n").unwrap();
    let mut filter = rig.open();
    let why = filter.restore(&state).unwrap_err();
    assert!(why.ends_with("a_f.data was replaced"), "{why}");
    assert_eq!(count(&mut filter, 1), "41");
    std::fs::remove_file(rig.data_file()).unwrap();
    let mut filter = rig.open();
    let why = filter.restore(&state).unwrap_err();
    assert!(why.ends_with("a_f.data was removed"), "{why}");
    assert_eq!(count(&mut filter, 1), "1");
    assert!(filter.restore(b"nonsense").is_err());
}

#[test]
fn a_filter_that_failed_leaves_the_older_data() {
    let rig = Rig::preserving(
        "n = 0 function process_message() n = n + 1 if read_message('Payload') == 'bad' then error('gone') end return 0 end",
    );
    let mut taken = Taken::default();
    let mut filter = rig.open();
    process(&mut filter, "p", &mut taken).unwrap();
    filter.stop(1, &mut taken).unwrap();
    filter.save().unwrap();
    drop(filter);
    let data = std::fs::read(rig.data_file()).unwrap();
    let mut filter = rig.open();
    process(&mut filter, "bad", &mut taken).unwrap_err();
    filter.stop(1, &mut taken).unwrap();
    assert_eq!(filter.save(), None);
    drop(filter);
    assert_eq!(std::fs::read(rig.data_file()).unwrap(), data);
    // Without older data there are none.
    std::fs::remove_file(rig.data_file()).unwrap();
    let mut filter = rig.open();
    filter.save().unwrap();
    assert!(rig.data_file().exists());
    process(&mut filter, "bad", &mut taken).unwrap_err();
    assert_eq!(filter.save(), None);
    assert!(!rig.data_file().exists());
}

#[test]
fn data_that_cannot_be_written_are_told_at_the_end_and_removed() {
    let rig = Rig::preserving("bad = {} function process_message() bad[{}] = 1 return 0 end");
    let mut filter = rig.open();
    filter.stop(1, &mut Taken::default()).unwrap();
    filter.save().unwrap();
    drop(filter);
    assert!(rig.data_file().exists());
    let mut filter = rig.open();
    process(&mut filter, "p", &mut Taken::default()).unwrap();
    assert!(filter.save().is_some());
    let text = filter.stop(1, &mut Taken::default()).unwrap_err().to_string();
    assert_eq!(text, "Destroy() serialize_data cannot preserve type 'table'");
    let state = filter.save().unwrap();
    drop(filter);
    assert!(!rig.data_file().exists());
    rig.open().restore(&state).unwrap();
}

#[test]
fn data_that_cannot_be_run_keep_the_filter_from_starting() {
    let rig = Rig::preserving(COUNTER);
    std::fs::create_dir(rig.data_file().parent().unwrap()).unwrap();
    std::fs::write(rig.data_file(), "nothing.at = 1").unwrap();
    let text = rig.try_open().err().unwrap().to_string();
    assert!(text.starts_with("Init() lsb_restore_global_data "), "{text}");
}

#[test]
fn a_state_that_the_script_no_longer_takes_is_refused_and_the_filter_starts_afresh() {
    let rig = Rig::preserving("t = {} function process_message() return 0 end");
    let state = rig.open().save().unwrap();
    let state = [b"missing.at = 1\n".as_slice(), &state].concat();
    let mut filter = rig.open();
    assert!(filter.restore(&state).unwrap_err().contains("attempt to index global 'missing'"));
    process(&mut filter, "p", &mut Taken::default()).unwrap();
    rig.script("function process_message() return 0 end");
}

#[test]
fn without_preserve_data_there_is_no_state() {
    let rig = Rig::new(COUNTER);
    let mut filter = rig.open();
    assert_eq!(filter.save(), None);
    filter.stop(1, &mut Taken::default()).unwrap();
    drop(filter);
    assert!(!rig.data_file().exists());
}
