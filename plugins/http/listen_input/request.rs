//! What a request tells its messages.

use std::net::SocketAddr;

use bstr::BString;
use heka_message::Field;
use heka_plugin::Pack;
use hyper::Version;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper::http::request::Parts;

use crate::http_server::query::{pairs, unescape};

/// What is the same for all requests.
pub(super) struct Shape {
    /// Request headers that become fields.
    pub(super) headers: Vec<String>,
    /// hekad's process id.
    pub(super) pid: i32,
    /// The machine's name, whatever `[hekad] hostname` says.
    pub(super) hostname: String,
    /// Bodies are URL-encoded.
    pub(super) unescapes: bool,
}

/// The fields of a request's messages, in order.
pub(super) struct Facts(Vec<(BString, BString)>);

impl Facts {
    /// What is to be known of a request. `None`: its path is not well-formed.
    pub(super) fn of(parts: &Parts, peer: SocketAddr, shape: &Shape) -> Option<Facts> {
        let header = |name: &str| -> BString {
            parts.headers.get(name).map_or(&b""[..], |value| value.as_bytes()).into()
        };
        let path = unescape(parts.uri.path().as_bytes(), false)?;
        let protocol = if parts.version == Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" };
        let host = match parts.uri.authority() {
            Some(authority) => authority.as_str().into(),
            None => header(HOST.as_str()),
        };
        let mut fields: Vec<(BString, BString)> = vec![
            ("Protocol".into(), protocol.into()),
            ("UserAgent".into(), header(USER_AGENT.as_str())),
            ("ContentType".into(), header(CONTENT_TYPE.as_str())),
            ("Path".into(), path),
            ("Host".into(), without_port(&host).into()),
            ("RemoteAddr".into(), peer.ip().to_string().into()),
        ];
        for name in shape.headers.iter().filter(|name| !name.eq_ignore_ascii_case("host")) {
            let value = header(name);
            if !value.is_empty() {
                fields.push((name.as_str().into(), value));
            }
        }
        fields.extend(pairs(parts.uri.query().unwrap_or_default().as_bytes()));
        Some(Facts(fields))
    }

    /// Writes them into a message.
    pub(super) fn decorate(&self, pack: &mut Pack, shape: &Shape) {
        let message = pack.message_mut();
        message.msg_type = Some("heka.httpdata.request".into());
        message.severity = Some(6);
        message.env_version = Some("1".into());
        message.pid = Some(shape.pid);
        message.hostname = Some(shape.hostname.as_str().into());
        for (name, value) in &self.0 {
            message.add_field(Field::string(name.clone(), "", value.clone()));
        }
    }
}

/// A host without its port, and an IPv6 address without its brackets.
fn without_port(host: &[u8]) -> &[u8] {
    if let Some(rest) = host.strip_prefix(b"[") {
        return rest.split(|byte| *byte == b']').next().unwrap_or_default();
    }
    let mut parts = host.split(|byte| *byte == b':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(name), Some(_), None) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn shape() -> Shape {
        let headers = ["X-Id", "X-None", "x-lower", "X-Empty"].map(String::from).to_vec();
        Shape { headers, pid: 7, hostname: "os".into(), unescapes: false }
    }

    fn fields(request: hyper::http::request::Builder) -> Option<Vec<(String, String)>> {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let facts = Facts::of(&parts, "10.0.0.9:5000".parse().unwrap(), &shape())?;
        let mut pack = Pack::new();
        facts.decorate(&mut pack, &shape());
        let message = pack.message();
        assert_eq!((message.severity, message.pid), (Some(6), Some(7)));
        let text =
            |field: &Field| (field.name.clone().unwrap().to_string(), field.value_string[0].to_string());
        Some(message.fields.iter().map(text).collect())
    }

    #[test]
    fn fields_come_in_order() {
        let request = Request::post("/a%20b?x=1&x=2")
            .header("host", "web.example:8325")
            .header("user-agent", "ua/1")
            .header("x-id", "7")
            .header("X-Lower", "low")
            .header("x-empty", "");
        let expected = [
            ("Protocol", "HTTP/1.1"),
            ("UserAgent", "ua/1"),
            ("ContentType", ""),
            ("Path", "/a b"),
            ("Host", "web.example"),
            ("RemoteAddr", "10.0.0.9"),
            ("X-Id", "7"),
            ("x-lower", "low"),
            ("x", "1"),
            ("x", "2"),
        ];
        assert_eq!(fields(request).unwrap(), expected.map(|(name, value)| (name.into(), value.into())));
    }

    #[test]
    fn a_path_that_is_broken_is_no_request() {
        assert_eq!(fields(Request::get("/%zz")), None);
    }

    #[test]
    fn a_port_is_taken_off_a_host() {
        for (host, name) in [("a", "a"), ("a:1", "a"), ("[::1]:1", "::1"), ("[::1]", "::1"), ("", "")] {
            assert_eq!(without_port(host.as_bytes()), name.as_bytes());
        }
    }
}
