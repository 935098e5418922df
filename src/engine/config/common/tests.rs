use std::time::Duration;

use super::*;
use crate::config::dialect;

fn table(text: &str) -> Table {
    dialect::parse(text).unwrap()
}

#[track_caller]
fn check_input(text: &str, expected: &str) {
    let refused = CommonInput::decode("in", &table(text)).unwrap_err();
    assert_eq!(refused.to_string(), format!("can't decode common input config for 'in': {expected}"));
}

#[track_caller]
fn check_output(text: &str, expected: &str) {
    let refused = CommonFo::decode(Kind::Output, "out", &table(text)).unwrap_err();
    assert_eq!(refused.to_string(), format!("can't decode common output config for 'out': {expected}"));
}

#[test]
fn what_is_not_given_is_told_from_what_is_empty() {
    let none = CommonInput::decode("in", &table("type = \"TcpInput\"\nother = 1")).unwrap();
    assert_eq!(none, CommonInput::default());
    let empty =
        CommonInput::decode("in", &table("decoder = \"\"\nticker_interval = 0\ncan_exit = false")).unwrap();
    assert_eq!(
        (empty.decoder.as_deref(), empty.ticker_interval, empty.can_exit),
        (Some(""), Some(0), Some(false))
    );
}

#[test]
fn wrong_types_name_the_go_fields() {
    let own = "Type mismatch for 'pipeline.CommonInputConfig";
    check_input("splitter = 1", &format!("{own}.Splitter': Expected string but found 'int64'."));
    check_input(
        "synchronous_decode = \"x\"",
        &format!("{own}.SyncDecode': Expected integer but found 'string'."),
    );
    check_input("can_exit = 1", &format!("{own}.CanExit': Expected integer but found 'int64'."));
    check_input(
        "[retries]\nmax_retries = \"3\"",
        &format!(
            "{own}.Retries': Type mismatch for 'pipeline.RetryOptions.MaxRetries': Expected integer but found 'string'."
        ),
    );
    check_input(
        "[retries]\ndelay = 5",
        &format!(
            "{own}.Retries': Type mismatch for 'pipeline.RetryOptions.Delay': Expected string but found 'int64'."
        ),
    );
    let own = "Type mismatch for 'pipeline.CommonFOConfig";
    check_output("message_matcher = 5", &format!("{own}.Matcher': Expected string but found 'int64'."));
    check_output(
        "message_matcher = [\"TRUE\"]",
        &format!("{own}.Matcher': Expected string but found '[]interface {{}}'."),
    );
    check_output("ticker_interval = \"5\"", &format!("{own}.Ticker': Expected integer but found 'string'."));
    check_output(
        "use_buffering = \"yes\"",
        &format!("{own}.UseBuffering': Expected integer but found 'string'."),
    );
    check_output("encoder = 1", &format!("{own}.Encoder': Expected string but found 'int64'."));
    check_output(
        "retries = 5",
        &format!("{own}.Retries': Type mismatch for pipeline.RetryOptions. Expected map but found 'int64'."),
    );
    let refused = CommonSplitter::decode("s", &table("\n\nmin_buffer_size = 1.5")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "can't decode common splitter config for 's': Type mismatch for 'pipeline.CommonSplitterConfig.BufferSize': \
         Expected integer but found 'float64'."
    );
    assert_eq!(refused.option(), Some(("min_buffer_size", 3)));
    let refused = CommonFo::decode(Kind::Filter, "f", &table("can_exit = 1")).unwrap_err();
    assert!(refused.to_string().starts_with("can't decode common filter config for 'f': "));
}

#[test]
fn the_type_is_a_string_of_a_table() {
    assert_eq!(type_name(&table("TYPE = \"LogOutput\"")).unwrap().as_deref(), Some("LogOutput"));
    assert_eq!(type_name(&table("type = \"\"")).unwrap(), None);
    assert_eq!(
        type_name(&table("type = 5")).unwrap_err().to_string(),
        "Type mismatch for 'pipeline.CommonConfig.Typ': Expected string but found 'int64'."
    );
    assert_eq!(
        section_table(&Value::Integer(5)).unwrap_err().to_string(),
        "Type mismatch for pipeline.CommonConfig. Expected map but found 'int64'."
    );
    assert!(section_table(&Value::Table(Table::default())).is_ok());
}

#[test]
fn a_part_of_retries_keeps_the_other_defaults() {
    let given = "[retries]\nnope = 1\nmax_retries = 3\ndelay = \"1s\"\nmax_jitter = \"-5s\"";
    let retries = CommonInput::decode("in", &table(given)).unwrap().retries.unwrap();
    assert_eq!((retries.max_retries, retries.delay), (Some(3), Duration::from_secs(1)));
    assert_eq!((retries.max_delay, retries.max_jitter), (Duration::from_secs(30), Duration::ZERO));
    assert_eq!(CommonInput::decode("in", &table("[retries]")).unwrap().retries, Some(Retries::default()));
}

#[test]
fn retries_for_ever_are_minus_one() {
    let retries = |number: &str| {
        let given = format!("[retries]\nmax_retries = {number}");
        CommonInput::decode("in", &table(&given)).unwrap().retries.unwrap().max_retries
    };
    assert_eq!((retries("-1"), retries("0"), retries("-7")), (None, Some(0), Some(0)));
}

#[test]
fn a_bad_duration_is_refused_when_it_is_read() {
    check_input(
        "[retries]\ndelay = \"soon\"",
        "Type mismatch for 'pipeline.CommonInputConfig.Retries': time: invalid duration \"soon\"",
    );
}

#[test]
fn buffering_has_heka_s_defaults_and_limits() {
    let given = table("use_buffering = true\n[buffering]\nnope = 1\nmax_buffer_size = 10");
    let buffering = CommonFo::decode(Kind::Output, "out", &given).unwrap().buffering.unwrap();
    assert_eq!(buffering, Buffering { max_buffer_size: 10, ..Buffering::default() });
    assert_eq!((buffering.action(), buffering.limit()), (Some(FullAction::Shutdown), Some(10)));
    assert_eq!((buffering.file_size(), buffering.cursor_interval()), (536_870_912, 1));
    let zero = Buffering { max_file_size: 0, cursor_update_count: 0, ..Buffering::default() };
    assert_eq!((zero.file_size(), zero.cursor_interval(), zero.limit()), (536_870_912, 1, None));
}

#[test]
fn buffering_that_cannot_work_is_refused() {
    let bad = Buffering { full_action: "DROP".into(), ..Buffering::default() };
    assert_eq!(
        bad.check().unwrap_err(),
        "buffer full_action must be 'shutdown', 'drop', or 'block', got 'DROP'"
    );
    let small = Buffering { max_file_size: 1000, ..Buffering::default() };
    assert_eq!(
        small.check_file_size(65794).unwrap_err(),
        "can't initialize buffer: `max_file_size` must be greater than maximum record size of 65794"
    );
    check_output(
        "[buffering]\nmax_buffer_size = -1",
        "Type mismatch for 'pipeline.CommonFOConfig.Buffering': Type mismatch for \
         'pipeline.QueueBufferConfig.MaxBufferSize': Integer '-1' is out of the range of 0 to 18446744073709551615.",
    );
}
