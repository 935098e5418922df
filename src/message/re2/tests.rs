use super::*;

#[track_caller]
fn check_error(pattern: &str, expected: &str) {
    let error = Regex::new(pattern).err().unwrap_or_else(|| panic!("{pattern} is accepted"));
    assert_eq!(error.to_string(), format!("error parsing regexp: {expected}"), "{pattern}");
}

/// Checks the leftmost match.
#[track_caller]
fn check(pattern: &str, haystack: impl AsRef<[u8]>, expected: Option<Range<usize>>) {
    let regex = Regex::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    assert_eq!(regex.find(haystack.as_ref()), expected, "{pattern}");
    assert_eq!(regex.is_match(haystack.as_ref()), expected.is_some(), "{pattern}");
}

#[test]
fn errors_are_worded_as_in_go() {
    check_error("(", "missing closing ): `(`");
    check_error("a(b", "missing closing ): `a(b`");
    check_error("(?i)(?s", "invalid or unsupported Perl syntax: `(?s`");
    check_error("(?i)(?s:a", "missing closing ): `(?i)(?s:a`");
    check_error(")", "unexpected ): `)`");
    check_error("a)b", "unexpected ): `a)b`");
    check_error("[", "missing closing ]: `[`");
    check_error("x[a", "missing closing ]: `[a`");
    check_error("[]a", "missing closing ]: `[]a`");
    check_error("[z-a]", "invalid character class range: `z-a`");
    check_error("[a-\\d]", "invalid escape sequence: `\\d`");
    check_error("[[:foo:]]", "invalid character class range: `[:foo:]`");
    check_error("\\p{Foo}", "invalid character class range: `\\p{Foo}`");
    check_error("\\p{", "invalid character class range: `\\p{`");
    check_error("\\pX", "invalid character class range: `\\pX`");
    check_error("*", "missing argument to repetition operator: `*`");
    check_error("a|*", "missing argument to repetition operator: `*`");
    check_error("(+?)", "missing argument to repetition operator: `+?`");
    check_error("a**", "invalid nested repetition operator: `**`");
    check_error("a*+b", "invalid nested repetition operator: `*+`");
    check_error("a{2}{3}?", "invalid nested repetition operator: `{2}{3}?`");
    check_error("a{1001}", "invalid repeat count: `{1001}`");
    check_error("a{2,1}", "invalid repeat count: `{2,1}`");
    check_error("a{99999999999}", "invalid repeat count: `{99999999999}`");
    check_error("((a{100}){100})", "invalid repeat count: `{100}`");
    check_error("\\", "trailing backslash at end of expression: ``");
    check_error("\\y", "invalid escape sequence: `\\y`");
    check_error("\\Z", "invalid escape sequence: `\\Z`");
    check_error("\\1", "invalid escape sequence: `\\1`");
    check_error("\\8", "invalid escape sequence: `\\8`");
    check_error("\\C", "invalid escape sequence: `\\C`");
    check_error("\\x", "invalid escape sequence: `\\x`");
    check_error("\\x1", "invalid escape sequence: `\\x1`");
    check_error("\\x{110000}", "invalid escape sequence: `\\x{110000`");
    check_error("\\é", "invalid escape sequence: `\\é`");
    check_error("(?=a)", "invalid or unsupported Perl syntax: `(?=`");
    check_error("(?!a)", "invalid or unsupported Perl syntax: `(?!`");
    check_error("(?<=a)", "invalid or unsupported Perl syntax: `(?<`");
    check_error("(?<!a)", "invalid or unsupported Perl syntax: `(?<`");
    check_error("(?x)a", "invalid or unsupported Perl syntax: `(?x`");
    check_error("(?i-)", "invalid or unsupported Perl syntax: `(?i-)`");
    check_error("(?P=n)", "invalid or unsupported Perl syntax: `(?P`");
    check_error("(?P<n", "invalid named capture: `(?P<n`");
    check_error("(?P<>a)", "invalid named capture: `(?P<>`");
    check_error("(?P<a b>c)", "invalid named capture: `(?P<a b>`");
}

#[test]
fn braces_are_plain_unless_they_repeat() {
    check("{", "a{", Some(1..2));
    check("^{\"a\":}", "{\"a\":}", Some(0..6));
    check("a{,2}", "a{,2}", Some(0..5));
    check("a{01}", "a{01}", Some(0..5));
    check("a{1", "a{1", Some(0..3));
    check("a}", "a}", Some(0..2));
    check("a{2}", "aaa", Some(0..2));
    check("a{2,}?", "aaa", Some(0..2));
    check("a{0}", "aaa", Some(0..0));
}

#[test]
fn what_only_the_regex_crate_knows_is_plain() {
    check("[a&&b]+", "x&b", Some(1..3));
    check("[+--]+", "a,-", Some(1..3));
    check("[~~]", "~", Some(0..1));
    check("[[a]]", "[]", Some(0..2));
    check("\\<a\\>", "<a>", Some(0..3));
    check("\\b{start}", "a{start}", Some(1..8));
    check("# a", "# a", Some(0..3));
    check("[ #]", "#", Some(0..1));
}

#[test]
fn escapes_and_quotes() {
    check("\\Qa.b*\\E+", "a.b**", Some(0..5));
    check("\\Qa.b", "a.b", Some(0..3));
    check("\\x41\\x{e9}\\101\\0", "AéA\0", Some(0..5));
    check("\\_\\-\\/\\ ", "_-/ ", Some(0..4));
    check("\\a\\f\\n\\r\\t\\v", "\x07\x0c\n\r\t\x0b", Some(0..6));
    check("[\\]\\-a\\\\]+", "]-a\\", Some(0..4));
}

#[test]
fn classes_are_ascii_where_go_has_them_so() {
    check("\\w+", "é1a", Some(2..4));
    check("\\d", "\u{0663}", None);
    check("\\s", "\x0b\u{a0}", None);
    check("[[:space:]]", "\x0b", Some(0..1));
    check("\\bé", "é", None);
    check("a\\B", "aé", None);
    check("é\\B", "é", Some(0..2));
    check("\\B", "éa", Some(0..0));
    check("\\pL+", "aéж1", Some(0..5));
    check("\\p{Greek}", "aα", Some(1..3));
    check("\\p{^Greek}", "αa", Some(2..3));
    check("[^\\W\\d]+", "1ab_2", Some(1..4));
    check("[[:^alpha:]]+", "ab12", Some(2..4));
}

#[test]
fn flags() {
    check("(?i)straße", "STRAßE", Some(0..7));
    check("(?i:a)b", "AB", None);
    check("(?i:a)b", "Ab", Some(0..2));
    check("a(?i)b|c", "aB", Some(0..2));
    check("(a(?i)b)c", "aBC", None);
    check("(?i)k", "\u{212a}", Some(0..3));
    check("(?i)[^k]", "\u{212a}K", None);
    check("a.b", "a\nb", None);
    check("(?s)a.b", "a\nb", Some(0..3));
    check("^b$", "a\nb\nc", None);
    check("(?m)^b$", "a\nb\nc", Some(2..3));
    check("b$", "b\n", None);
    check("(?U)a+", "aa", Some(0..1));
    check("(?U)a+?", "aa", Some(0..2));
    check("(?-s:.)(?s)", "\n", None);
}

#[test]
fn the_first_alternative_wins() {
    check("a|ab", "ab", Some(0..1));
    check("|a", "a", Some(0..0));
    check("(?:ab|a)c?", "abc", Some(0..3));
    check("(|a)+", "aa", Some(0..0));
}

#[test]
fn an_invalid_byte_is_one_character() {
    check("^.$", [0xff], Some(0..1));
    check("^..$", [0xe6, 0x97], Some(0..2));
    check("^.$", [0xe6, 0x97], None);
    check("^.$", "é", Some(0..2));
    check("^..$", "é", None);
    check("[^a]b", b"a\xffb", Some(1..3));
    check("\\W+a", b"x\xff\xfea", Some(1..4));
    check("\u{fffd}", b"a\xff", Some(1..2));
    check("\\x{fffd}", "a\u{fffd}", Some(1..4));
    check("é.", b"\xff\xc3\xa9\xff", Some(1..4));
    check("\\pL", b"\xff\xc3\xa9", Some(1..3));
    check("a", b"\xffa", Some(1..2));
}

#[test]
fn groups_by_index_and_name() {
    let regex = Regex::new("(?P<n>a)(b)?(?P<n>c)(?<m>d)(?:e)").unwrap();
    assert_eq!(regex.names(), ["", "n", "", "n", "m"]);
    let captures = regex.captures(b"xacde").unwrap();
    let groups: Vec<_> = (0..captures.group_count()).map(|index| captures.get(index)).collect();
    assert_eq!(groups, [Some(&b"acde"[..]), Some(b"a"), None, Some(b"c"), Some(b"d")]);
    assert_eq!(captures.range(1), Some(1..2));
    assert_eq!(captures.get(9), None);
    // Positions are those of the haystack, invalid bytes or not.
    let captures = Regex::new("(.)(x)").unwrap().captures(b"\xff\xfe\xfdx").unwrap();
    assert_eq!([captures.range(1), captures.range(2)], [Some(2..3), Some(3..4)]);
}

#[test]
fn searching_goes_on_where_it_is_told() {
    let regex = Regex::new("^.|b.").unwrap();
    let haystack = b"\xffb\xffb\xfe";
    assert_eq!(regex.find_at(haystack, 0), Some(0..1));
    assert_eq!(regex.find_at(haystack, 1), Some(1..3));
    assert_eq!(regex.find_at(haystack, 2), Some(3..5));
    assert_eq!(regex.find_at(haystack, 5), None);
    assert_eq!(regex.captures_at(haystack, 2).and_then(|captures| captures.range(0)), Some(3..5));
    assert_eq!(Regex::new("").unwrap().find_at(b"ab", 2), Some(2..2));
    assert_eq!(Regex::new("").unwrap().find_at(b"ab", 3), None);
}

#[test]
fn literal_prefixes() {
    for (pattern, prefix, complete) in [
        ("abc", "abc", true),
        ("", "", true),
        ("a(b)c", "abc", true),
        ("a\\.b", "a.b", true),
        ("[a]b{2}", "abb", true),
        ("(?i)1-2", "1-2", true),
        ("(?i)a", "", false),
        ("ab*", "a", false),
        ("a|b", "", false),
        ("ab$", "ab", false),
        ("^ab", "", false),
        // Go's short cut for expressions that match in one pass forgets the anchors.
        ("^ab$", "ab", true),
        ("^ab$$", "", false),
        ("(?m)^ab$", "", false),
    ] {
        let regex = Regex::new(pattern).unwrap();
        assert_eq!(regex.literal_prefix(), (prefix, complete), "{pattern}");
    }
    assert_eq!(Regex::new("a(b)c").unwrap().whole_literal(), Some("abc"));
    assert_eq!(Regex::new("^ab$").unwrap().whole_literal(), None);
}

#[test]
fn limits() {
    let nested = |depth: usize| "(".repeat(depth) + "a" + &")".repeat(depth);
    assert!(Regex::new(&nested(900)).unwrap().is_match(b"a"));
    let deep = nested(1001);
    check_error(&deep, &format!("expression nests too deeply: `{deep}`"));
    let open = "(".repeat(100_000);
    check_error(&open, &format!("missing closing ): `{open}`"));
    let stars = "(?:".repeat(100_000) + "a" + &")*".repeat(100_000);
    check_error(&stars, &format!("expression nests too deeply: `{stars}`"));
    check("^(?:a{10}){100}$", "a".repeat(1000), Some(0..1000));
    check("y{1000}$", "y".repeat(1001), Some(1..1001));
    check("^\\pL{1000}", "é".repeat(1000), Some(0..2000));
}

#[test]
fn replaced_positions_lead_back_and_forth() {
    let haystack = b"a\xff\xfeb\xc3\xa9\xffc";
    let replaced = Replaced::new(haystack).unwrap();
    assert_eq!(replaced.text, "a\u{fffd}\u{fffd}b\u{e9}\u{fffd}c".as_bytes());
    for at in [0, 1, 2, 3, 4, 6, 7, 8] {
        let position = replaced.position(at);
        assert_eq!(replaced.original(position..position), at..at);
    }
    assert!(Replaced::new("é".as_bytes()).is_none());
}
