//! Methods, figures and texts; results as hekad 0.11 has them.

use super::super::testing::{Script, call, check, limited, result, sweep_memory};

const FIVE: &str = "require 'circular_buffer' b = circular_buffer.new(5, 3, 10)";

#[test]
fn buffers_are_made_with_dimensions() {
    check(
        FIVE,
        &[
            (
                "circular_buffer.version(), type(b), b:get_configuration()",
                "\"0.2.0\", \"userdata\", 5, 3, 10",
            ),
            ("circular_buffer.new(2.9, '1', 60, 'text'):get_configuration()", "2, 1, 60"),
            ("circular_buffer.new(2, 1)", "@ bad argument #0 to 'new' (incorrect number of arguments)"),
            (
                "circular_buffer.new(2, 1, 1, true, 5)",
                "@ bad argument #0 to 'new' (incorrect number of arguments)",
            ),
            ("circular_buffer.new(1, 1, 1)", "@ bad argument #1 to 'new' (rows must be > 1)"),
            ("circular_buffer.new(2, 0, 1)", "@ bad argument #2 to 'new' (columns must be > 0)"),
            ("circular_buffer.new(2, 1, 0)", "@ bad argument #3 to 'new' (seconds_per_row is out of range)"),
            ("circular_buffer.new(1e7, 100, 1)", "not enough memory"),
            ("circular_buffer.new(2147483647, 2147483647, 1)", "not enough memory"),
        ],
    );
    assert_eq!(
        limited(FIVE, "circular_buffer.new(2147483647, 2147483647, 1)", |s| s.memory_limit = 0),
        "not enough memory"
    );
}

#[test]
fn cells_are_added_to_set_and_got() {
    check(
        FIVE,
        &[
            ("b:get(0, 1), b:get(40e9, 3), b:current_time()", "nan, nan, 40000000000"),
            ("b:get(50e9, 1), b:get(-1, 1), b:get(-10e9, 1)", "nil, nan, nil"),
            ("b:add(0, 1, 5), b:add(0, 1, 2.5), b:add(9.99e9, 1, 1), b:get(0, 1)", "5, 7.5, 8.5, 8.5"),
            ("b:set(20e9, 2, 7), b:set(25e9, 2, 4), b:get(20e9, 2)", "7, 4, 4"),
            ("b:add(30e9, 3, 0/0), b:add(30e9, 3, 5)", "nan, 5"),
            ("b:add(0, 1, 8), b:add(-5e9, 1, 1)", "8, 9"),
            (
                "b:add(0, 1, 1), b:add(50e9, 1, 2), b:get(0, 1), b:get(10e9, 1), b:current_time()",
                "1, 2, nil, nan, 50000000000",
            ),
            ("b:add(90e9, 1, 1), b:add(0, 1, 1), b:set(49e9, 1, 1)", "1, nil, nil"),
            (
                "b:add(1e12, 1, 1), b:get(990e9, 1), b:current_time(), b:get(2e12, 1)",
                "1, nan, 1000000000000, nil",
            ),
            ("b:add(1/0, 1, 1), b:add(0/0, 1, 1), b:current_time()", "nil, nil, 40000000000"),
            ("b:add(0, 1.9, 1), b:add(0, '1', '5')", "1, 6"),
            ("b:add(0, 0, 1)", "@ bad argument #2 to 'add' (column out of range)"),
            ("b:get(0, 4)", "@ bad argument #2 to 'get' (column out of range)"),
            ("b:add(0, 1, nil)", "@ bad argument #3 to 'add' (number expected, got nil)"),
            ("b:add(0, 1)", "@ bad argument #-1 to 'add' (incorrect number of arguments)"),
            ("b.add({}, 1, 1, 1)", "@ bad argument #1 to 'add' (mozsvc.circular_buffer expected, got table)"),
            ("b.get(1e12, 1)", "@ bad argument #1 to 'get' (mozsvc.circular_buffer expected, got number)"),
            ("(function() pcall(b.add, b, 60e9, 9, 1) return b:current_time() end)()", "60000000000"),
        ],
    );
}

#[test]
fn columns_have_headers() {
    check(
        FIVE,
        &[
            ("b:get_header(1)", "\"Column_1\", \"count\", \"sum\""),
            ("b:set_header(2, 'a name which is longer than fifteen', 'unit/long*label', 'max')", "2"),
            (
                "(function() b:set_header(2, 'a name which is longer than fifteen', 'unit/long*label', 'max') return b:get_header(2) end)()",
                "\"a_name_which_is\", \"unit/lo\", \"max\"",
            ),
            (
                "(function() b:set_header(3, 'h\\195\\169 \"q\" \\\\ /', 'k B\"', 'min') b:set_header(3, 'ab', nil, 'none') return b:get_header(3) end)()",
                "\"ab\", \"count\", \"none\"",
            ),
            ("b:set_header(1, 'x', 'y', 'avg')", "@ bad argument #4 to 'set_header' (invalid option 'avg')"),
            ("b:set_header(1)", "@ bad argument #-1 to 'set_header' (incorrect number of arguments)"),
            ("b:get_header(0)", "@ bad argument #1 to 'get_header' (column out of range)"),
        ],
    );
}

#[test]
fn columns_of_extremes_keep_the_extreme() {
    let before = "require 'circular_buffer' b = circular_buffer.new(3, 4, 1)
        for i, how in ipairs{'sum', 'min', 'max', 'none'} do b:set_header(i, how, 'c', how) end";
    check(
        before,
        &[
            ("b:set(0, 1, 5), b:set(0, 1, 3), b:set(0, 4, 5), b:set(0, 4, 3)", "5, 3, 5, 3"),
            ("b:set(0, 2, 5), b:set(0, 2, 3), b:set(0, 2, 9)", "5, 3, 3"),
            ("b:set(0, 3, 5), b:set(0, 3, 3), b:set(0, 3, 9)", "5, 5, 9"),
            ("b:set(0, 3, -5), b:set(0, 3, 0/0), b:set(0, 1, 1), b:set(0, 1, 0/0)", "-5, -5, 1, nan"),
            ("b:add(0, 2, 10), b:add(0, 2, 10)", "10, 20"),
        ],
    );
}

#[test]
fn figures_of_a_column() {
    let before = "require 'circular_buffer' k = circular_buffer.new(6, 2, 1)
        for i, v in ipairs{4, 8, 15, 16, 23, 42} do k:set((i - 1) * 1e9, 1, v) end";
    check(
        before,
        &[
            ("k:compute('sum', 1)", "108, 6"),
            ("k:compute('sum', 1, 1e9, 3e9)", "39, 3"),
            ("k:compute('sum', 2)", "0, 0"),
            ("k:compute('avg', 1, 4e9)", "32.5, 2"),
            ("k:compute('avg', 2)", "nan, 0"),
            ("k:compute('sd', 1)", "12.315302134607444, 6"),
            ("k:compute('variance', 1, nil, 1e9)", "4, 2"),
            ("k:compute('min', 1)", "4, 6"),
            ("k:compute('max', 1)", "42, 6"),
            ("k:compute('max', 2)", "nan, 0"),
            ("k:compute('sum', 1, 0, 99e9)", "nil, 0"),
            ("k:compute('sum', 1, 3e9, 1e9)", "@ bad argument #4 to 'compute' (end must be >= start)"),
            ("k:compute('median', 1)", "@ bad argument #1 to 'compute' (invalid option 'median')"),
            ("k:compute('sum')", "@ bad argument #-1 to 'compute' (incorrect number of arguments)"),
            ("k:set(0, 2, -1), k:compute('max', 2)", "-1, nan, 1"),
            ("k:set(8e9, 1, 100), k:compute('sum', 1, 4e9, 8e9)", "100, 165, 3"),
            ("k:set(8e9, 1, 1/0), k:compute('max', 1)", "inf, inf, 4"),
        ],
    );
}

#[test]
fn samples_are_compared_by_ranks() {
    let before = "require 'circular_buffer' b = circular_buffer.new(40, 1, 1)
        local data = {15309, 14092, 13661, 13412, 14205, 15042, 14142, 13820, 14917, 13953, 14320, 14472, 15133, 13790,
            14539, 14129, 14363, 14202, 13841, 13610, 13759, 14428, 14851, 13838, 13819, 14468, 14989, 15557, 14380,
            13500, 14818, 14632, 13631, 14663, 14532, 14188, 14537, 14109, 13925, 15022}
        for i, v in ipairs(data) do b:set(i * 1e9, 1, v) end
        function rounded(u, p) return u, math.floor(p * 1e5) end";
    check(
        before,
        &[
            ("rounded(b:mannwhitneyu(1, 1e9, 20e9, 21e9, 40e9))", "171, 22037"),
            ("rounded(b:mannwhitneyu(1, 1e9, 20e9, 21e9, 40e9, false))", "171, 21638"),
            (
                "b:set(40e9, 1, 15309), rounded(b:mannwhitneyu(1, 1e9, 20e9, 21e9, 40e9))",
                "15309, 168.5, 20084",
            ),
            ("b:mannwhitneyu(1, 41e9, 60e9, 61e9, 80e9)", ""),
            ("circular_buffer.new(20, 1, 1):mannwhitneyu(1, 0, 9e9, 10e9, 19e9)", ""),
            (
                "b:mannwhitneyu(1, 0, 5, 2, 7)",
                "@ bad argument #3 to 'mannwhitneyu' (ranges must not overlap)",
            ),
            (
                "b:mannwhitneyu(1, 5, 0, 2, 7)",
                "@ bad argument #3 to 'mannwhitneyu' (end_1 must be >= start_1)",
            ),
            (
                "b:mannwhitneyu(1, 0, 5, 10, 6)",
                "@ bad argument #5 to 'mannwhitneyu' (end_2 must be >= start_2)",
            ),
            (
                "b:mannwhitneyu(1, 0, 1, 2, 3, true, 5)",
                "@ bad argument #-1 to 'mannwhitneyu' (too many arguments)",
            ),
            (
                "b:mannwhitneyu(1, 0, 5, 6, 10, 'a')",
                "@ bad argument #6 to 'mannwhitneyu' (use_continuity must be a boolean)",
            ),
        ],
    );
}

/// The payload of a script whose `process_message` runs these statements.
fn payload(before: &str, statements: &str) -> String {
    let script = format!(
        "require 'circular_buffer' {before}
        function process_message() {statements} inject_payload() return 0 end"
    );
    String::from_utf8(call(&mut Script::new(&script).open(|_| {}).unwrap())).unwrap()
}

#[test]
fn all_of_a_buffer_as_text() {
    let text = payload(
        "local b = circular_buffer.new(2, 2, 1) b:set_header(2, 'x', 'count', 'max') b:set(0, 1, -2) b:set(0, 2, 10)",
        "add_to_payload(b)",
    );
    assert_eq!(
        text,
        "{\"time\":0,\"rows\":2,\"columns\":2,\"seconds_per_row\":1,\"column_info\":[\
         {\"name\":\"Column_1\",\"unit\":\"count\",\"aggregation\":\"sum\"},\
         {\"name\":\"x\",\"unit\":\"count\",\"aggregation\":\"max\"}]}\n-2\t10\nnan\tnan\n"
    );
}

#[test]
fn what_changed_as_text() {
    let before = "local b = circular_buffer.new(2, 2, 1, true) b:set_header(2, 'Min', 'count', 'min') b:format('cbufd')";
    let rows = |statements: &str| {
        let text = payload(before, statements);
        text.split_once("]}\n").map_or(text.clone(), |(_, rows)| rows.to_string())
    };
    assert_eq!(rows("add_to_payload(b)"), "");
    assert_eq!(rows("b:set(0, 1, 3) b:set(0, 2, 6) add_to_payload(b)"), "0\t3\t6\n");
    assert_eq!(rows("b:set(0, 1, 3) b:set(0, 1, 5) add_to_payload(b)"), "0\t5\tnan\n");
    // Once written they are gone, and extremes that follow one another add up.
    assert_eq!(
        rows(
            "b:set(0, 2, 6) add_to_payload('x', b) b:set(0, 2, 5) b:set(0, 2, 4) b:format('cbufd')
        local first = b add_to_payload(b)"
        )
        .split("]}\n")
        .last(),
        Some("0\tnan\t9\n")
    );
    assert_eq!(rows("b:add(0, 1, 2) b:add(0, 1, 3) b:add(0, 1, 0) add_to_payload(b)"), "0\t5\tnan\n");
    assert_eq!(rows("b:add(0, 1, 0) add_to_payload(b)"), "");
    assert_eq!(rows("b:add(0, 1, 1) add_to_payload(circular_buffer[1][0][0], '\\n', b)"), "0\t1\tnan\n");
}

#[test]
fn text_that_does_not_fit_stops_where_the_output_ends() {
    let before = "require 'circular_buffer' b = circular_buffer.new(100, 1, 1, true)
        for i = 0, 99 do b:set(i * 1e9, 1, i) end
        function told(ok, why) inject_payload() return why end";
    let limit = |settings: &mut crate::Settings| settings.output_limit = 300;
    assert_eq!(limited(before, "told(pcall(add_to_payload, b))", limit), "\"output_limit exceeded\"");
    // What changed is kept for another try.
    let expression = "told(pcall(add_to_payload, b:format('cbufd'))), circular_buffer[1][5][0]";
    assert_eq!(limited(before, expression, limit), "\"output_limit exceeded\", 5");
    // What fitted stays.
    let before = format!("{before} function told(ok, why) end");
    let text = limited(&before, "told(pcall(add_to_payload, b))", limit);
    assert!(text.starts_with("{\"time\":0,") && text.len() > 295, "{text}");
}

#[test]
fn a_script_that_breaks_the_table_of_deltas_gets_an_error() {
    let before =
        "require 'circular_buffer' b = circular_buffer.new(2, 1, 1, true) b:add(0, 1, 1) b:format('cbufd')
        function told(ok, why) inject_payload() return why end";
    check(
        before,
        &[
            (
                "(function() circular_buffer = nil b:add(0, 1, 1) end)()",
                "@ Could not find table circular_buffer",
            ),
            (
                "(function() circular_buffer[1] = 5 return b:add(0, 1, 1), told(pcall(add_to_payload, b)) end)()",
                "2, \"Could not find the delta table\"",
            ),
            (
                "(function() circular_buffer[1].x = 5 return told(pcall(add_to_payload, b)) end)()",
                "\"Invalid delta table structure\"",
            ),
            (
                "b.lsb_output(5)",
                "@ bad argument #1 to 'lsb_output' (mozsvc.circular_buffer expected, got number)",
            ),
        ],
    );
}

#[test]
fn saved_text_is_taken_over() {
    let cells = |text: &str| {
        let before = format!("require 'circular_buffer' b = circular_buffer.new(3, 2, 60) text = '{text}'");
        result(
            &before,
            "select(2, pcall(b.fromstring, b, text)) or '', b:current_time() / 1e9, b:get(b:current_time(), 1), b:get(b:current_time(), 2)",
        )
    };
    assert_eq!(cells("120 2 1 2 3 4 5 6"), "\"\", 120, 5, 6");
    assert_eq!(cells("120 2 1 2 3 4 5"), "\"fromstring() too few values: 5, expected 6\", 120, 5, nan");
    assert_eq!(cells("120 2 1 2 3 4 5 6 7"), "\"fromstring() too many values, more than: 6\", 120, 5, 6");
    assert_eq!(cells("120 2 nan nan inf -inf 0.5 -1e3"), "\"\", 120, 0.5, -1000");
    assert_eq!(cells(""), "\"fromstring() too few values: 0, expected 6\", 0, nan, nan");
    assert_eq!(cells("x"), "\"fromstring() too many values, more than: 6\", 0, 0, 0");
    assert_eq!(cells("180 0 1 2 3 4 5 6"), "\"\", 180, 1, 2");
    assert_eq!(cells("  120   2\\t1\\n2 3 4 5 6 "), "\"\", 120, 5, 6");
    check(
        "require 'circular_buffer' d = circular_buffer.new(3, 2, 60, true)",
        &[
            (
                "d:fromstring('120 2 1 2 3 4 5 6 60 7 8') or circular_buffer[1][60][0], circular_buffer[1][60][1]",
                "7, 8",
            ),
            ("d:fromstring('120 2 1 2 3 4 5 6 60 7')", "fromstring() invalid delta"),
            ("d:fromstring('120 2 1 2 3 4 5 6 60 7 8 x')", "@ fromstring() too many values, more than: 6"),
            ("d:fromstring('9223372036854775807 4294967295 1 2 3 4 5 6'), d:add(0, 1, 1)", "nil, nil"),
            ("d:fromstring()", "@ bad argument #-1 to 'fromstring' (incorrect number of arguments)"),
            ("d:fromstring({})", "@ bad argument #1 to 'fromstring' (string expected, got table)"),
        ],
    );
}

#[test]
fn a_buffer_outlives_a_restart() {
    let script = Script::new(
        "require 'circular_buffer'
        b = circular_buffer.new(3, 2, 60, true) b:set_header(2, 'x', 'ms', 'max')
        function process_message()
            b:add(60e9, 1, 2) b:set(180e9, 2, 0.5)
            add_to_payload(b:format('cbuf'))
            add_to_payload(b:format('cbufd'))
            inject_payload()
            b:add(120e9, 1, 1)
            return 0
        end",
    );
    let mut first = script.open(|_| {}).unwrap();
    call(&mut first);
    first.stop().unwrap();
    let state = String::from_utf8(script.state()).unwrap();
    let lines: Vec<&str> = state.lines().filter(|line| line.contains("\"b\"")).collect();
    assert_eq!(
        lines,
        [
            "if _G[\"b\"] == nil then _G[\"b\"] = circular_buffer.new(3, 2, 60, true) end",
            "_G[\"b\"]:set_header(1, \"Column_1\", \"count\", \"sum\")",
            "_G[\"b\"]:set_header(2, \"x\", \"ms\", \"max\")",
            "_G[\"b\"]:fromstring(\"180 0 nan 0.5 2 nan 1 nan 120 1 0\")",
        ]
    );
    let mut second = script.open(|_| {}).unwrap();
    let text = String::from_utf8(call(&mut second)).unwrap();
    assert!(text.contains("]}\n4\tnan\n1\tnan\nnan\t0.5\n{"), "{text}");
    // Saving leaves what changed where it is: the sandbox may go on.
    second.save().unwrap();
    let state = String::from_utf8(script.state()).unwrap();
    second.save().unwrap();
    assert_eq!(String::from_utf8(script.state()).unwrap(), state);
    assert!(state.contains("120 1 0"), "{state}");
}

#[test]
fn a_lack_of_memory_is_an_error_wherever_it_strikes() {
    sweep_memory(
        "require 'circular_buffer' require 'string'",
        "local b = circular_buffer.new(20, 3, 1, true)
        for i = 1, 30 do b:add(i * 1e9, 1, i) b:set(i * 1e9, 2, i) end
        add_to_payload(b:format('cbufd')) inject_payload()
        b:fromstring('19 19' .. string.rep(' 5', 60) .. ' 5 1 2 3 6 1 2 3')",
    );
}

/// Time, row and cells of the saved buffer of 7 rows and 2 columns, then what changed, ordered: Lua's tables are not.
fn ordered(state: &[u8]) -> Vec<Vec<String>> {
    let state = String::from_utf8_lossy(state);
    let text = state.split_once("fromstring(\"").unwrap().1.split_once('"').unwrap().0;
    let words: Vec<String> = text.split(' ').map(String::from).collect();
    let (cells, changes) = words.split_at(2 + 7 * 2);
    let mut rows: Vec<Vec<String>> = changes.chunks(3).map(<[String]>::to_vec).collect();
    rows.push(cells.to_vec());
    rows.sort();
    rows
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]
    #[test]
    fn saving_and_restoring_changes_nothing(
        steps in proptest::collection::vec((-5_i64..40, 1..3, -100..100, 0..4), 0..30),
    ) {
        let steps: String = steps.iter().map(|(row, column, value, what)| match what {
            0 => format!("b:set({row}e9, {column}, 0/0) "),
            1 => format!("b:set({row}e9, {column}, {value} / 4) "),
            _ => format!("b:add({row}e9, {column}, {value} / 8) "),
        }).collect();
        let script = Script::new(&format!(
            "require 'circular_buffer' b = circular_buffer.new(7, 2, 1, true)
            function process_message() {steps} inject_payload('', '', b) return 0 end
            function timer_event() inject_payload('', '', b) end"
        ));
        let mut first = script.open(|_| {}).unwrap();
        call(&mut first);
        first.save().unwrap();
        let state = ordered(&script.state());
        let mut second = script.open(|_| {}).unwrap();
        second.save().unwrap();
        assert_eq!(ordered(&script.state()), state);
    }

    #[test]
    fn no_text_breaks_fromstring(text in "[0-9 naif.e+-]{0,80}", deltas: bool) {
        let before = format!("require 'circular_buffer' b = circular_buffer.new(2, 2, 1, {deltas})");
        result(&before, &format!("b:fromstring('{text}'), b:add(5e9, 1, 1)"));
        result(&before, &format!("pcall(b.fromstring, b, '{text}'), b:add(5e9, 1, 1), add_to_payload(b)"));
    }
}
