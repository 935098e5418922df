//! Logging in at an SMTP server (RFC 4954).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;

/// A way to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    /// Name and password as they are (RFC 4616).
    Plain,
    /// A digest of the server's challenge and the password (RFC 2195).
    CramMd5,
}

/// Name and password, and how they are shown to the server.
pub(super) struct Auth {
    pub(super) mechanism: Mechanism,
    pub(super) user: String,
    pub(super) password: String,
}

impl Auth {
    /// The command that begins it.
    pub(super) fn command(&self) -> String {
        match self.mechanism {
            Mechanism::Plain => {
                let secret = format!("\0{}\0{}", self.user, self.password);
                format!("AUTH PLAIN {}", STANDARD.encode(secret))
            }
            Mechanism::CramMd5 => "AUTH CRAM-MD5".into(),
        }
    }

    /// The answer to the server's challenge.
    ///
    /// # Errors
    /// There should be none, or it is not base64.
    pub(super) fn answer(&self, challenge: &str) -> Result<String, String> {
        if self.mechanism == Mechanism::Plain {
            return Err("unexpected server challenge".into());
        }
        let challenge = STANDARD.decode(challenge.trim()).map_err(|error| error.to_string())?;
        let mut mac =
            Hmac::<Md5>::new_from_slice(self.password.as_bytes()).map_err(|error| error.to_string())?;
        mac.update(&challenge);
        let digest: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(STANDARD.encode(format!("{} {digest}", self.user)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auth(mechanism: Mechanism) -> Auth {
        Auth { mechanism, user: "tim".into(), password: "tanstaaftanstaaf".into() }
    }

    #[test]
    fn plain_sends_name_and_password_at_once() {
        assert_eq!(auth(Mechanism::Plain).command(), "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm");
        assert!(auth(Mechanism::Plain).answer("").is_err());
    }

    #[test]
    fn cram_md5_answers_the_example_of_its_rfc() {
        let auth = auth(Mechanism::CramMd5);
        assert_eq!(auth.command(), "AUTH CRAM-MD5");
        let challenge = STANDARD.encode("<1896.697170952@postoffice.reston.mci.net>");
        let answer = STANDARD.decode(auth.answer(&challenge).unwrap()).unwrap();
        assert_eq!(answer, b"tim b913a602c7eda7a495b4e6e7334d3890");
        assert!(auth.answer("?").is_err());
    }
}
