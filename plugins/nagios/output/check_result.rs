//! The result of a passive check, as a message tells it.

use bstr::ByteSlice;
use heka_message::MessageView;

/// The result of a check of a service.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CheckResult<'a> {
    pub(super) host: &'a [u8],
    pub(super) service: &'a [u8],
    /// Nagios' number of the state.
    pub(super) state: u8,
    pub(super) output: &'a [u8],
}

impl<'a> CheckResult<'a> {
    /// What a message says: `STATE:text` in its payload. `host` and `service` are used instead of the message's host and
    /// logger unless they are empty.
    pub(super) fn of(message: MessageView<'a>, host: &'a str, service: &'a str) -> CheckResult<'a> {
        let payload: &[u8] = message.payload().map_or(b"", |text| text);
        let (state, output) = match memchr::memchr(b':', payload) {
            Some(colon) => (&payload[..colon], &payload[colon + 1..]),
            None => (&b""[..], payload),
        };
        let state = match state {
            b"OK" => 0,
            b"WARNING" => 1,
            b"CRITICAL" => 2,
            _ => 3,
        };
        let host =
            if host.is_empty() { message.hostname().map_or(&b""[..], |text| text) } else { host.as_bytes() };
        let service = if service.is_empty() {
            message.logger().map_or(&b""[..], |text| text)
        } else {
            service.as_bytes()
        };
        CheckResult { host, service, state, output }
    }

    /// The fields that a newer cmd.cgi wants: it refuses line breaks, which are written as `\n`.
    pub(super) fn form_in_one_line(&self) -> Vec<u8> {
        let output = self.output.trim_ascii_end().replace("\r\n", "\n").replace("\n", "\\n");
        CheckResult { output: &output, ..*self }.form()
    }

    /// The fields that cmd.cgi wants, in a form.
    pub(super) fn form(&self) -> Vec<u8> {
        let mut form = b"cmd_mod=2&cmd_typ=30&host=".to_vec();
        escape(self.host, &mut form);
        form.extend_from_slice(b"&performance_data=&plugin_output=");
        escape(self.output, &mut form);
        form.extend_from_slice(format!("&plugin_state={}&service=", self.state).as_bytes());
        escape(self.service, &mut form);
        form
    }

    /// The line that send_nsca wants. Line breaks of the text are written as `\n`, as Nagios does; what would tear the line
    /// in other places becomes a blank.
    pub(super) fn line(&self) -> Vec<u8> {
        let blank = |byte: &u8| if matches!(byte, b'\t' | b'\n' | b'\r' | 0 | 0x17) { b' ' } else { *byte };
        let mut line: Vec<u8> = self.host.iter().map(blank).collect();
        line.push(b'\t');
        line.extend(self.service.iter().map(blank));
        line.extend_from_slice(format!("\t{}\t", self.state).as_bytes());
        let text = self.output.strip_suffix(b"\n").unwrap_or(self.output);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        for byte in text {
            match byte {
                b'\n' => line.extend_from_slice(b"\\n"),
                b'\r' => {}
                b'\t' => line.push(b'\t'),
                byte => line.push(blank(byte)),
            }
        }
        line.push(b'\n');
        line
    }

    /// For texts: which service it is about.
    pub(super) fn subject(&self) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).escape_debug().to_string();
        format!("service '{}' on host '{}'", text(self.service), text(self.host))
    }
}

/// Escapes as in a query, with `+` for a blank.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(*byte),
            b' ' => out.push(b'+'),
            byte => out.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use heka_message::Message;
    use proptest::prelude::*;

    use super::*;

    fn bytes_of(payload: &str) -> Vec<u8> {
        let message = Message {
            logger: Some("log ger".into()),
            hostname: Some("h1".into()),
            payload: Some(payload.into()),
            ..Message::default()
        };
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        bytes
    }

    fn form(payload: &str, host: &str, service: &str) -> String {
        let bytes = bytes_of(payload);
        String::from_utf8(CheckResult::of(MessageView::new(&bytes), host, service).form()).unwrap()
    }

    fn line(payload: &str) -> String {
        let bytes = bytes_of(payload);
        String::from_utf8(CheckResult::of(MessageView::new(&bytes), "", "").line()).unwrap()
    }

    #[test]
    fn line_breaks_are_written_out_for_a_newer_nagios() {
        let bytes = bytes_of("OK:one\r\ntwo\n");
        let result = CheckResult::of(MessageView::new(&bytes), "h", "s");
        let form = String::from_utf8(result.form_in_one_line()).unwrap();
        assert!(form.contains("plugin_output=one%5Cntwo&"), "{form}");
        assert!(String::from_utf8(result.form()).unwrap().contains("plugin_output=one%0D%0Atwo%0A&"));
    }

    #[test]
    fn the_state_is_before_the_first_colon() {
        for (payload, state, output) in [
            ("OK: all well", 0, " all well"),
            ("WARNING:a:b", 1, "a:b"),
            ("CRITICAL:", 2, ""),
            ("UNKNOWN: ?", 3, " ?"),
            ("OK : x", 3, " x"),
            ("ok: x", 3, " x"),
            ("no colon", 3, "no colon"),
            ("", 3, ""),
        ] {
            let bytes = bytes_of(payload);
            let result = CheckResult::of(MessageView::new(&bytes), "", "");
            assert_eq!((result.state, result.output), (state, output.as_bytes()), "{payload}");
        }
        let nothing = CheckResult::of(MessageView::new(b""), "", "");
        assert_eq!(nothing, CheckResult { host: b"", service: b"", state: 3, output: b"" });
    }

    #[test]
    fn a_form_is_escaped_and_in_order() {
        assert_eq!(
            form("WARNING:&=%+ é~", "", ""),
            "cmd_mod=2&cmd_typ=30&host=h1&performance_data=&plugin_output=%26%3D%25%2B+%C3%A9~&plugin_state=1\
             &service=log+ger"
        );
        let named = form("x", "box", "svc");
        assert!(named.contains("&host=box&") && named.ends_with("&service=svc"), "{named}");
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(line("OK: fine"), "h1\tlog ger\t0\t fine\n");
        assert_eq!(line("OK:a\r\nb\nc\n"), "h1\tlog ger\t0\ta\\nb\\nc\n");
        let bytes = bytes_of("x");
        let odd = CheckResult::of(MessageView::new(&bytes), "a\tb", "c\nd").line();
        assert_eq!(odd, b"a b\tc d\t3\tx\n");
    }

    proptest! {
        #[test]
        fn any_result_makes_one_line(host in ".*", service in ".*", output in "(.|\n){0,50}") {
            let result = CheckResult {
                host: host.as_bytes(), service: service.as_bytes(), state: 0, output: output.as_bytes(),
            };
            let line = result.line();
            prop_assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
            let head = line.split(|byte| *byte == b'\t').nth(2);
            prop_assert_eq!(head, Some(&b"0"[..]));
        }
    }
}
