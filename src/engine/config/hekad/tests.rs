use heka_plugin::config::decode_struct;

use super::*;
use crate::config::dialect;

fn hekad(text: &str) -> Hekad {
    decode_struct(&dialect::parse(text).unwrap()).unwrap()
}

#[track_caller]
fn check_type(text: &str, expected: &str) {
    let refused = decode_struct::<Hekad>(&dialect::parse(text).unwrap()).unwrap_err();
    assert_eq!(refused.to_string(), expected);
}

#[track_caller]
fn check_value(text: &str, expected: &str) {
    assert_eq!(hekad(text).check().unwrap_err(), expected);
}

#[test]
fn the_defaults_are_good() {
    assert_eq!(hekad(""), Hekad::default());
    assert_eq!(Hekad::default().check(), Ok(()));
    assert_eq!(Hekad::default().shutdown_timeout(), Some(Duration::from_secs(30)));
    assert_eq!(Hekad::default().queue_sync(), Some(QueueSync::Ack));
}

#[test]
fn options_are_read_in_any_letter_case() {
    let read =
        hekad("HostName = \"h\"\nLOG_FLAGS = 0\nqueue_sync = \"interval\"\nshutdown_timeout = \"1m30s\"");
    assert_eq!((read.hostname.as_str(), read.log_flags), ("h", 0));
    assert_eq!(read.queue_sync(), Some(QueueSync::Interval));
    assert_eq!(read.shutdown_timeout(), Some(Duration::from_secs(90)));
}

#[test]
fn wrong_types_and_unknown_keys_are_refused() {
    check_type(
        "base_dir = 5",
        "Type mismatch for 'main.HekadConfig.BaseDir': Expected string but found 'int64'.",
    );
    check_type(
        "maxprocs = \"2\"",
        "Type mismatch for 'main.HekadConfig.Maxprocs': Expected integer but found 'string'.",
    );
    check_type(
        "poolsize = \"x\"",
        "Type mismatch for 'main.HekadConfig.PoolSize': Expected integer but found 'string'.",
    );
    check_type(
        "max_pack_idle = 120",
        "Type mismatch for 'main.HekadConfig.MaxPackIdle': Expected string but found 'int64'.",
    );
    check_type("[sub]\nx = 1", "Configuration contains key [sub] which doesn't exist in struct");
}

#[test]
fn values_out_of_range_are_refused() {
    check_value("sample_denominator = 0", "'sample_denominator' value must be greater than 0.");
    check_value("sample_denominator = -4", "'sample_denominator' value must be greater than 0.");
    check_value("max_pack_idle = \"2 minutes\"", "Can't parse `max_pack_idle` time duration: 2 minutes");
    check_value("max_message_size = 1024", "Error: 'max_message_size' setting must be greater than 1024.");
    check_value("max_message_size = 1", "Error: 'max_message_size' setting must be greater than 1024.");
    check_value("queue_sync = \"always\"", "'queue_sync' must be 'ack', 'interval' or 'none', got 'always'");
    check_value("queue_segment_size = 10", "'queue_segment_size' must be at least 262144.");
    check_value("shutdown_timeout = \"-1s\"", "Can't parse `shutdown_timeout` time duration: -1s");
    assert_eq!(hekad("max_message_size = 1025").check(), Ok(()));
    assert_eq!(hekad("max_message_size = 0").check(), Ok(()));
}

#[test]
fn a_queue_file_holds_the_largest_record() {
    let read = hekad("max_message_size = 100000000\nqueue_segment_size = 67108864");
    assert!(read.check().unwrap_err().starts_with("'queue_segment_size' must be at least 100000"));
}

#[test]
fn plugins_see_usable_numbers() {
    let globals =
        hekad("max_message_loops = 0\nplugin_chansize = -5\nbase_dir = \"b\"").globals("system.host");
    assert_eq!((globals.max_message_loops, globals.plugin_chansize), (1, 0));
    assert_eq!((globals.hostname.as_str(), globals.base_dir), ("system.host", PathBuf::from("b")));
    assert_eq!(globals.max_message_size, heka_message::DEFAULT_MAX_MESSAGE_SIZE);
    assert_eq!(hekad("hostname = \"mine\"").globals("system.host").hostname, "mine");
}

#[test]
fn options_without_effect_are_named() {
    assert_eq!(
        hekad("poolsize = 500\nmax_pack_idle = \"5m\"").without_effect(),
        ["poolsize", "max_pack_idle"]
    );
    assert!(hekad("poolsize = 100").without_effect().is_empty());
}
