//! The modules that count and remember items in little memory; results as hekad 0.11 has them.

use super::testing::{Script, call, check, result, sweep_memory};

const ALL: &str = "b = require('bloom_filter').new(1000, 0.01) c = require('cuckoo_filter').new(1000)
    h = require('hyperloglog').new()
    function many(f, prefix, from, to)
        local added = 0
        for i = from, to do if f:add(prefix and prefix .. i or i) then added = added + 1 end end
        return added, f:count()
    end";

#[test]
fn items_are_added_once() {
    for filter in ["b", "c", "h"] {
        check(
            ALL,
            &[
                (
                    &format!(
                        "{filter}:add('a'), {filter}:add('a'), {filter}:add(1), {filter}:add('1'), {filter}:add('a\\0b'), {filter}:count()"
                    ),
                    "true, false, true, true, true, 4",
                ),
                (&format!("{filter}:add(true)"), "@ bad argument #1 to 'add' (must be a string or number)"),
                (&format!("{filter}:add()"), "@ bad argument #-1 to 'add' (incorrect number of arguments)"),
                (
                    &format!("{filter}:count(1)"),
                    "@ bad argument #-1 to 'count' (incorrect number of arguments)",
                ),
                (&format!("{filter}:add('a') and {filter}:clear() or {filter}:count()"), "0"),
            ],
        );
    }
}

#[test]
fn many_items_are_told_apart() {
    check(
        ALL,
        &[
            ("many(b, 'key', 1, 900)", "899, 899"),
            ("many(b, nil, 1, 800)", "800, 800"),
            ("many(c, 'key', 1, 900)", "900, 900"),
            ("many(h, 'key', 1, 900)", "890, 909"),
            ("many(h, nil, 1, 800)", "790, 805"),
            ("select(2, many(h, nil, 1, 5000))", "5046"),
            (
                "(function() many(b, 'key', 1, 900) local n = 0 for i = 1, 2000 do if b:query('other' .. i) then n = n + 1 end end return n end)()",
                "8",
            ),
            (
                "(function() many(c, 'key', 1, 900) local n = 0 for i = 1, 2000 do if c:query('other' .. i) then n = n + 1 end end return n end)()",
                "0",
            ),
        ],
    );
}

#[test]
fn items_can_be_deleted_from_a_cuckoo_filter() {
    check(
        ALL,
        &[
            (
                "c:add('a'), c:delete('a'), c:delete('a'), c:count(), c:query('a')",
                "true, true, false, 0, false",
            ),
            ("b.delete, h.query", "nil, nil"),
        ],
    );
}

#[test]
fn a_full_cuckoo_filter_refuses() {
    for items in ["5", "9", "40"] {
        let before = format!("{ALL} c = cuckoo_filter.new({items})");
        let filled = result(&before, "many(c, nil, 1, 4000)");
        let counts: Vec<u32> = filled.split(", ").map(|count| count.parse().unwrap()).collect();
        assert_eq!(counts[0], counts[1]);
        assert!((3..=64).contains(&counts[0]), "{items}: {filled}");
    }
}

#[test]
fn arguments_are_checked() {
    check(
        ALL,
        &[
            (
                "bloom_filter.version(), cuckoo_filter.version(), hyperloglog.version()",
                "\"0.2.0\", \"0.1.0\", \"0.1.0\"",
            ),
            ("bloom_filter.new(10)", "@ bad argument #0 to 'new' (incorrect number of arguments)"),
            ("bloom_filter.new(1, 0.1)", "@ bad argument #1 to 'new' (items must be > 1)"),
            ("bloom_filter.new(10, 1)", "@ bad argument #2 to 'new' (probability must be between 0 and 1)"),
            ("bloom_filter.new(2147483647, 1e-300)", "not enough memory"),
            ("type(bloom_filter.new(2, 0.999))", "\"userdata\""),
            ("cuckoo_filter.new(4)", "@ bad argument #1 to 'new' (items must be > 4)"),
            ("cuckoo_filter.new(2147483647)", "not enough memory"),
            ("hyperloglog.new(5)", "@ bad argument #0 to 'new' (incorrect number of arguments)"),
            ("b:fromstring('x')", "@ fromstring() bytes found: 1, expected 1199"),
            ("c:fromstring('x')", "@ bad argument #-1 to 'fromstring' (incorrect number of arguments)"),
            ("c:fromstring(1, 'x')", "@ fromstring() bytes found: 1, expected 2048"),
            ("h:fromstring('x')", "@ fromstring() bytes found: 1, expected 12304"),
            ("h:fromstring(string.rep('x', 12304))", "@ fromstring() HYLL header not found"),
            ("b.add(c, 1)", "@ bad argument #1 to 'add' (mozsvc.bloom_filter expected, got userdata)"),
            ("string.gsub(tostring(b), '0x%x+', '')", "\"userdata: \", 1"),
        ],
    );
}

#[test]
fn they_outlive_a_restart() {
    let script = Script::new(&format!(
        "{ALL} seen = seen or 0
        function process_message()

            for i, f in ipairs{{b, c, h}} do
                add_to_payload(f:count(), f.query and f:query('key7'), f.query and f:query('other'), ' ')
            end
            inject_payload('', '', h)
            seen = seen + 1
            for i, f in ipairs{{b, c, h}} do many(f, 'key', 1, 300) end
            return 0
        end"
    ));
    let mut first = script.open(|_| {}).unwrap();
    let text = call(&mut first);
    assert!(text.starts_with(b"0falsefalse 0falsefalse 0nilnil HYLL\0"));
    assert_eq!(text.len(), 32 + 12304);
    first.stop().unwrap();
    let state = script.state();
    for line in [
        "_G[\"b\"] = bloom_filter.new(1000, 0.01) end\n_G[\"b\"]:fromstring(300, \"",
        "_G[\"c\"] = cuckoo_filter.new(1024) end\n_G[\"c\"]:fromstring(300, \"",
        "_G[\"h\"] = hyperloglog.new() end\n_G[\"h\"]:fromstring(\"HYLL\0",
    ] {
        assert!(state.windows(line.len()).any(|window| window == line.as_bytes()), "{line}");
    }
    let text = call(&mut script.open(|_| {}).unwrap());
    assert!(text.starts_with(b"300truefalse 300truefalse 30"), "{}", String::from_utf8_lossy(&text[..40]));
}

#[test]
fn a_lack_of_memory_is_an_error_wherever_it_strikes() {
    sweep_memory(
        "require 'bloom_filter' require 'cuckoo_filter' require 'hyperloglog'",
        "for i, f in ipairs{bloom_filter.new(100, 0.1), cuckoo_filter.new(100), hyperloglog.new()} do
            for i = 1, 50 do f:add('key' .. i) end
        end",
    );
}
