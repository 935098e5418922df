//! `amqp://user:password@host:port/vhost`, with all but the scheme optional.

use std::fmt;

use crate::http_server::query::unescape;

/// Where a broker is and as whom to talk to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Uri {
    /// `amqps`
    pub(crate) secret: bool,
    /// Without brackets.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
    /// The user.
    pub(crate) user: String,
    /// The password.
    pub(crate) password: String,
    /// The virtual host.
    pub(crate) vhost: String,
}

impl Uri {
    /// Reads a URI.
    ///
    /// # Errors
    /// Heka's text.
    pub(crate) fn parse(text: &str) -> Result<Uri, String> {
        if text.contains(char::is_whitespace) {
            return Err("URI must not contain whitespace".into());
        }
        let wrong_scheme = "AMQP scheme must be either 'amqp://' or 'amqps://'";
        let (scheme, rest) = text.split_once(':').ok_or(wrong_scheme)?;
        let secret = match scheme.to_ascii_lowercase().as_str() {
            "amqp" => false,
            "amqps" => true,
            _ => return Err(wrong_scheme.into()),
        };
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let rest = &rest[..rest.find(['?', '#']).unwrap_or(rest.len())];
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user_info, place) =
            authority.rsplit_once('@').map_or((None, authority), |(user, place)| (Some(user), place));
        let (host, port) = host_and_port(place)?;
        let (user, password) = match user_info {
            None => ("guest".into(), "guest".into()),
            Some(info) => match info.split_once(':') {
                Some((user, password)) => (decoded(user)?, decoded(password)?),
                None => (decoded(info)?, "guest".into()),
            },
        };
        let vhost = match path.get(1..).unwrap_or_default() {
            "" => "/".into(),
            // Go takes `amqp:////name` for a path without host.
            name if host.is_empty() && name.starts_with("//") => decoded(&name[2..])?,
            name => decoded(name)?,
        };
        let port = port.unwrap_or(if secret { 5671 } else { 5672 });
        let host = if host.is_empty() { "localhost".into() } else { host };
        Ok(Uri { secret, host, port, user, password, vhost })
    }

    /// `host:port` to connect to.
    pub(crate) fn place(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Uri {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secret { "amqps" } else { "amqp" };
        write!(f, "{scheme}://{}@{}", self.user, self.place())
    }
}

fn host_and_port(place: &str) -> Result<(String, Option<u16>), String> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or("missing ']' in host")?,
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    let port = match port.strip_prefix(':').unwrap_or(port) {
        "" => None,
        digits => Some(digits.parse().map_err(|_| format!("invalid port {port:?} after host"))?),
    };
    Ok((decoded(host)?, port))
}

/// Resolves `%2f` and the like.
fn decoded(text: &str) -> Result<String, String> {
    let bytes = unescape(text.as_bytes(), false).ok_or_else(|| format!("invalid URL escape in {text:?}"))?;
    String::from_utf8(bytes.into()).map_err(|_| format!("{text:?} is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_is_the_usual() {
        let read = |text: &str| {
            let uri = Uri::parse(text).unwrap();
            (uri.secret, uri.place(), uri.user, uri.password, uri.vhost)
        };
        let all = |secret, place: &str, user: &str, password: &str, vhost: &str| {
            (secret, place.to_string(), user.to_string(), password.to_string(), vhost.to_string())
        };
        for text in ["amqp:", "amqp://", "amqp:///", "amqp://localhost", "AMQP://localhost:5672/"] {
            assert_eq!(read(text), all(false, "localhost:5672", "guest", "guest", "/"), "{text}");
        }
        assert_eq!(read("amqps://mq"), all(true, "mq:5671", "guest", "guest", "/"));
        assert_eq!(read("amqp://u:p%40ss@mq:99/%2fa?x=1"), all(false, "mq:99", "u", "p@ss", "/a"));
        assert_eq!(read("amqp://u@[::1]/v"), all(false, "[::1]:5672", "u", "guest", "v"));
        assert_eq!(read("amqp://:@h/a/b"), all(false, "h:5672", "", "", "a/b"));
        assert_eq!(read("amqp:////v"), all(false, "localhost:5672", "guest", "guest", "/v"));
        assert_eq!(read("amqp://///v"), all(false, "localhost:5672", "guest", "guest", "v"));
    }

    #[test]
    fn what_is_none() {
        let scheme = "AMQP scheme must be either 'amqp://' or 'amqps://'";
        for (text, why) in [
            ("", scheme),
            ("http://host", scheme),
            ("amqp://a b", "URI must not contain whitespace"),
            ("amqp://host:x/", "invalid port \":x\" after host"),
            ("amqp://[::1", "missing ']' in host"),
            ("amqp://h/%zz", "invalid URL escape in \"%zz\""),
            ("amqp://h/%", "invalid URL escape in \"%\""),
        ] {
            assert_eq!(Uri::parse(text).unwrap_err(), why, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_gives_a_result(text: String, rest in "[a-z0-9@:/%\\[\\]é]{0,30}") {
            let _ = Uri::parse(&text);
            let _ = Uri::parse(&format!("amqp://{rest}"));
        }
    }
}
