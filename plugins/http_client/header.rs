//! The head of a request.

use hyper::Method;
use hyper::header::{
    ACCEPT_ENCODING, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, RANGE, TRANSFER_ENCODING,
    USER_AGENT,
};

use crate::base64_text::write_base64;

/// What Go's client calls itself.
const OWN_NAME: HeaderValue = HeaderValue::from_static("Go-http-client/1.1");

/// The value of an `Authorization` header.
///
/// # Errors
/// Never in practice: base64 is always a value.
pub(crate) fn basic(username: &str, password: &str) -> Result<HeaderValue, String> {
    let mut value = b"Basic ".to_vec();
    write_base64(format!("{username}:{password}").as_bytes(), &mut value);
    HeaderValue::from_bytes(&value).map_err(|error| error.to_string())
}

/// The headers of a request, in the order in which Go sends them, and whether the body of the reply may come compressed
/// without anybody having asked for that.
pub(super) fn head(method: &Method, host: HeaderValue, given: &HeaderMap, body: &[u8]) -> (HeaderMap, bool) {
    let mut headers = HeaderMap::new();
    headers.insert(HOST, host);
    headers.insert(USER_AGENT, given.get(USER_AGENT).cloned().unwrap_or(OWN_NAME));
    if !body.is_empty() || matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
        headers.insert(CONTENT_LENGTH, body.len().into());
    }
    let fixed = [HOST, USER_AGENT, CONTENT_LENGTH, TRANSFER_ENCODING];
    let mut names: Vec<&HeaderName> = given.keys().filter(|name| !fixed.contains(*name)).collect();
    names.sort_by_key(|name| name.as_str());
    for name in names {
        given.get_all(name).iter().for_each(|value| {
            headers.append(name, value.clone());
        });
    }
    let compresses =
        !given.contains_key(ACCEPT_ENCODING) && !given.contains_key(RANGE) && *method != Method::HEAD;
    if compresses {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    }
    (headers, compresses)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(method: &Method, given: &[(&'static str, &'static str)], body: &[u8]) -> Vec<String> {
        let mut map = HeaderMap::new();
        for (name, value) in given {
            map.append(*name, HeaderValue::from_static(value));
        }
        let (headers, _) = head(method, HeaderValue::from_static("h"), &map, body);
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect()
    }

    #[test]
    fn headers_come_in_go_s_order() {
        let given =
            [("x-b", "1"), ("host", "no"), ("authorization", "A"), ("x-b", "2"), ("content-length", "9")];
        let expected = [
            "host: h",
            "user-agent: Go-http-client/1.1",
            "content-length: 3",
            "authorization: A",
            "x-b: 1",
            "x-b: 2",
            "accept-encoding: gzip",
        ];
        assert_eq!(names(&Method::POST, &given, b"abc"), expected);
    }

    #[test]
    fn a_length_is_sent_with_a_body_or_where_one_is_usual() {
        assert_eq!(
            names(&Method::GET, &[("user-agent", "me")], b""),
            ["host: h", "user-agent: me", "accept-encoding: gzip"]
        );
        assert!(names(&Method::GET, &[], b"x").contains(&"content-length: 1".to_string()));
        assert!(names(&Method::PUT, &[], b"").contains(&"content-length: 0".to_string()));
        assert!(!names(&Method::HEAD, &[], b"").contains(&"accept-encoding: gzip".to_string()));
    }

    #[test]
    fn credentials_are_base64() {
        assert_eq!(basic("u", "p").unwrap(), "Basic dTpw");
    }
}
