//! Who may send.

use heka_plugin::ConfigError;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap};
use sha1::{Digest, Sha1};

use super::Config;
use crate::base64_text::write_base64;

/// What a request must show.
#[derive(Clone)]
enum Needs {
    Nothing,
    /// These credentials, as `user:password` in base64.
    Basic(Vec<u8>),
    Key(String),
}

/// What requests must show, and what becomes of those that do not.
#[derive(Clone)]
pub(super) struct Access {
    needs: Needs,
    /// Status of the reply to those.
    pub(super) failure: StatusCode,
}

impl Access {
    pub(super) fn new(config: &Config) -> Result<Access, ConfigError> {
        let failure = StatusCode::from_u16(config.auth_failure_status).ok();
        let failure = failure.filter(|status| !status.is_informational()).ok_or_else(|| {
            ConfigError::Init(format!("`auth_failure_status` {} is no status", config.auth_failure_status))
        })?;
        let needs = match config.auth_type.as_str() {
            "Basic" if !config.username.is_empty() && !config.password.is_empty() => {
                Needs::Basic(format!("{}:{}", config.username, config.password).into_bytes())
            }
            "API" if !config.api_key.is_empty() => Needs::Key(config.api_key.clone()),
            _ => Needs::Nothing,
        };
        Ok(Access { needs, failure })
    }

    /// Whether a request with these headers is let in.
    ///
    /// # Errors
    /// It is not; the text is Heka's.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), &'static str> {
        let (shown, why) = match &self.needs {
            Needs::Nothing => return Ok(()),
            Needs::Basic(credentials) => (shows_credentials(headers, credentials), "Basic Auth Failed"),
            Needs::Key(key) => {
                let sent = headers.get("x-api-key").map_or(&b""[..], |value| value.as_bytes());
                (is_same(sent, key.as_bytes()), "API Auth Failed")
            }
        };
        if shown { Ok(()) } else { Err(why) }
    }

    /// What a reply of 401 asks for, if a browser can do anything about it.
    pub(super) fn challenge(&self) -> Option<&'static str> {
        let asks = matches!(self.needs, Needs::Basic(_)) && self.failure == StatusCode::UNAUTHORIZED;
        asks.then_some("Basic realm=\"hekad\"")
    }
}

/// Whether the header holds `credentials`. The base64 text is compared: it has one form only.
fn shows_credentials(headers: &HeaderMap, credentials: &[u8]) -> bool {
    let sent = headers.get(AUTHORIZATION).map_or(&b""[..], |value| value.as_bytes());
    let Some((scheme, text)) = sent.split_at_checked(6) else { return false };
    let mut wanted = Vec::new();
    write_base64(credentials, &mut wanted);
    scheme.eq_ignore_ascii_case(b"Basic ") && is_same(text, &wanted)
}

/// Compares in a time that does not tell how much of a secret was guessed.
fn is_same(sent: &[u8], wanted: &[u8]) -> bool {
    Sha1::digest(sent) == Sha1::digest(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &'static str, value: &str) -> HeaderMap {
        [(hyper::header::HeaderName::from_static(name), value.parse().unwrap())].into_iter().collect()
    }

    fn basic(username: &str, password: &str) -> Access {
        let config = Config {
            auth_type: "Basic".into(),
            username: username.into(),
            password: password.into(),
            ..Config::default()
        };
        Access::new(&config).unwrap()
    }

    #[test]
    fn basic_credentials_are_checked() {
        let access = basic("u", "p");
        assert_eq!(access.check(&with("authorization", "Basic dTpw")), Ok(()));
        assert_eq!(access.check(&with("authorization", "basic dTpw")), Ok(()));
        for wrong in ["Basic dTp4", "Basic", "Bearer x", "", "Basic dTpw=", "Basic é"] {
            assert_eq!(access.check(&with("authorization", wrong)), Err("Basic Auth Failed"), "{wrong}");
        }
        assert_eq!(access.check(&HeaderMap::new()), Err("Basic Auth Failed"));
    }

    #[test]
    fn without_both_parts_nothing_is_checked() {
        assert_eq!(basic("u", "").check(&HeaderMap::new()), Ok(()));
        assert_eq!(basic("", "p").check(&HeaderMap::new()), Ok(()));
    }

    #[test]
    fn a_key_is_checked() {
        let config = Config { auth_type: "API".into(), api_key: "k".into(), ..Config::default() };
        let access = Access::new(&config).unwrap();
        assert_eq!(access.check(&with("x-api-key", "k")), Ok(()));
        assert_eq!(access.check(&with("x-api-key", "kk")), Err("API Auth Failed"));
        assert_eq!(access.check(&HeaderMap::new()), Err("API Auth Failed"));
    }

    #[test]
    fn only_a_status_of_a_reply_is_taken() {
        assert!(Access::new(&Config { auth_failure_status: 401, ..Config::default() }).is_ok());
        assert!(Access::new(&Config { auth_failure_status: 100, ..Config::default() }).is_err());
        assert!(Access::new(&Config { auth_failure_status: 2000, ..Config::default() }).is_err());
    }
}
