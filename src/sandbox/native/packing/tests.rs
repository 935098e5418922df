//! Results as hekad 0.11 has them.

use super::super::testing::{check, result, sweep_memory};

const HEX: &str = "s = require 'struct'
    function hex(...) return (string.gsub(s.pack(...), '.', function(c) return string.format('%02x', c:byte()) end)) end";

#[test]
fn values_are_packed() {
    let packed = [
        ("'b', -1", "ff"),
        ("'B', 256", "00"),
        ("'h', -2", "feff"),
        ("'>h', 258", "0102"),
        ("'i', 1", "01000000"),
        ("'i3', 66051", "030201"),
        ("'>i3', 66051", "010203"),
        ("'l', 5", "0500000000000000"),
        ("'>I8', 2^53", "0020000000000000"),
        ("'T', 9", "0900000000000000"),
        ("'f', 1.5", "0000c03f"),
        ("'>d', 1", "3ff0000000000000"),
        ("'x'", "00"),
        ("'s', 'abc'", "61626300"),
        ("'c3', 'hello'", "68656c"),
        ("'c0', 'hello'", "68656c6c6f"),
        ("'bxb', 1, 2", "010002"),
        ("'!4 b i', 1, 2", "0100000002000000"),
        ("'!8bd', 1, 2", "01000000000000000000000000000040"),
        ("'>!2 b h b', 1, 2, 3", "0100000203"),
        ("'i16', 1", "01000000000000000000000000000000"),
        ("'i10', -1", "ffffffffffffffff0000"),
        ("'sb', 'a\\0b', 7", "6100620007"),
        ("'Bc0', 3, 'abc'", "03616263"),
        ("'i2i2', 1.9, -1.9", "0100ffff"),
        ("'s', 5", "3500"),
        ("'i0', 1", ""),
    ];
    for (arguments, hex) in packed {
        assert_eq!(result(HEX, &format!("hex({arguments})")), format!("\"{hex}\""), "{arguments}");
    }
}

#[test]
fn values_are_unpacked() {
    check(
        HEX,
        &[
            ("s.unpack('b', '\\255')", "-1, 2"),
            ("s.unpack('<I4', '\\255\\255\\255\\255')", "4294967295, 5"),
            ("s.unpack('<i8', '\\254\\255\\255\\255\\255\\255\\255\\255')", "-2, 9"),
            ("s.unpack('>d', '\\63\\240\\0\\0\\0\\0\\0\\0')", "1, 9"),
            ("s.unpack('<f', '\\0\\0\\192\\63')", "1.5, 5"),
            ("s.unpack('s', 'abc\\0def')", "\"abc\", 5"),
            ("s.unpack('c3', 'abcdef')", "\"abc\", 4"),
            ("s.unpack('Bc0', '\\3abcdef')", "\"abc\", 5"),
            ("s.unpack('bb', '\\1\\2\\3', 2)", "2, 3, 4"),
            ("s.unpack('<i3', '\\1\\2\\128')", "-8388095, 4"),
            ("s.unpack('!4 b <i4', '\\1\\0\\0\\0\\2\\0\\0\\0')", "1, 2, 9"),
            ("s.unpack('b', 'abc', 0)", "0, 1"),
        ],
    );
}

#[test]
fn faults_are_told() {
    check(
        HEX,
        &[
            ("s.pack('n', 7)", "@ bad argument #1 to 'pack' (invalid format option 'n')"),
            ("s.pack('b', 'x')", "@ bad argument #2 to 'pack' (number expected, got string)"),
            ("s.pack('b')", "@ bad argument #2 to 'pack' (number expected, got nil)"),
            ("s.pack('c5', 'abc')", "@ bad argument #3 to 'pack' (string too short)"),
            ("s.pack('i33', 1)", "@ integral size 33 is larger than limit of 32"),
            ("s.pack('!3 i', 1)", "@ alignment 3 is not a power of 2"),
            ("s.pack('x99999999999')", "not enough memory"),
            ("s.unpack('i4', 'abc')", "@ bad argument #2 to 'unpack' (data string too short)"),
            ("s.unpack('s', 'no end')", "@ unfinished string in data"),
            ("s.unpack('s', 'no end', 0)", "@ bad argument #2 to 'unpack' (data string too short)"),
            ("s.unpack('c1', 'abc', 0)", "@ bad argument #2 to 'unpack' (data string too short)"),
            ("s.unpack('c99999999999', 'abc')", "@ bad argument #2 to 'unpack' (data string too short)"),
            ("s.unpack('c0', 'abc')", "@ format `c0' needs a previous size"),
            ("s.unpack('Bc0', '\\9abc')", "@ bad argument #2 to 'unpack' (data string too short)"),
            ("s.unpack('b', 'abc', 9)", "@ bad argument #2 to 'unpack' (data string too short)"),
            ("s.unpack(string.rep('b', 9000), string.rep('x', 9000))", "@ stack overflow (too many results)"),
        ],
    );
}

#[test]
fn sizes_are_known_without_values() {
    check(
        HEX,
        &[
            ("s.size('!8bd'), s.size('bxb'), s.size('c10'), s.size('!4 b i'), s.size('')", "16, 3, 10, 8, 0"),
            ("s.size('s')", "@ bad argument #1 to 'size' (option 's' has no fixed size)"),
            ("s.size('c0')", "@ bad argument #1 to 'size' (option 'c0' has no fixed size)"),
            ("s.size('=')", "@ bad argument #1 to 'size' (invalid format option '=')"),
        ],
    );
}

#[test]
fn a_lack_of_memory_is_an_error_wherever_it_strikes() {
    sweep_memory(
        "require 'string' require 'struct'",
        "local text = struct.pack('bc0>d x3000 s', 1, string.rep('x', 5000), 2, 'end')
        struct.unpack('bc5000>d x3000 s', text)",
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn what_was_packed_is_unpacked_to_the_same(
        byte: i8, short: u16, word: i32, long in -(1_i64 << 53)..1 << 53, double in -1e300..1e300_f64,
        text in "[a-z]{0,20}", big: bool, align in 0_u32..4,
    ) {
        let format = format!("{}!{} b H i i7 d B c0 s", if big { '>' } else { '<' }, 1 << align);
        let long = long % (1 << 50);
        let expression = format!(
            "s.unpack('{format}', s.pack('{format}', {byte}, {short}, {word}, {long}, {double:?}, {}, '{text}', '{text}'))",
            text.len()
        );
        let got = result(HEX, &expression);
        let values: Vec<&str> = got.split(", ").collect();
        assert_eq!(values[..4], [byte.to_string(), short.to_string(), word.to_string(), long.to_string()]);
        assert_eq!(values[4].parse::<f64>().unwrap(), double);
        assert_eq!(values[5..7], [format!("\"{text}\""), format!("\"{text}\"")]);
    }

    #[test]
    fn no_format_reads_outside_the_data(format in "[bBhHlLTiIcsxfd<>!0-9 ]{0,12}", at in -20..20) {
        result(HEX, &format!("s.unpack('{format}', 'some data', {at})"));
    }
}
