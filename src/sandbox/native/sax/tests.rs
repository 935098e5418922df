//! Words, windows and distances; results as hekad 0.11 has them.

use super::super::testing::{Script, call, check, result, sweep_memory};

const SAX: &str = "s = require 'sax' A = {10.3, 7, 1, -5, -5, 7.2}";

#[test]
fn words_are_made_of_numbers_and_letters() {
    let words = [
        ("A, 2, 8", "FC"),
        ("A, 3, 4", "DAB"),
        ("A, 6, 2", "BBAAAB"),
        ("{1, 1, 1, 1}, 2, 4", "CC"),
        ("{1, 2, 3, 4}, 4, 16", "BFKO"),
        ("{0/0, 1, 2, 3}, 2, 4", "AC"),
        ("{1/0, 1, 2, 3}, 2, 4", "DC"),
        ("{1/0, -1/0, '2', 3}, 2, 4", "#C"),
        ("'FC', 8", "FC"),
        ("'##', 4", "##"),
        ("string.rep('AB', 2000), 2", &"AB".repeat(2000)),
    ];
    for (arguments, letters) in words {
        let word = result(SAX, &format!("tostring(s.word.new({arguments}))"));
        assert_eq!(word, format!("\"{letters}\""), "{arguments}");
    }
    let by_cardinality = [
        "AAAABBBB", "AABBBCCC", "AABBCCDD", "AABCCDEE", "AACCDEEF", "AACDEFFG", "ABCDEFGH", "ABDEFGHI",
        "ABDEFHIJ", "ABDFGHIK", "ABEFHIJL", "ABEGHJKM", "ABEGIKLN", "ACFHIKMO", "ACFHJLNP",
    ];
    for (cardinality, letters) in (2..).zip(by_cardinality) {
        let expression =
            format!("tostring(s.word.new({{-3, -2, -1, -0.5, 0, 0.5, 1, 2}}, 8, {cardinality}))");
        assert_eq!(result(SAX, &expression), format!("\"{letters}\""), "{cardinality}");
    }
}

#[test]
fn arguments_are_checked() {
    check(
        SAX,
        &[
            ("s.word.new(A, 4, 8)", "@ bad argument #2 to 'new' (n must be evenly divisible by w)"),
            ("s.word.new(A, 1, 8)", "@ bad argument #2 to 'new' (w is out of range)"),
            ("s.word.new(A, 2, 99)", "@ bad argument #2 to 'new' (cardinality is out of range)"),
            ("s.word.new({1}, 1, 4)", "@ bad argument #2 to 'new' (n is out of range)"),
            ("s.word.new('Z', 4)", "@ bad argument #1 to 'new' (length of SAX string should be > 1)"),
            (
                "s.word.new('AZ', 4)",
                "@ bad argument #1 to 'new' (illegal symbols for given cardinality or bad cardinality itself)",
            ),
            (
                "s.word.new('AB', 400)",
                "@ bad argument #1 to 'new' (illegal symbols for given cardinality or bad cardinality itself)",
            ),
            ("s.word.new(5, 2, 2)", "@ bad argument #1 to 'new' (array-like table expected)"),
            ("s.word.new({1, 'x'}, 2, 4)", "@ bad argument #1 to 'new' (expected array of numbers as input)"),
            ("s.word.new('FC')", "@ bad argument #0 to 'new' (incorrect number of arguments)"),
            ("s.window.new(4, 3, 4)", "@ bad argument #1 to 'new' (n must be evenly divisible by w)"),
            ("s.window.new(5000, 10, 4)", "@ bad argument #1 to 'new' (n is out of range)"),
            ("s.window.new(4, 2)", "@ bad argument #0 to 'new' (incorrect number of args)"),
            (
                "s.window.new(4, 2, 4):add('x')",
                "@ bad argument #1 to 'add' (number or array-like table expected)",
            ),
            (
                "s.mindist(1, 2)",
                "@ bad argument #1 to 'mindist' (sax.window or sax.word expected expected, got number)",
            ),
        ],
    );
}

#[test]
fn windows_keep_the_newest_values() {
    check(
        SAX,
        &[
            ("(function() local w, r = s.window.new(4, 2, 4), '' for _, v in ipairs{1, 2, 3, 10.1, -5} do w:add(v) r = r .. tostring(w) end return r end)()",
                "\"#C#CACADBC\""),
            ("(function() local w = s.window.new(4, 2, 4) w:add({-10, 1, 2, 3, 10.1}) local a = tostring(w) w:add({}) w:clear() return a, tostring(w) end)()",
                "\"AD\", \"##\""),
            ("(function() local w = s.window.new(4, 2, 4) w:add({1, 2, 3, 10.1}) local a = s.word.new({1, 2, 3, 10.1}, 2, 4)
                return w == a, w:get_word() == a, a == s.word.new('AD', 4), a == s.word.new('AD', 8) end)()",
                "true, true, true, false"),
            // A refused array leaves the window as it was.
            ("(function() local w = s.window.new(2, 2, 2) w:add{1, 2} pcall(w.add, w, {5, 1, 'x'}) return tostring(w) end)()", "\"AB\""),
        ],
    );
}

#[test]
fn distances_of_words() {
    check(
        SAX,
        &[
            (
                "(function() local w = s.window.new(6, 2, 8) w:add({-9, -8, -7, -5, -5, 7.2}) return s.mindist(s.word.new(A, 2, 8), w) end)()",
                "1.5603250257212784, 1.1033164065425902, 1.1033164065425902",
            ),
            ("s.mindist(s.word.new(A, 2, 8), s.word.new(A, 2, 8))", "0, 0, 0"),
            ("s.mindist(s.word.new(A, 2, 8), s.word.new(A, 3, 8))", "nil"),
            (
                "s.mindist(s.word.new('A#', 5), s.word.new('AA', 5)) == s.mindist(s.word.new('AE', 5), s.word.new('AA', 5))",
                "true",
            ),
        ],
    );
}

#[test]
fn words_and_windows_are_put_out_and_outlive_a_restart() {
    let script = Script::new(
        "require 'sax' w = sax.window.new(4, 2, 4) e = sax.window.new(4, 2, 4) word = sax.word.new('AD', 4)
        function process_message()
            if tostring(w) == '##' then w:add{1, 0/0, 3, 10.5, 2} end
            inject_payload('', '', w, ' ', e, ' ', word) return 0
        end",
    );
    let mut first = script.open(|_| {}).unwrap();
    let text = call(&mut first);
    first.stop().unwrap();
    let state = String::from_utf8(script.state()).unwrap();
    for line in [
        "if _G[\"w\"] == nil then _G[\"w\"] = sax.window.new(4, 2, 4) end\n_G[\"w\"]:clear()\n_G[\"w\"]:add({0/0,3,10.5,2})\n",
        "if _G[\"e\"] == nil then _G[\"e\"] = sax.window.new(4, 2, 4) end\n",
        "if _G[\"word\"] == nil then _G[\"word\"] = sax.word.new(\"AD\", 4) end\n",
    ] {
        assert!(state.contains(line), "{state}");
    }
    assert_eq!(call(&mut script.open(|_| {}).unwrap()), text);
}

#[test]
fn a_lack_of_memory_is_an_error_wherever_it_strikes() {
    sweep_memory(
        "require 'sax'",
        "local w = sax.window.new(64, 8, 16) for i = 1, 200 do w:add(i) end
        local a = {} for i = 1, 64 do a[i] = i % 7 end
        local text = tostring(w) .. tostring(sax.word.new(a, 8, 16)) .. tostring(w:get_word())",
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(48))]
    #[test]
    fn a_full_window_spells_as_the_array_does(
        values in proptest::collection::vec(-1000..1000_i32, 8..40), cardinality in 2..=16,
    ) {
        let texts: Vec<String> = values.iter().map(|value| format!("{value}")).collect();
        let last = texts[texts.len() - 8..].join(",");
        let before = format!(
            "{SAX} w = s.window.new(8, 4, {cardinality}) for _, v in ipairs{{{}}} do w:add(v) end
            a = s.word.new({{{last}}}, 4, {cardinality})", texts.join(",")
        );
        // Rounding may put an average that is next to a limit on its other side.
        assert_eq!(result(&before, "(s.mindist(w, a))"), "0");
    }
}
