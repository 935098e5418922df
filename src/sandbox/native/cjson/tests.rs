//! Both directions, settings and limits; results as lua-cjson of hekad 0.11 has them.

use super::super::testing::{check, limited, result, sweep_memory};

const REQUIRE: &str = "c = require 'cjson'";

#[test]
fn the_module_is_a_global_with_these_names() {
    check(
        REQUIRE,
        &[
            ("c == cjson, c._NAME, c._VERSION", "true, \"cjson\", \"2.1.0\""),
            ("c.new, c.encode_keep_buffer", "nil, nil"),
            ("type(c.null), c.null == nil", "\"userdata\", false"),
        ],
    );
}

#[test]
fn values_are_encoded() {
    let encoded = [
        ("{}", "{}"),
        ("{1, 2, 3}", "[1,2,3]"),
        ("{a = {b = {1, {2}}}}", "{\\\"a\\\":{\\\"b\\\":[1,[2]]}}"),
        ("nil", "null"),
        ("c.null", "null"),
        ("{true, false}", "[true,false]"),
        ("{1, 2, x = 3}", "{\\\"1\\\":1,\\\"2\\\":2,\\\"x\\\":3}"),
        ("{[3] = 'x'}", "[null,null,\\\"x\\\"]"),
        ("{[10] = 1}", "[null,null,null,null,null,null,null,null,null,1]"),
        ("{[0] = 1}", "{\\\"0\\\":1}"),
        ("{[1.5] = 1}", "{\\\"1.5\\\":1}"),
        ("{[1450000000000] = 1}", "{\\\"1450000000000\\\":1}"),
        ("{{}, {{}}}", "[{},[{}]]"),
        (
            "{b = 1, a = 2, c = 3, d = 4, e = 5}",
            "{\\\"a\\\":2,\\\"c\\\":3,\\\"b\\\":1,\\\"e\\\":5,\\\"d\\\":4}",
        ),
        ("{-1, 1.5, 0.1, 1/3, 1e15}", "[-1,1.5,0.1,0.33333333333333,1e+15]"),
        (
            "{123456789012345, 1e-5, 2^53, -2^31}",
            "[1.2345678901234e+14,1e-05,9.007199254741e+15,-2147483648]",
        ),
        ("{1e14, 99999999999999, 0}", "[1e+14,99999999999999,0]"),
        ("-tonumber('0')", "-0"),
        ("setmetatable({1}, {__index = {x = 1}})", "[1]"),
    ];
    for (value, json) in encoded {
        assert_eq!(result(REQUIRE, &format!("c.encode({value})")), format!("\"{json}\""), "{value}");
    }
    check(
        REQUIRE,
        &[
            (
                "c.encode('\"\\\\/\\b\\f\\n\\r\\t\\0\\1\\31\\127') == '\"\\\\\"\\\\\\\\\\\\/\\\\b\\\\f\\\\n\\\\r\\\\t\\\\u0000\\\\u0001\\\\u001f\\\\u007f\"'",
                "true",
            ),
            ("c.encode('h\\195\\169\\255')", "\"\\\"h\u{e9}\u{fffd}\\\"\""),
            ("#c.encode(string.rep('x', 5000))", "5002"),
        ],
    );
}

#[test]
fn what_json_has_not_is_refused() {
    check(
        REQUIRE,
        &[
            ("c.encode({[100] = 1})", "@ Cannot serialise table: excessively sparse array"),
            ("c.encode({[11] = 1})", "@ Cannot serialise table: excessively sparse array"),
            ("c.encode({[true] = 1})", "@ Cannot serialise boolean: table key must be a number or string"),
            ("c.encode({type})", "@ Cannot serialise function: type not supported"),
            ("c.encode(0/0)", "@ Cannot serialise number: must not be NaN or Infinity"),
            ("c.encode(1, 2)", "@ bad argument #1 to 'encode' (expected 1 argument)"),
            (
                "c.encode((function() local t = {} t[1] = t return t end)())",
                "@ Cannot serialise, excessive nesting (1001)",
            ),
            ("pcall(c.encode)", "false, \"bad argument #1 to '?' (expected 1 argument)\""),
        ],
    );
}

#[test]
fn texts_are_decoded() {
    let decoded = [
        ("{}", "{}"),
        ("[1,2,3]", "{1=1 2=2 3=3}"),
        ("{\"a\":{\"b\":[true,false]}}", "{a={b={1=true 2=false}}}"),
        ("null", "nil"),
        ("[null,1]", "{2=1}"),
        ("{\"a\":null}", "{}"),
        (" \t\r\n{ \"a\" : [ 1 , 2 ] } \n", "{a={1=1 2=2}}"),
        ("{\"a\":1,\"a\":2}", "{a=2}"),
        ("\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00x\"", "\"A\u{e9}\u{20ac}\u{1f600}x\""),
        ("\"\\n\\/\\\\\\\"\"", "\"\\\n/\\\\\\\"\""),
        ("[1]\0[", "{1=1}"),
        ("01", "1"),
        ("+1", "1"),
        ("5.", "5"),
        ("0x10", "16"),
        ("-Infinity", "-inf"),
        ("nan", "nan"),
        ("1e400", "inf"),
        ("12345678901234567890", "1.2345678901234567e+19"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
    ];
    for (json, value) in decoded {
        let before = format!("{REQUIRE} text = {}", quoted(json));
        assert_eq!(result(&before, "c.decode(text)"), value, "{json}");
    }
}

#[test]
fn faults_are_told_with_their_place() {
    let faults = [
        ("", "value but found T_END at character 1"),
        ("{", "object key string but found T_END at character 2"),
        ("{\"a\"}", "colon but found T_OBJ_END at character 5"),
        ("{\"a\":}", "value but found T_OBJ_END at character 6"),
        ("{a:1}", "object key string but found invalid token at character 2"),
        ("{\"a\":1 2", "comma or object end but found T_NUMBER at character 8"),
        ("[1,]", "value but found T_ARR_END at character 4"),
        ("[1 2]", "comma or array end but found T_NUMBER at character 4"),
        ("[1]x", "the end but found invalid token at character 4"),
        ("nulll", "the end but found invalid token at character 5"),
        ("1 2", "the end but found T_NUMBER at character 3"),
        ("\"open", "value but found unexpected end of string at character 6"),
        ("\"a\0b\"", "value but found unexpected end of string at character 3"),
        ("\"\\x\"", "value but found invalid escape code at character 2"),
        ("\"\\ud83d\"", "value but found invalid unicode escape code at character 2"),
        ("\"\\ude00\"", "value but found invalid unicode escape code at character 2"),
        ("\"\\u12\"", "value but found invalid unicode escape code at character 2"),
        ("--1", "value but found invalid number at character 1"),
        ("-", "value but found invalid number at character 1"),
        (".5", "value but found invalid token at character 1"),
        ("1e", "the end but found invalid token at character 2"),
        ("\x0b[1]", "value but found invalid token at character 1"),
    ];
    for (json, fault) in faults {
        let before = format!("{REQUIRE} text = {}", quoted(json));
        assert_eq!(result(&before, "c.decode(text)"), format!("@ Expected {fault}"), "{json}");
    }
    check(
        REQUIRE,
        &[
            ("c.decode('a\\0')", "@ JSON parser does not support UTF-16 or UTF-32"),
            ("c.decode({})", "@ bad argument #1 to 'decode' (string expected, got table)"),
            ("c.decode(12)", "12"),
            ("type(c.decode(string.rep('[', 1000) .. string.rep(']', 1000)))", "\"table\""),
            (
                "c.decode(string.rep('[', 1001))",
                "@ Found too many nested data structures (1001) at character 1001",
            ),
        ],
    );
}

fn quoted(text: &str) -> String {
    let bytes: Vec<String> = text.bytes().map(|byte| format!("\\{byte:03}")).collect();
    format!("'{}'", bytes.concat())
}

#[test]
fn settings_change_what_follows() {
    check(
        REQUIRE,
        &[
            (
                "c.encode_sparse_array()",
                "@ bad argument #1 to 'encode_sparse_array' (string expected, got no value)",
            ),
            (
                "c.encode_sparse_array(true)",
                "@ bad argument #2 to 'encode_sparse_array' (number expected, got boolean)",
            ),
            ("c.encode_sparse_array(true, 2, 3)", "true, 2, 3"),
            (
                "c.encode_sparse_array(true, -1)",
                "@ bad argument #1 to 'encode_sparse_array' (expected integer between 0 and 2147483647)",
            ),
            ("c.encode_sparse_array('x')", "@ bad argument #1 to 'encode_sparse_array' (invalid option 'x')"),
            (
                "c.encode_sparse_array(true, 2, 3, 4)",
                "@ bad argument #4 to 'encode_sparse_array' (found too many arguments)",
            ),
            (
                "c.encode_max_depth(), 1",
                "@ bad argument #1 to 'encode_max_depth' (number expected, got no value)",
            ),
            (
                "c.encode_max_depth(nil), c.decode_max_depth(nil), c.encode_number_precision(nil)",
                "1000, 1000, 14",
            ),
            (
                "c.decode_null(nil), c.decode_invalid_numbers(nil), c.encode_invalid_numbers(nil)",
                "false, true, false",
            ),
            (
                "c.encode_max_depth(2), c.encode({{1}}), c.encode({{{1}}})",
                "@ Cannot serialise, excessive nesting (3)",
            ),
            (
                "c.decode_max_depth(2), c.decode('[[[1]]]')",
                "@ Found too many nested data structures (3) at character 3",
            ),
            (
                "c.encode_number_precision(0)",
                "@ bad argument #1 to 'encode_number_precision' (expected integer between 1 and 17)",
            ),
            ("c.encode_number_precision(1), c.encode{1/3, 123456.789, 1e20}", "1, \"[0.3,1e+05,1e+20]\""),
            ("c.encode_number_precision(17), c.encode{0.1}", "17, \"[0.10000000000000001]\""),
            (
                "c.encode_invalid_numbers('on'), c.encode{0/0, 1/0, -1/0}",
                "true, \"[NaN,Infinity,-Infinity]\"",
            ),
            ("c.encode_invalid_numbers('null'), c.encode{0/0, 1/0}", "\"null\", \"[null,null]\""),
            (
                "c.encode_invalid_numbers(5)",
                "@ bad argument #1 to 'encode_invalid_numbers' (invalid option '5')",
            ),
            (
                "c.decode_invalid_numbers(false), c.decode('[NaN]')",
                "@ Expected value but found invalid token at character 2",
            ),
            (
                "c.decode_invalid_numbers(false), c.decode('[0x10]')",
                "@ Expected value but found invalid number at character 2",
            ),
            (
                "c.decode_null(true), c.decode('[null]')[1] == c.null, c.encode(c.decode('{\"a\":null}'))",
                "true, true, \"{\\\"a\\\":null}\"",
            ),
            ("c.encode_sparse_array(true, 2, 10), c.encode({[1000] = 1})", "true, \"{\\\"1000\\\":1}\""),
            ("c.encode_sparse_array(false, 0, 0), #c.encode({[100] = 1})", "false, 498"),
        ],
    );
}

#[test]
fn the_output_limit_bounds_what_might_be_written() {
    let at_limit = |length: usize, limit: usize| {
        limited(REQUIRE, &format!("#c.encode(string.rep('x', {length}))"), |settings| {
            settings.output_limit = limit;
        })
    };
    // A string reserves six times its length, two quotes, and one byte more.
    assert_eq!(at_limit(1000, 6003), "1002");
    assert_eq!(at_limit(1000, 6002), "@ strbuf output_limit exceeded");
    assert_eq!(at_limit(100_000, 0), "100002");
}

#[test]
fn nesting_is_bounded_by_the_native_stack_too() {
    let before = format!(
        "{REQUIRE} c.encode_max_depth(100000) c.decode_max_depth(100000)
        deep = 1 for i = 1, 50000 do deep = {{deep}} end"
    );
    check(
        &before,
        &[
            ("c.encode(deep)", "@ Cannot serialise, excessive nesting (2001)"),
            (
                "c.decode(string.rep('[', 50000))",
                "@ Found too many nested data structures (2001) at character 2001",
            ),
        ],
    );
}

#[test]
fn a_lack_of_memory_is_an_error_wherever_it_strikes() {
    sweep_memory(
        REQUIRE,
        r#"local text = c.encode({a = {1, 2, {b = "c\n"}}, [5] = "x", long = 0.5})
        for i = 1, 3 do text = c.encode(c.decode(text)) end"#,
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn what_was_encoded_is_decoded_to_the_same(
        text in proptest::collection::vec(0_u8..=255, 0..40),
        number in -1e12..1e12_f64,
        whole in -1_000_000_000_i64..1_000_000_000,
    ) {
        let text: Vec<String> = text.iter().map(|byte| format!("\\{byte:03}")).collect();
        let before = format!(
            "{REQUIRE} c.encode_number_precision(17) c.encode_sparse_array(true, 2, 10)
            value = {{a = {{'{text}', {number:?}}}, b = {{[{whole}] = true}}}}
            back = c.decode(c.encode(value))", text = text.concat()
        );
        let expression = format!(
            "back.a[1] == value.a[1], back.a[2] == value.a[2], (back.b['{whole}'] or back.b[{whole}])"
        );
        assert_eq!(result(&before, &expression), "true, true, true");
    }

    #[test]
    fn no_text_breaks_the_decoder(text in "[\\[\\]{}:,\"\\\\u0-9a-fntrse.+ -]{0,60}") {
        let before = format!("{REQUIRE} text = {}", quoted(&text));
        result(&before, "c.decode(text)");
    }
}
