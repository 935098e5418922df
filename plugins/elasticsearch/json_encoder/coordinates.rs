//! The line that says where a document goes: `{"index":{"_index":...,"_type":...,"_id":...}}`.

use std::time::{SystemTime, UNIX_EPOCH};

use heka_message::golang::clock::Civil;
use heka_message::golang::write_quoted;
use heka_message::{Headers, MessageView};

use super::template::{Lasts, Template};

/// Index, type and id of documents.
pub(crate) struct Coordinates {
    index: Coordinate,
    type_name: Coordinate,
    id: Option<Coordinate>,
    from_timestamp: bool,
}

impl Coordinates {
    pub(crate) fn new(index: &str, type_name: &str, id: &str, from_timestamp: bool) -> Coordinates {
        Coordinates {
            index: Coordinate::new(index, true),
            type_name: Coordinate::new(type_name, false),
            id: (!id.is_empty()).then(|| Coordinate::new(id, false)),
            from_timestamp,
        }
    }

    /// Appends the line. Gives the time that formats in it show, in nanoseconds since the epoch.
    pub(crate) fn write(
        &mut self,
        message: MessageView<'_>,
        headers: &Headers<'_>,
        out: &mut Vec<u8>,
    ) -> i64 {
        let time_ns = if self.from_timestamp { headers.timestamp.unwrap_or(0) } else { now_ns() };
        let context = Now { message, headers, time_ns };
        out.extend_from_slice(b"{\"index\":{\"_index\":");
        self.index.write(b"", &context, out);
        self.type_name.write(b",\"_type\":", &context, out);
        if let Some(id) = &mut self.id {
            let start = out.len();
            if !id.write(b",\"_id\":", &context, out) {
                out.truncate(start);
            }
        }
        out.extend_from_slice(b"}}\n");
        time_ns
    }
}

/// Nanoseconds since the epoch.
pub(crate) fn now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

struct Now<'a> {
    message: MessageView<'a>,
    headers: &'a Headers<'a>,
    time_ns: i64,
}

/// One of them, quoted as Go does.
struct Coordinate {
    template: Template,
    lasts: Lasts,
    lower: bool,
    scratch: Vec<u8>,
    /// The quoted text of the second `cached_s`, and whether all its placeholders stand for something.
    cached: Vec<u8>,
    cached_found: bool,
    cached_s: Option<i64>,
}

impl Coordinate {
    fn new(text: &str, lower: bool) -> Coordinate {
        let template = Template::new(text);
        let lasts = template.lasts();
        Coordinate {
            template,
            lasts,
            lower,
            scratch: vec![],
            cached: vec![],
            cached_found: false,
            cached_s: None,
        }
    }

    fn write(&mut self, key: &[u8], now: &Now<'_>, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(key);
        let second = match self.lasts {
            Lasts::Always => 0,
            Lasts::Second if !self.template.may_name_field_of(now.message) => {
                now.time_ns.div_euclid(1_000_000_000)
            }
            Lasts::Second | Lasts::Message => {
                let found = self.render(now);
                write_quoted(&self.scratch, out);
                return found;
            }
        };
        if self.cached_s != Some(second) {
            self.cached_found = self.render(now);
            self.cached.clear();
            write_quoted(&self.scratch, &mut self.cached);
            self.cached_s = Some(second);
        }
        out.extend_from_slice(&self.cached);
        self.cached_found
    }

    fn render(&mut self, now: &Now<'_>) -> bool {
        self.scratch.clear();
        let time = Civil::utc(now.time_ns);
        let found = self.template.write(now.message, now.headers, &time, &mut self.scratch);
        if self.lower {
            to_lower(&mut self.scratch);
        }
        found
    }
}

/// Turns text into lower case, one character for one as Go does; bytes that are no UTF-8 become U+FFFD unless all is ASCII.
fn to_lower(text: &mut Vec<u8>) {
    if text.is_ascii() {
        text.make_ascii_lowercase();
        return;
    }
    let mut lower = String::with_capacity(text.len());
    let mut rest = &text[..];
    while !rest.is_empty() {
        let (character, size) = bstr::decode_utf8(rest);
        let character = character.unwrap_or('\u{fffd}');
        lower.extend(character.to_lowercase().next());
        rest = &rest[if character == '\u{fffd}' && size != 3 { 1 } else { size }..];
    }
    *text = lower.into_bytes();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_case() {
        let lower = |text: &[u8]| {
            let mut text = text.to_vec();
            to_lower(&mut text);
            String::from_utf8(text).unwrap()
        };
        assert_eq!(lower(b"My.Type-2015"), "my.type-2015");
        assert_eq!(lower("HÖst İ ÉÀ\u{fffd}".as_bytes()), "höst i éà\u{fffd}");
        assert_eq!(lower(b"A\xff\xe2\x82Z"), "a\u{fffd}\u{fffd}\u{fffd}z");
    }
}
