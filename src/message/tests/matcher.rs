//! The matcher language: what is accepted, what is refused and how, and what matches.
#![allow(clippy::unwrap_used)]

use heka_message::{Field, Matcher, Message, MessageView, ValueType, is_canonical};

/// The message that the original's answers below were recorded with.
fn message() -> Message {
    let mut texts = Field::string("arr", "", "a0");
    texts.value_string.push("a1".into());
    Message {
        uuid: Some((0x30..0x40).collect::<Vec<u8>>().into()),
        msg_type: Some("TEST".into()),
        pid: Some(5),
        fields: vec![
            Field::string("s", "", "TRUE"),
            Field::boolean("b", "", false),
            Field::boolean("bt", "", true),
            Field::integer("i", "", 42),
            Field::integer("i", "", 43),
            Field::double("d", "", 1.5),
            Field::bytes("by", "", "xyz"),
            texts,
        ],
        ..Message::default()
    }
}

fn matches(expression: &str, message: &Message) -> bool {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    assert!(is_canonical(&bytes));
    let matcher = Matcher::parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    let answer = matcher.matches(&MessageView::new(&bytes));
    assert_eq!(matcher.matches(&MessageView::new_canonical(&bytes)), answer, "{expression}");
    answer
}

#[track_caller]
fn check_true(expressions: &[&str]) {
    for expression in expressions {
        assert!(matches(expression, &message()), "{expression}");
    }
}

#[track_caller]
fn check_false(expressions: &[&str]) {
    for expression in expressions {
        assert!(!matches(expression, &message()), "{expression}");
    }
}

#[track_caller]
fn check_error(expression: &str, error: &str) {
    let refused = Matcher::parse(expression).err().unwrap_or_else(|| panic!("{expression} is accepted"));
    assert_eq!(refused.to_string(), format!("syntax error: last token: {error}"), "{expression}");
}

#[test]
fn juxtaposed_expressions_only_the_last_counts() {
    check_true(&["FALSE TRUE", "FALSE FALSE TRUE", "FALSE (Type == 'TEST')", "FALSE && TRUE TRUE || FALSE"]);
    check_false(&["TRUE FALSE", "TRUE || TRUE FALSE", "Type == 'TEST' Type == 'x'"]);
}

#[test]
fn and_binds_tighter_than_or() {
    check_true(&[
        "TRUE || FALSE && FALSE",
        "FALSE && FALSE || TRUE",
        "TRUE && TRUE || FALSE && TRUE || FALSE",
        "FALSE || FALSE || TRUE && TRUE",
        "Type == 'TEST'&&Pid == 5||FALSE",
        "((((TRUE))) && ((Pid == 5)))",
        "(FALSE || TRUE) && (TRUE && (FALSE || TRUE))",
    ]);
    check_false(&[
        "(TRUE || FALSE) && FALSE",
        "FALSE && (FALSE || TRUE)",
        "TRUE && (FALSE || FALSE && TRUE)",
        "FALSE && TRUE || TRUE && FALSE",
    ]);
}

#[test]
fn every_expression_of_constants_agrees_with_its_truth_table() {
    // All expressions of four constants and three operators; && before || is how Rust reads them too.
    for bits in 0..1 << 7 {
        let truth = |index: usize| bits >> index & 1 == 1;
        let (a, b, c, d) = (truth(0), truth(1), truth(2), truth(3));
        let word = |truth| if truth { "TRUE" } else { "FALSE" };
        let operator = |index| if truth(index) { "&&" } else { "||" };
        let text = format!(
            "{} {} {} {} {} {} {}",
            word(a),
            operator(4),
            word(b),
            operator(5),
            word(c),
            operator(6),
            word(d)
        );
        let expected = match (truth(4), truth(5), truth(6)) {
            (true, true, true) => a && b && c && d,
            (true, true, false) => a && b && c || d,
            (true, false, true) => a && b || c && d,
            (true, false, false) => a && b || c || d,
            (false, true, true) => a || b && c && d,
            (false, true, false) => a || b && c || d,
            (false, false, true) => a || b || c && d,
            (false, false, false) => a || b || c || d,
        };
        assert_eq!(matches(&text, &message()), expected, "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_the_end() {
    check_true(&[
        "TRUE AND FALSE",
        "TRUE\nFALSE",
        "TRUE \n && FALSE",
        "Type == 'TEST' Zzz",
        "Type == 'TEST' And Logger == 'db'",
        "TRUE Fields",
        "TRUE Fields []",
        "TRUE Fields[]",
        "TRUE Fields[a][]",
        "TRUE Fields[a][x]",
        "TRUE Fields[a][0][-1]",
        "TRUE Fields[a",
        "TRUE Fields[a\nb]",
        "TRUE Fields[a][99999999999999999999]",
        "TRUE 'never closed",
        "TRUE 'closed on the next line\n'",
        "TRUE /never closed",
        "TRUE /(/",
        "TRUE =",
        "TRUE &",
        "TRUE\0FALSE",
    ]);
    check_false(&["FALSE Or TRUE", "FALSE\n|| TRUE", "Type == 'x' OR TRUE"]);
}

#[test]
fn an_unexpected_second_character_replaces_the_operator() {
    check_true(&[
        "!(TRUE)",
        "!(Type == 'TEST')",
        "(TRUE =)",
        "(TRUE !)",
        "(TRUE &)",
        "(TRUE |)",
        "=(TRUE)",
        "&(TRUE)",
    ]);
    check_false(&["!(FALSE)"]);
    check_error("! (TRUE)", " pos: 2");
    check_error("!TRUE", " pos: 2");
    check_error("TRUE & FALSE", "TRUE pos: 7");
    check_error("TRUE =! FALSE", "TRUE pos: 7");
}

#[test]
fn refused_with_the_last_token_and_position() {
    check_error("", " pos: 0");
    check_error(" \t ", " pos: 3");
    check_error("\n", " pos: 1");
    check_error("Bogus", "Bogus pos: 5");
    check_error("TRUE and FALSE", "TRUE pos: 6");
    check_error("Type == NIL", "NIL pos: 11");
    check_error("(TRUE", "TRUE pos: 5");
    check_error("Fields[i] == -1", "Fields pos: 14");
    check_error("TRUE)", "TRUE pos: 5");
    check_error("()", " pos: 2");
    check_error("'TEST' == Type", "TEST pos: 6");
    check_error("\rTRUE", " pos: 1");
    check_error("TRUE # c", "TRUE pos: 6");
    check_error("TRUE1", "1 pos: 5");
    check_error("NIL", "NIL pos: 3");
    check_error("payload == 'x'", " pos: 1");
    check_error("Type", "Type pos: 4");
    check_error("Type TRUE", "TRUE pos: 9");
    check_error("Type == TRUE", "TRUE pos: 12");
    check_error("Type == 5", "5 pos: 9");
    check_error("Pid == '5'", "5 pos: 10");
    check_error("Pid =~ /5/", "Pid pos: 6");
    check_error("Pid !~ /5/", "Pid pos: 6");
    check_error("Type == ümlaut", "Type pos: 10");
    check_error("TRUE && ", "TRUE pos: 8");
    check_error("TRUE &&|| FALSE", "TRUE pos: 9");
    check_error("Type == 'a\nb'", "a pos: 11");
    check_error("TRUE >= 5", "TRUE pos: 7");
    check_error("TRUE > 5", "TRUE pos: 7");
    check_error("Type =~ /(/", "( pos: 11");
    check_error("Type =~ /a", "a pos: 10");
}

#[test]
fn refused_forms() {
    for expression in [
        "Fields[bt] != TRUE",
        "Fields[bt] > TRUE",
        "Fields[s] >= NIL",
        "Fields[s] =~ NIL",
        "Fields[arr] [0] == 'a0'",
        "Fields[arr][0][0][0] == 'a0'",
        "Fields [arr] == 'a0'",
        "Fields[] == 'a0'",
        "Type =~ 'x'",
        "Type == /x/",
        "Type =~ 5",
        "Fields[s] =~ 'x'",
        "Fields[s] == /x/",
        "Severity == DEBUG",
        "Type == \"mixed'",
        "Pid == 5E",
        "(Type == 'TEST' && Zzz",
        "(TRUE) && (FALSE",
    ] {
        // All but these two: an unknown identifier ends an expression that is complete.
        let accepted = matches!(expression, "Pid == 5E");
        assert_eq!(Matcher::parse(expression).is_ok(), accepted, "{expression}");
    }
}

#[test]
fn header_text() {
    check_true(&[
        "Type == 'TEST'",
        "Type == \"TEST\"",
        "Type=='TEST'",
        "  Type   ==\t'TEST'  ",
        "Type != 'test'",
        "Type > 'TES'",
        "Type >= 'TEST'",
        "Type < 'TESTA'",
        "Type <= 'TEST'",
        "Type < 'a'",
        "EnvVersion == ''",
        "Logger == ''",
        "Hostname < 'a'",
        "Payload != 'x'",
        "Uuid == '30313233-3435-3637-3839-3a3b3c3d3e3f'",
        "Uuid =~ /^30313233-3435/",
        "Uuid > '3'",
    ]);
    check_false(&[
        "Type == 'TE\\ST'",
        "Type > 'TEST'",
        "Uuid == '30313233-3435-3637-3839-3A3B3C3D3E3F'",
        "Uuid == '303132333435363738393a3b3c3d3e3f'",
        "Logger != ''",
    ]);
}

#[test]
fn a_uuid_of_another_length_is_empty_text() {
    for uuid in [None, Some(""), Some("0123456789abcde"), Some("0123456789abcdefg")] {
        let message = Message { uuid: uuid.map(Into::into), ..Message::default() };
        assert!(matches("Uuid == '' && Uuid < '0' && Uuid =~ /^$/", &message), "{uuid:?}");
    }
}

#[test]
fn escapes_in_strings() {
    let with = |payload: &str| Message { payload: Some(payload.into()), ..Message::default() };
    for (expression, payload) in [
        (r"Payload == 'it\'s'", "it's"),
        (r#"Payload == "say \"hi\"""#, "say \"hi\""),
        (r#"Payload == 'say "hi"'"#, "say \"hi\""),
        (r#"Payload == 'say \"hi\"'"#, r#"say \"hi\""#),
        (r"Payload == 'a\nb'", r"a\nb"),
        (r"Payload == 'a\\b'", r"a\\b"),
        (r"Payload == 'a\\'", r"a\\"),
        ("Payload == 'gämma\t\u{2603}'", "gämma\t\u{2603}"),
    ] {
        assert!(matches(expression, &with(payload)), "{expression}");
    }
    // After a backslash even a newline is part of the string, as a NUL.
    assert!(matches("Payload == 'a\\\nb'", &with("a\\\0b")));
}

#[test]
fn header_numbers() {
    check_true(&[
        "Pid == 5",
        "Pid == 5.",
        "Pid == 5.0",
        "Pid == 0.5e1",
        "Pid == 0.5e+1",
        "Pid == 50e-1",
        "Pid != 4",
        "Pid > 4.9",
        "Pid >= 5",
        "Pid < 5.1",
        "Pid <= 5",
        "Severity == 7",
        "Timestamp == 0",
        "Pid > .5",
    ]);
    check_false(&["Pid == 4", "Severity < 7", "Timestamp != 0"]);
    let negative = Message { severity: Some(-1), pid: Some(-5), timestamp: Some(-1), ..Message::default() };
    assert!(matches("Severity < 0 && Pid < 0 && Timestamp < 0", &negative));
    // Compared as floating point, in which neighbours this large are equal.
    let late = Message { timestamp: Some(1_400_000_000_000_000_001), ..Message::default() };
    assert!(matches("Timestamp == 1400000000000000000 && Timestamp <= 1400000000000000000", &late));
}

#[test]
fn bad_numbers_are_zero_and_logged() {
    for (text, kept) in
        [("5-3", "5-3"), ("1.2.3", "1.2.3"), ("1..5", "1..5"), (".", "."), ("1e", "1e"), ("9e999", "9e999")]
    {
        let matcher = Matcher::parse(&format!("Pid == {text}")).unwrap();
        assert_eq!(matcher.warnings(), [format!("error converting {kept}")]);
        assert!(matches(&format!("Pid != {text} && Timestamp == {text}"), &message()));
    }
    assert_eq!(Matcher::parse("Pid == 5").unwrap().warnings(), [""; 0]);
    // E ends a number, and an unknown identifier the text.
    check_false(&["Fields[i] == 4.2E1"]);
    check_true(&["Fields[i] == 4.2e1"]);
}

#[test]
fn bad_regexps_are_logged() {
    let refused = Matcher::parse("Type =~ /a(/").unwrap_err();
    assert_eq!(refused.warnings, ["invalid regexp a("]);
    assert_eq!(Matcher::parse("TRUE /a(/").unwrap().warnings(), ["invalid regexp a("]);
    assert_eq!(Matcher::parse("Type == 'a' || Pid == 1-1 /**/").unwrap().warnings().len(), 2);
}

#[test]
fn fields_by_index() {
    check_true(&[
        "Fields[i] == 42",
        "Fields[i][0] == 42",
        "Fields[i][1] == 43",
        "Fields[i][00][000] == 42",
        "Fields[i][2] == NIL",
        "Fields[arr] == 'a0'",
        "Fields[arr][0][1] == 'a1'",
        "Fields[arr][0][2] == NIL",
        "Fields[arr][1] == NIL",
        "Fields[arr][1][1] == NIL",
        "Fields[i][1][1] == NIL",
        "Fields[arr] != NIL && Fields[b] != NIL && Fields[i][1] != NIL && Fields[d] != NIL && Fields[by] != NIL",
    ]);
    check_false(&["Fields[arr][0][1] == 'a0'", "Fields[arr] == NIL", "Fields[b] == NIL", "Fields[i] == NIL"]);
}

#[test]
fn a_missing_value_is_only_equal_to_nil() {
    for missing in ["Fields[nope]", "Fields[i][9]", "Fields[s][0][9]", "Fields[b][0][1]"] {
        check_true(&[&format!("{missing} == NIL")]);
        for rest in [
            "!= NIL", "== ''", "!= 'x'", "!= 5", "< 5", "== TRUE", "== FALSE", "=~ /x/", "!~ /x/", "=~ /^/",
            "!~ /x$/",
        ] {
            check_false(&[&format!("{missing} {rest}")]);
        }
    }
}

#[test]
fn fields_compared_with_another_type() {
    check_true(&[
        "Fields[s] == TRUE",
        "Fields[by] == 'xyz'",
        "Fields[by] =~ /^xy/",
        "Fields[by] !~ /a/",
        "Fields[i] > .5",
        "Fields[d] == 1.5",
        "Fields[bt] == TRUE",
        "Fields[b] == FALSE",
        // A truth value against anything else is tested for being false.
        "Fields[b] == 'x'",
        "Fields[b] != 'x'",
        "Fields[b] > 5",
        "Fields[b] =~ /x/",
        "Fields[b] !~ /x/",
    ]);
    check_false(&[
        "Fields[i] != 'x'",
        "Fields[i] == '42'",
        "Fields[s] != 5",
        "Fields[s] == FALSE",
        "Fields[by] < 5",
        "Fields[i] !~ /4/",
        "Fields[i] =~ /4/",
        "Fields[d] == TRUE",
        "Fields[d] =~ /^1/",
        "Fields[i] == FALSE",
        "Fields[bt] == 'x'",
        "Fields[bt] != 'x'",
        "Fields[bt] == 1",
        "Fields[bt] =~ /x/",
        "Fields[bt] == FALSE",
        "Fields[b] == TRUE",
    ]);
}

#[test]
fn a_field_of_unknown_type_satisfies_nothing() {
    let mut field = Field::string("f", "", "x");
    field.value_type = Some(ValueType::Other(9));
    let message = Message { fields: vec![field], ..Message::default() };
    for expression in ["Fields[f] == NIL", "Fields[f] != NIL", "Fields[f] == 'x'", "Fields[f] != 'y'"] {
        assert!(!matches(expression, &message), "{expression}");
    }
}

#[test]
fn nan_is_equal_to_nothing() {
    let message = Message { fields: vec![Field::double("f", "", f64::NAN)], ..Message::default() };
    assert!(matches("Fields[f] != 5 && Fields[f] != NIL", &message));
    for relation in ["==", "<", "<=", ">", ">="] {
        assert!(!matches(&format!("Fields[f] {relation} 5"), &message), "{relation}");
    }
}

#[test]
fn field_names_are_taken_as_they_stand() {
    let names = ["a b", "a.b", "a-b", "'q'", "\"d\"", "ü", " f", "Type", "f[0", "*", "a\\b", "(TRUE)"];
    for name in names {
        let message = Message { fields: vec![Field::integer(name, "", 1)], ..Message::default() };
        assert!(matches(&format!("Fields[{name}] == 1"), &message), "{name}");
        assert!(!matches(&format!("Fields[{name} ] != NIL"), &message), "{name}");
    }
}

#[test]
fn regular_expressions() {
    check_true(&[
        "Type =~ //",
        "Type =~ /^/",
        "Type =~ /$/",
        "Logger =~ /^$/",
        "Type =~ /^TE/",
        "Type =~ /ST$/",
        "Type =~ /^TEST$/",
        "Type =~ /ES/",
        "Type =~ /^(TEST|PROD)$/",
        "Type =~ /(?i)^test$/",
        "Type =~ /^T.S/",
        "Type =~ /[A-S]T$/",
        "Type =~ /\\ATE/",
        "Type =~ /ST\\z/",
        "Type =~ /[[:upper:]]{4}/",
        "Type =~ /\\pLT$/",
        "Type !~ /^TA/",
        "Type !~ /SA$/",
        "Type !~ /te/",
        "Type =~ /^T\\/?E/",
        "Type =~ /^^TEST$$/",
    ]);
    check_false(&["Type =~ /^te/", "Type =~ /x/", "Type !~ /^TE/", "Type !~ /ST$/", "Type !~ /ES/"]);
}

#[test]
fn regular_expressions_on_text_of_several_lines() {
    let message = Message {
        msg_type: Some("alpha\n".into()),
        payload: Some("line one\nline two/\\".into()),
        ..Message::default()
    };
    let cases = [
        ("Type =~ /alpha$/", false),
        ("Type =~ /^alpha$/", false),
        ("Type =~ /(?m)^alpha$/", true),
        // Behind a literal the end is the end of the text, whatever flags come first.
        ("Type =~ /(?m)alpha$/", false),
        ("Type =~ /alpha\\n/", true),
        ("Type =~ /alpha\\z/", false),
        ("Payload =~ /one.line/", false),
        ("Payload =~ /(?s)one.line/", true),
        ("Payload =~ /two\\/\\\\/", true),
        ("Payload =~ /\\\\$/", true),
        ("Payload =~ /^line\\sone/", true),
    ];
    for (expression, expected) in cases {
        assert_eq!(matches(expression, &message), expected, "{expression}");
    }
}

#[test]
fn a_matcher_keeps_its_text() {
    let matcher = Matcher::parse(" Type == 'x'").unwrap();
    assert_eq!((matcher.text(), matcher.to_string().as_str()), (" Type == 'x'", " Type == 'x'"));
}

#[test]
fn nesting_is_not_limited() {
    let depth = 200_000;
    let text = format!("{}TRUE{}", "(".repeat(depth), ")".repeat(depth));
    assert!(matches(&text, &message()));
    let chain = "TRUE && ".repeat(depth) + "FALSE";
    assert!(!matches(&chain, &message()));
    let nested = "TRUE && (FALSE || ".repeat(depth / 4) + "TRUE" + &")".repeat(depth / 4);
    assert!(matches(&nested, &message()));
}

#[test]
fn a_type_is_refused_when_nothing_else_can_help() {
    let refuses = |expression: &str, msg_type: &str| {
        Matcher::parse(expression).unwrap().refuses_type(msg_type.as_bytes())
    };
    for expression in [
        "FALSE",
        "Type == 'b'",
        "Type != 'a'",
        "Type =~ /^b/",
        "Type == 'b' && Fields[x] == 1",
        "Fields[x] == 1 && Type == 'b'",
        "(Severity < 3 || Pid == 1) && (Type == 'b' || Type == 'c')",
        "TRUE Type == 'b'",
    ] {
        assert!(refuses(expression, "a"), "{expression}");
    }
    for expression in
        ["TRUE", "Type == 'a'", "Type != 'b'", "Pid == 1", "Type == 'b' || Pid == 1", "Fields[Type] == 'b'"]
    {
        assert!(!refuses(expression, "a"), "{expression}");
    }
    assert!(refuses("Type =~ /./", "") && !refuses("Type == ''", ""));
}
