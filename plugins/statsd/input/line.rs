//! statsd's protocol, as Heka reads it: `bucket:value|modifier[|@rate]`, lines of it in a datagram.

use heka_plugin::{Modifier, Stat};

/// The statistics of a datagram, and the lines that are none.
pub(super) fn stats(datagram: &[u8]) -> impl Iterator<Item = Result<Stat, &[u8]>> {
    let lines = datagram.split(|&byte| byte == b'\n').map(trimmed).filter(|line| !line.is_empty());
    lines.map(|line| stat(line).ok_or(line))
}

fn trimmed(line: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = line.iter().position(|byte| !is_blank(byte)).unwrap_or(line.len());
    let end = line.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
    &line[start..end]
}

/// The first value counts where there are several. What follows the modifier and is no rate is passed over.
fn stat(line: &[u8]) -> Option<Stat> {
    let (bucket, rest) = line.split_at_checked(line.iter().position(|&byte| byte == b':')?)?;
    let rest = &rest[1..];
    let (value, rest) = rest.split_at_checked(rest.iter().position(|&byte| byte == b'|')?)?;
    let (modifier, rest) = modifier(&rest[1..])?;
    let sampling = if rest.len() >= 3 && rest.starts_with(b"|@") { rate(&rest[2..])? } else { 1.0 };
    Some(Stat { bucket: bucket.into(), value: value.into(), modifier, sampling })
}

/// The modifier, and what stands behind it. `h` and `m` alone count like `c`.
fn modifier(text: &[u8]) -> Option<(Modifier, &[u8])> {
    match text {
        b"c" | b"h" | b"m" => Some((Modifier::Counter, b"")),
        b"g" => Some((Modifier::Gauge, b"")),
        [b'm', b's', rest @ ..] => Some((Modifier::Timer, rest)),
        [b'c', rest @ ..] if rest.len() > 1 => Some((Modifier::Counter, rest)),
        [b'g', rest @ ..] if rest.len() > 1 => Some((Modifier::Gauge, rest)),
        _ => None,
    }
}

/// A share that measurements can be scaled by.
fn rate(text: &[u8]) -> Option<f32> {
    let rate: f32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (rate.is_finite() && rate != 0.0).then_some(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Result<(String, String, Modifier, f32), String>> {
        let plain =
            |stat: Stat| (stat.bucket.to_string(), stat.value.to_string(), stat.modifier, stat.sampling);
        let line = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
        stats(text.as_bytes()).map(|stat| stat.map(plain).map_err(line)).collect()
    }

    #[test]
    fn one_statistic_a_line() {
        let counter = |bucket: &str, value: &str, rate| {
            Ok((bucket.to_string(), value.to_string(), Modifier::Counter, rate))
        };
        assert_eq!(
            read("hits:2|c\n\n  hits:3|c|@0.5 \t\n"),
            [counter("hits", "2", 1.0), counter("hits", "3", 0.5)]
        );
        for (text, expected) in [
            (":1|c", counter("", "1", 1.0)),
            ("a b/c:1|c", counter("a b/c", "1", 1.0)),
            ("multi:1|c:2|c", counter("multi", "1", 1.0)),
            ("tag:1|c|#x:y", counter("tag", "1", 1.0)),
            ("novalue:|c", counter("novalue", "", 1.0)),
            ("h:5|h", counter("h", "5", 1.0)),
            ("m:5|m", counter("m", "5", 1.0)),
            ("g:+5|g", Ok(("g".into(), "+5".into(), Modifier::Gauge, 1.0))),
            ("g:5|g|@0.1", Ok(("g".into(), "5".into(), Modifier::Gauge, 0.1))),
            ("t:5|ms", Ok(("t".into(), "5".into(), Modifier::Timer, 1.0))),
            ("t:5|ms|@0.1", Ok(("t".into(), "5".into(), Modifier::Timer, 0.1))),
        ] {
            assert_eq!(read(text), [expected], "{text}");
        }
    }

    #[test]
    fn lines_that_are_none() {
        for text in [
            "bad",
            "bad:1",
            "bad:1|",
            "bad:1|x",
            "bad:1|s",
            "bad:1|c|@x",
            "bad:1|c|@0",
            "crlf:1|c\r",
            "h:1|h|@1",
            "a:|",
        ] {
            assert_eq!(read(text), [Err(text.to_string())], "{text}");
        }
        assert!(read("").is_empty());
        assert!(read(" \n\t\n").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_a_result(bytes: Vec<u8>) {
            for stat in stats(&bytes).flatten() {
                proptest::prop_assert!(stat.sampling.is_finite());
            }
        }
    }
}
