//! URLs, read as Go's `net/url` reads them as far as a client needs it.

use std::fmt::Write;

/// A URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    /// In small letters; "" for a URL that is relative.
    pub(crate) scheme: String,
    /// `user:password`, decoded, if given.
    pub(super) user: Option<(String, String)>,
    /// Host with port as written.
    pub(crate) host: String,
    /// Path as it is sent.
    path: String,
    /// Query with its question mark, or nothing.
    query: String,
    /// The text as given.
    text: String,
}

impl Url {
    /// Reads a URL.
    ///
    /// # Errors
    /// Go's text.
    pub(crate) fn parse(text: &str) -> Result<Url, String> {
        parse(text).map_err(|why| format!("parse {text:?}: {why}"))
    }

    /// The URL as error texts show it: without a password.
    pub(crate) fn shown(&self) -> String {
        match &self.user {
            None => self.text.clone(),
            Some((user, _)) => {
                format!("{}://{user}:***@{}{}{}", self.scheme, self.host, self.path, self.query)
            }
        }
    }

    /// The same without user and query, with `more` behind its path as it stands.
    ///
    /// # Errors
    /// As for [`Url::parse`].
    pub(crate) fn below(&self, more: &str) -> Result<Url, String> {
        Url::parse(&format!("{}://{}{}{more}", self.scheme, self.host, self.path))
    }

    /// Path and query.
    pub(super) fn target(&self) -> String {
        let path = if self.path.is_empty() { "/" } else { &self.path };
        format!("{path}{}", self.query)
    }

    /// The whole, for a proxy.
    pub(super) fn absolute(&self) -> String {
        format!("{}://{}{}", self.scheme, self.host, self.target())
    }

    /// Host without port and brackets.
    pub(crate) fn host_name(&self) -> &str {
        match self.host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => self.host.rsplit_once(':').map_or(self.host.as_str(), |(name, _)| name),
        }
    }

    /// `host:port` to connect to.
    pub(super) fn place(&self) -> String {
        let default = if self.scheme == "https" { 443 } else { 80 };
        let after_brackets = self.host.rsplit(']').next().unwrap_or_default();
        match after_brackets.rsplit_once(':') {
            Some((_, port)) if !port.is_empty() => self.host.clone(),
            Some(_) => format!("{}{default}", self.host),
            None => format!("{}:{default}", self.host),
        }
    }

    /// The URL that a reference in a document at this one means.
    ///
    /// # Errors
    /// As for [`Url::parse`].
    pub(super) fn join(&self, reference: &str) -> Result<Url, String> {
        let given = Url::parse(reference)?;
        let (host, path, query) = if !given.scheme.is_empty() {
            return Ok(given);
        } else if !given.host.is_empty() {
            (given.host, without_dots(&given.path), given.query)
        } else if given.path.is_empty() {
            let query = if given.query.is_empty() { &self.query } else { &given.query };
            (self.host.clone(), self.path.clone(), query.clone())
        } else if given.path.starts_with('/') {
            (self.host.clone(), without_dots(&given.path), given.query)
        } else {
            let folder = self.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            (self.host.clone(), without_dots(&format!("{folder}/{}", given.path)), given.query)
        };
        Url::parse(&format!("{}://{host}{path}{query}", self.scheme))
    }
}

fn parse(text: &str) -> Result<Url, String> {
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err("net/url: invalid control character in URL".into());
    }
    let (whole, _fragment) = text.split_once('#').unwrap_or((text, ""));
    let (scheme, rest) = scheme(whole)?;
    let at = rest.find('?').unwrap_or(rest.len());
    let (rest, query) = rest.split_at(at);
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    let first = path.split('/').next().unwrap_or_default();
    if scheme.is_empty() && authority.is_empty() && first.contains(':') {
        return Err("first path segment in URL cannot contain colon".into());
    }
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            (Some((decoded(name)?, decoded(password)?)), host)
        }
        None => (None, authority),
    };
    check_host(host)?;
    decoded(path)?;
    Ok(Url {
        scheme,
        user,
        host: host.into(),
        path: sendable(path),
        query: sendable(query),
        text: text.into(),
    })
}

/// Splits off the scheme.
fn scheme(text: &str) -> Result<(String, &str), String> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme".into()),
            b':' => {
                let (scheme, rest) = text.split_at(at);
                return Ok((scheme.to_ascii_lowercase(), rest.get(1..).unwrap_or_default()));
            }
            _ => break,
        }
    }
    Ok((String::new(), text))
}

fn check_host(host: &str) -> Result<(), String> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or("missing ']' in host")?,
        None => host.split_at(host.rfind(':').unwrap_or(host.len())),
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    if (!port.is_empty() && !port.starts_with(':')) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("invalid port {port:?} after host"));
    }
    match name.chars().find(|letter| " <>\"\\^`{|}".contains(*letter)) {
        Some(letter) => Err(format!("invalid character {:?} in host name", letter.to_string())),
        None => Ok(()),
    }
}

/// Undoes `%XX`.
fn decoded(text: &str) -> Result<String, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            out.push(*first);
            continue;
        }
        let digits = rest.get(..2).unwrap_or(rest);
        let digit = |at: usize| digits.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (digit(0), digit(1)) {
            (Some(high), Some(low)) => out.push(u8::try_from(high * 16 + low).unwrap_or(b'?')),
            _ => {
                let shown = String::from_utf8_lossy(digits);
                return Err(format!("invalid URL escape {:?}", format!("%{shown}")));
            }
        }
        rest = rest.get(2..).unwrap_or_default();
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// What may not stand in a request is escaped.
fn sendable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Resolves `.` and `..` in a path.
fn without_dots(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    parts.pop();
                }
                if is_last {
                    parts.push("");
                }
            }
            segment => parts.push(segment),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn parts_are_found() {
        let full = url("HTTP://me:p%40ss@Host.example:81/a b?q=1 2#part");
        assert_eq!((full.scheme.as_str(), full.host.as_str()), ("http", "Host.example:81"));
        assert_eq!(full.user, Some(("me".into(), "p@ss".into())));
        assert_eq!(full.target(), "/a%20b?q=1%202");
        assert_eq!(full.shown(), "http://me:***@Host.example:81/a%20b?q=1%202");
        assert_eq!((full.host_name(), full.place().as_str()), ("Host.example", "Host.example:81"));
        assert_eq!(url("https://h").place(), "h:443");
        assert_eq!(url("http://h:").place(), "h:80");
        assert_eq!(url("http://h?x").target(), "/?x");
        assert_eq!(
            (url("http://[::1]/").host_name(), url("http://[::1]/").place().as_str()),
            ("::1", "[::1]:80")
        );
    }

    #[test]
    fn what_is_no_url_is_told_as_by_go() {
        for (text, why) in [
            (":x", r#"parse ":x": missing protocol scheme"#),
            ("a:b/c", ""),
            ("1:b", r#"parse "1:b": first path segment in URL cannot contain colon"#),
            ("http://a b/", r#"parse "http://a b/": invalid character " " in host name"#),
            ("http://[::1", r#"parse "http://[::1": missing ']' in host"#),
            ("http://h:x/", r#"parse "http://h:x/": invalid port ":x" after host"#),
            ("http://h/%zz", r#"parse "http://h/%zz": invalid URL escape "%zz""#),
            ("http://h/\u{1}", r#"parse "http://h/\u{1}": net/url: invalid control character in URL"#),
        ] {
            let said = Url::parse(text).err().unwrap_or_default();
            assert_eq!(said, why, "{text}");
        }
    }

    #[test]
    fn references_are_resolved() {
        let base = url("http://h/a/b/c?q");
        for (reference, result) in [
            ("d", "http://h/a/b/d"),
            ("../d?x", "http://h/a/d?x"),
            ("/x/./y/..", "http://h/x/"),
            ("?z", "http://h/a/b/c?z"),
            ("//other:1/p", "http://other:1/p"),
            ("https://s/", "https://s/"),
        ] {
            assert_eq!(base.join(reference).unwrap().absolute(), result, "{reference}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".*", reference in ".*") {
            let _ = Url::parse(&text);
            let _ = url("http://h/a/b").join(&reference);
        }
    }
}
