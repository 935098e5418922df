use super::*;

fn flags() -> Flags {
    Flags::new("prog")
        .string("format", "txt", "output format")
        .string("output", "", "output filename")
        .bool("tail", false, "keep on")
        .bool("v", false, "say more")
        .int("offset", 0, "where\nto start")
        .uint("size", 4_194_304, "most bytes")
}

fn parse(args: &[&str]) -> Result<Parsed, Exit> {
    flags().parse(args)
}

fn first_line(args: &[&str]) -> String {
    let exit = parse(args).unwrap_err();
    assert_eq!(exit.code, 2);
    exit.stderr.lines().next().unwrap().to_owned()
}

#[test]
fn both_spellings_are_read() {
    for args in [&["-format=json", "-tail", "f"][..], &["--format", "json", "--tail=T", "f"]] {
        let parsed = parse(args).unwrap();
        assert_eq!(parsed.string("format"), "json");
        assert!(parsed.bool("tail"));
        assert_eq!(parsed.args(), ["f"]);
        assert_eq!(parsed.given(), 2);
    }
}

#[test]
fn flags_end_at_the_first_argument_or_two_dashes() {
    assert_eq!(parse(&["a", "-tail"]).unwrap().args(), ["a", "-tail"]);
    assert_eq!(parse(&["--", "-tail"]).unwrap().args(), ["-tail"]);
    assert_eq!(parse(&["-"]).unwrap().args(), ["-"]);
    let parsed = parse(&[]).unwrap();
    assert_eq!((parsed.given(), parsed.string("format"), parsed.uint("size")), (0, "txt", 4_194_304));
}

#[test]
fn a_value_may_hold_equal_signs_and_be_empty() {
    assert_eq!(parse(&["-format=a=b"]).unwrap().string("format"), "a=b");
    assert_eq!(parse(&["-format="]).unwrap().string("format"), "");
    assert_eq!(parse(&["-format", "-tail"]).unwrap().string("format"), "-tail");
}

#[test]
fn numbers_have_go_notation() {
    for (text, number) in
        [("10", 10), ("-1", -1), ("+7", 7), ("0x1F", 31), ("010", 8), ("0b11", 3), ("1_000", 1000), ("0", 0)]
    {
        assert_eq!(parse(&["-offset", text]).unwrap().int("offset"), number, "{text}");
    }
    assert_eq!(first_line(&["-offset=x"]), "invalid value \"x\" for flag -offset: parse error");
    assert_eq!(first_line(&["-offset=1__0"]), "invalid value \"1__0\" for flag -offset: parse error");
    assert_eq!(
        first_line(&["-offset=9223372036854775808"]),
        "invalid value \"9223372036854775808\" for flag -offset: value out of range"
    );
    assert_eq!(parse(&["-offset=-9223372036854775808"]).unwrap().int("offset"), i64::MIN);
    assert_eq!(first_line(&["-size=-1"]), "invalid value \"-1\" for flag -size: parse error");
}

#[test]
fn mistakes_are_named() {
    assert_eq!(first_line(&["-nope"]), "flag provided but not defined: -nope");
    assert_eq!(first_line(&["-format"]), "flag needs an argument: -format");
    assert_eq!(first_line(&["---tail"]), "bad flag syntax: ---tail");
    assert_eq!(first_line(&["-=x"]), "bad flag syntax: -=x");
    assert_eq!(first_line(&["-tail=maybe\n"]), "invalid boolean value \"maybe\\n\" for -tail: parse error");
}

#[test]
fn help_ends_well_and_lists_flags_in_order() {
    let exit = parse(&["-help"]).unwrap_err();
    assert_eq!(exit.code, 0);
    assert_eq!(
        exit.stderr,
        "Usage of prog:\n  -format string\n    \toutput format (default \"txt\")\n  -offset int\n    \twhere\n    \tto start\n  \
         -output string\n    \toutput filename\n  -size uint\n    \tmost bytes (default 4194304)\n  -tail\n    \tkeep on\n  \
         -v\tsay more\n"
    );
}
