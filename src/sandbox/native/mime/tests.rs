//! Transfer encodings as scripts see them.

use crate::native::testing::limited;

fn check(pairs: &[(&str, &str)]) {
    for (expression, expected) in pairs {
        let found = limited("local mime = require 'mime.core'", expression, |settings| {
            settings.module_directory = Some("lua_io_modules".into());
        });
        assert_eq!(found, *expected, "{expression}");
    }
}

#[test]
fn base64_goes_both_ways_in_pieces() {
    check(&[
        ("mime.b64('')", "nil, nil"),
        ("mime.b64(nil)", "nil, nil"),
        ("mime.b64('ab', 'c')", r#""YWJj", """#),
        ("mime.b64('ab', 'cd')", r#""YWJj", "d""#),
        ("mime.b64('abcd')", r#""YWJjZA==", nil"#),
        ("mime.unb64('YWJjZA==')", r#""abcd", nil"#),
        ("mime.unb64('YW\\r\\nJj', 'ZA')", r#""abc", "ZA""#),
        ("mime.unb64('')", "nil, nil"),
    ]);
}

#[test]
fn quoted_printable_goes_both_ways_in_pieces() {
    check(&[
        ("mime.qp('a=b', '\\255')", r#""a=3Db=FF", """#),
        (
            "mime.qp('a \\r\\n')",
            r#""a=20\
", nil"#
                .replace("\\\n", "\\r\\\n")
                .as_str(),
        ),
        ("mime.qp('a ', 'b')", r#""a", " b""#),
        ("mime.qp('x\\r\\ny', nil, '|')", r#""x|y", nil"#),
        ("mime.unqp('=41=4', '2=')", r#""AB", "=""#),
        ("mime.unqp('a=\\r\\nb=zz')", r#""ab=zz", nil"#),
    ]);
}

#[test]
fn lines_are_wrapped_ended_and_stuffed() {
    check(&[
        ("mime.wrp(3, 'abcdef', 3)", "\"abc\\r\\\ndef\", 0"),
        ("mime.wrp(2, nil, 3)", "\"\\r\\\n\", 3"),
        ("mime.wrp(3, nil, 3)", "nil, 3"),
        ("mime.qpwrp(4, 'abc=3D', 6)", "\"abc=\\r\\\n=3D\", 3"),
        ("mime.eol(0, 'a\\r\\nb\\rc\\n\\n', '|')", "\"a|b|c||\", 0"),
        ("mime.eol(13, '\\nx', '|')", "\"x\", 0"),
        ("mime.eol(0, nil)", "nil, 0"),
        ("mime.dot(2, '.a\\r\\n..b')", "\"..a\\r\\\n...b\", 0"),
        ("mime.dot(0, nil)", "nil, 2"),
    ]);
}

#[test]
fn a_long_marker_is_bounded_by_memory() {
    for call in ["mime.eol(0, s, s)", "mime.qp(s, nil, s)"] {
        let before = "local mime = require 'mime.core' local s = string.rep('\\r\\n', 500000)";
        let found = limited(before, call, |settings| {
            settings.module_directory = Some("lua_io_modules".into());
            settings.memory_limit = 8 * 1024 * 1024;
        });
        assert_eq!(found, "not enough memory", "{call}");
    }
}
