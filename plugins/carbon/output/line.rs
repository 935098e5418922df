//! Lines of statistics as Graphite reads them: `name value time`.

use heka_message::golang::number::{parse_float, parse_uint32_any_base};

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stat<'a> {
    /// The name.
    pub(crate) name: &'a [u8],
    /// The value.
    pub(crate) value: f64,
    /// Seconds since the epoch.
    pub(crate) time_s: u32,
}

/// The lines of a payload; `blanks` are taken off both its ends. An empty payload is one empty line.
pub(crate) fn lines<'a>(payload: &'a [u8], blanks: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    let is_text = |byte: &u8| !blanks.contains(byte);
    let start = payload.iter().position(is_text).unwrap_or(payload.len());
    let end = payload.iter().rposition(is_text).map_or(start, |last| last + 1);
    payload[start..end].split(|&byte| byte == b'\n')
}

impl Stat<'_> {
    /// Reads a line. The time may be in any base that Go reads.
    ///
    /// # Errors
    /// Heka's text.
    pub(crate) fn of(line: &[u8]) -> Result<Stat<'_>, String> {
        let mut words =
            line.split(|byte| byte.is_ascii_whitespace() || *byte == 0x0b).filter(|word| !word.is_empty());
        let (Some(name), Some(value), Some(time), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(format!("malformed statmetric line: '{}'", String::from_utf8_lossy(line)));
        };
        let time_s = parse_uint32_any_base(time).map_err(|why| format!("parsing time: {why}"))?;
        let read = parse_float(value);
        let value =
            read.map_err(|why| format!("parsing value '{}': {why}", String::from_utf8_lossy(value)))?;
        Ok(Stat { name, value, time_s })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_lines() {
        for (text, name, value, time_s) in [
            ("a.b 1 1431600000", "a.b", 1.0, 1_431_600_000),
            ("c.d\t2.5  1431600001 ", "c.d", 2.5, 1_431_600_001),
            ("neg -1e3 0x55547f80", "neg", -1000.0, 0x5554_7f80),
            ("max 0 4294967295", "max", 0.0, u32::MAX),
        ] {
            assert_eq!(Stat::of(text.as_bytes()), Ok(Stat { name: name.as_bytes(), value, time_s }));
        }
        assert!(Stat::of(b"v nan 1").is_ok_and(|stat| stat.value.is_nan()));
    }

    #[test]
    fn bad_lines() {
        for (text, why) in [
            ("", "malformed statmetric line: ''"),
            ("x 1", "malformed statmetric line: 'x 1'"),
            ("a 1 2 3", "malformed statmetric line: 'a 1 2 3'"),
            ("v 1 -1", r#"parsing time: strconv.ParseUint: parsing "-1": invalid syntax"#),
            (
                "v 1 4294967296",
                r#"parsing time: strconv.ParseUint: parsing "4294967296": value out of range"#,
            ),
            ("v x 1.5", r#"parsing time: strconv.ParseUint: parsing "1.5": invalid syntax"#),
            ("v abc 1", r#"parsing value 'abc': strconv.ParseFloat: parsing "abc": invalid syntax"#),
        ] {
            assert_eq!(Stat::of(text.as_bytes()), Err(why.to_string()), "{text}");
        }
    }

    #[test]
    fn payloads_are_trimmed_as_a_whole() {
        let read = |text: &'static str, blanks: &[u8]| -> Vec<&str> {
            lines(text.as_bytes(), blanks).map(|line| std::str::from_utf8(line).unwrap()).collect()
        };
        assert_eq!(read(" a 1 1 \n\n b 2 2\n\n", b" \n"), ["a 1 1 ", "", " b 2 2"]);
        assert_eq!(read("\ta 1 1\t", b" \n"), ["\ta 1 1\t"]);
        assert_eq!(read("\ta 1 1\t", b" \t\n"), ["a 1 1"]);
        assert_eq!(read(" \n ", b" \n"), [""]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_a_result(bytes: Vec<u8>) {
            for line in lines(&bytes, b" \n") {
                let _ = Stat::of(line);
            }
        }
    }
}
