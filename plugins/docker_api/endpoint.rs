//! Where the API is.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use crate::tls::TlsOptions;

/// Where Docker listens.
pub(crate) const DEFAULT_ENDPOINT: &str = "unix:///var/run/docker.sock";

/// TLS for one host.
pub(super) type Tls = (Arc<ClientConfig>, ServerName<'static>);

/// A place to connect to.
pub(super) enum Endpoint {
    /// A socket file.
    Unix(String),
    /// `host:port`, and TLS if it is spoken.
    Tcp(String, Option<Tls>),
}

impl Endpoint {
    /// Reads the options `endpoint` and `cert_path`.
    ///
    /// # Errors
    /// It is no place, or the certificates cannot be used.
    pub(super) fn parse(text: &str, cert_path: &str) -> Result<Endpoint, String> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("tcp", text));
        let place = rest.split('/').next().unwrap_or_default();
        match scheme {
            "unix" if !rest.is_empty() => Ok(Endpoint::Unix(rest.into())),
            "tcp" | "http" | "https" if !place.is_empty() => {
                let secret = scheme == "https" || !cert_path.is_empty();
                let place = if place.rsplit(']').next().is_some_and(|end| end.contains(':')) {
                    place.to_string()
                } else {
                    format!("{place}:{}", if secret { 2376 } else { 2375 })
                };
                let host = place.rsplit_once(':').map_or(place.as_str(), |(host, _)| host);
                let host = host.trim_start_matches('[').trim_end_matches(']').to_string();
                let tls = secret.then(|| tls(cert_path, &host)).transpose()?;
                Ok(Endpoint::Tcp(place, tls))
            }
            _ => Err(format!("invalid endpoint: {text}")),
        }
    }
}

fn tls(cert_path: &str, host: &str) -> Result<Tls, String> {
    let file = |name: &str| if cert_path.is_empty() { String::new() } else { format!("{cert_path}/{name}") };
    let options = TlsOptions {
        cert_file: file("cert.pem"),
        key_file: file("key.pem"),
        root_cafile: file("ca.pem"),
        ..TlsOptions::default()
    };
    options.client(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_as_docker_writes_them() {
        let place = |text: &str| match Endpoint::parse(text, "") {
            Ok(Endpoint::Unix(path)) => format!("unix {path}"),
            Ok(Endpoint::Tcp(place, tls)) => format!("tcp {place} {}", tls.is_some()),
            Err(why) => why,
        };
        assert_eq!(place(DEFAULT_ENDPOINT), "unix /var/run/docker.sock");
        assert_eq!(place("tcp://h:1"), "tcp h:1 false");
        assert_eq!(place("h:1"), "tcp h:1 false");
        assert_eq!(place("http://[::1]/"), "tcp [::1]:2375 false");
        assert_eq!(place("ftp://h"), "invalid endpoint: ftp://h");
        assert_eq!(place("unix://"), "invalid endpoint: unix://");
        let missing = Endpoint::parse("tcp://h:1", "/no/such").err().unwrap();
        assert_eq!(missing, "open /no/such/cert.pem: no such file or directory");
    }
}
