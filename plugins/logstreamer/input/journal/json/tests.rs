use proptest::prelude::*;

use super::*;

#[test]
fn what_a_journal_may_look_like() {
    let entry =
        read(br#" {"LAST_HASH":"ab","seek":7,"x":[1,{"y":null}],"file_name":"/\u00e9\ud83d\ude00\t/"} "#);
    let entry = entry.unwrap();
    assert_eq!(entry, Entry { seek: 7, file_name: "/é😀\t/".into(), last_hash: "ab".into() });
    assert_eq!(read(b"null").unwrap(), Entry::default());
    assert_eq!(read(b"{}").unwrap(), Entry::default());
}

#[test]
fn errors_in_the_words_of_go() {
    for (text, error) in [
        ("{broken", "invalid character 'b' looking for beginning of object key string"),
        ("hello", "invalid character 'h' looking for beginning of value"),
        ("nul", CUT_SHORT),
        ("nulx", "invalid character 'x' in literal null (expecting 'l')"),
        (r#"{"a" 1}"#, "invalid character '1' after object key"),
        (r#"{"a":1 "b"}"#, "invalid character '\"' after object key:value pair"),
        (r#"{"a":1,}"#, "invalid character '}' looking for beginning of object key string"),
        ("[1 2]", "invalid character '2' after array element"),
        ("[,]", "invalid character ',' looking for beginning of value"),
        ("{} x", "invalid character 'x' after top-level value"),
        ("01", "invalid character '1' after top-level value"),
        ("-x", "invalid character 'x' in numeric literal"),
        ("1.x", "invalid character 'x' after decimal point in numeric literal"),
        ("1ex", "invalid character 'x' in exponent of numeric literal"),
        (r#""\q""#, "invalid character 'q' in string escape code"),
        (r#""\u12g4""#, "invalid character 'g' in \\u hexadecimal character escape"),
        ("\"a\nb\"", "invalid character '\\n' in string literal"),
        (
            r#"{"seek":"7"}"#,
            "json: cannot unmarshal string into Go struct field LogstreamLocation.seek of type int64",
        ),
        (
            r#"{"seek":1.5}"#,
            "json: cannot unmarshal number 1.5 into Go struct field LogstreamLocation.seek of type int64",
        ),
        (
            r#"{"file_name":7}"#,
            "json: cannot unmarshal number into Go struct field LogstreamLocation.file_name of type string",
        ),
        ("[]", "json: cannot unmarshal array into Go value of type logstreamer.LogstreamLocation"),
    ] {
        assert_eq!(read(text.as_bytes()).unwrap_err(), error, "{text}");
    }
}

proptest! {
    #[test]
    fn never_panics(text in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = read(&text);
    }

    #[test]
    fn never_panics_on_nearly_json(text in r#"[\{\}\[\]:,"\\u0-9a-f\.eE+\- tnl]{0,40}"#) {
        let _ = read(text.as_bytes());
    }

    #[test]
    fn every_beginning_is_cut_short(seek in 0_i64.., name in ".{0,20}", cut in any::<prop::sample::Index>()) {
        let mut file_name = Vec::new();
        heka_message::golang::write_json_string(name.as_bytes(), &mut file_name);
        let file_name = String::from_utf8(file_name).unwrap();
        let whole = format!(r#"{{"seek":{seek},"file_name":{file_name},"last_hash":"00ff"}}"#);
        let entry = read(whole.as_bytes()).unwrap();
        prop_assert_eq!((entry.seek, entry.file_name), (seek, name));
        prop_assert_eq!(read(&whole.as_bytes()[..cut.index(whole.len() - 1) + 1]).unwrap_err(), CUT_SHORT);
    }
}
