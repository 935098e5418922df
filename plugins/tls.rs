//! The `[x.tls]` sub-section that several plugins share, and TLS set up by it.
//!
//! TLS 1.2 and 1.3 are spoken. Heka's older versions and ciphers are accepted in a configuration and mean the nearest thing
//! that is still safe; [`TlsOptions::remarks`] says where that is so.

mod ciphers;
mod files;
mod tickets;
mod trust;
mod versions;

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig, SupportedProtocolVersion};
use schemars::JsonSchema;
use serde::Deserialize;

use self::files::KeyPair;
use self::trust::ClientAuth;

/// Options of a `[x.tls]` sub-section.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "tcp.TlsConfig", default, deny_unknown_fields)]
pub struct TlsOptions {
    /// Client: the name that the server's certificate must have. Default: the host that is connected to.
    pub server_name: String,
    /// Certificate chain in PEM. Needs `key_file`.
    pub cert_file: String,
    /// Private key in PEM; may be the same file as `cert_file`.
    pub key_file: String,
    /// Server: what is asked of clients: `NoClientCert` (default), `RequestClientCert`, `RequireAnyClientCert`,
    /// `VerifyClientCertIfGiven` or `RequireAndVerifyClientCert`.
    pub client_auth: String,
    /// Names of the ciphers of TLS 1.2, most wanted first. Those of TLS 1.3 are always there.
    pub ciphers: Vec<String>,
    /// Client: the server's certificate is not checked.
    pub insecure_skip_verify: bool,
    /// Server: its own order of ciphers counts, not the client's.
    pub prefer_server_ciphers: Option<bool>,
    /// Sessions are not resumed by tickets.
    pub session_tickets_disabled: bool,
    /// Server: key of session tickets, 32 bytes in hexadecimal; servers that share it resume each other's sessions.
    #[serde(rename = "sesion_ticket_key|SessionTicketKey")]
    pub sesion_ticket_key: String,
    /// The same option, spelt right.
    #[serde(rename = "session_ticket_key|SessionTicketKey")]
    pub session_ticket_key: String,
    /// Oldest version spoken: `SSL30`, `TLS10`, `TLS11`, `TLS12` or `TLS13`; nothing older than `TLS12` is.
    pub min_version: String,
    /// Newest version spoken: as `min_version`.
    pub max_version: String,
    /// Server: certificates in PEM of those who sign clients' certificates. Default: the system's.
    #[serde(rename = "client_cafile|ClientCAs")]
    pub client_cafile: String,
    /// Client: certificates in PEM of those who sign servers' certificates. Default: the system's.
    #[serde(rename = "root_cafile|RootCAs")]
    pub root_cafile: String,
}

/// The options once they were checked.
struct Checked {
    pair: Option<KeyPair>,
    versions: Vec<&'static SupportedProtocolVersion>,
    client_auth: ClientAuth,
    ticket_key: Option<[u8; 32]>,
    provider: Arc<CryptoProvider>,
}

impl TlsOptions {
    fn check(&self) -> Result<Checked, String> {
        let both = !self.cert_file.is_empty() && !self.key_file.is_empty();
        let pair = both.then(|| files::key_pair(&self.cert_file, &self.key_file)).transpose()?;
        let versions = versions::between(&self.min_version, &self.max_version)?;
        let client_auth = ClientAuth::named(&self.client_auth)?;
        let key = [&self.session_ticket_key, &self.sesion_ticket_key].into_iter().find(|key| !key.is_empty());
        let ticket_key = key.map(|key| tickets::key(key)).transpose()?;
        let provider = Arc::new(ciphers::provider(&self.ciphers)?);
        Ok(Checked { pair, versions, client_auth, ticket_key, provider })
    }

    /// A server's side of TLS. `prefer_own_ciphers` is the plugin's default of `prefer_server_ciphers`.
    ///
    /// # Errors
    /// An option or a file cannot be used.
    pub fn server(&self, prefer_own_ciphers: bool) -> Result<Arc<ServerConfig>, String> {
        let incomplete = "TLS config requires both cert_file and key_file value.";
        if self.cert_file.is_empty() || self.key_file.is_empty() {
            return Err(incomplete.into());
        }
        let Checked { pair, versions, client_auth, ticket_key, provider } = self.check()?;
        let pair = pair.ok_or(incomplete)?;
        let verifier = trust::of_clients(client_auth, &self.client_cafile, &provider)?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(|error| error.to_string())?
            .with_client_cert_verifier(verifier)
            .with_single_cert(pair.chain, pair.key)
            .map_err(|error| files::mismatch(&error))?;
        config.ignore_client_order = self.prefer_server_ciphers.unwrap_or(prefer_own_ciphers);
        if self.session_tickets_disabled {
            config.send_tls13_tickets = 0;
        } else if let Some(ticketer) = tickets::ticketer(ticket_key) {
            config.ticketer = ticketer;
        }
        Ok(Arc::new(config))
    }

    /// A client's side of TLS, and the name of the server at `host`.
    ///
    /// # Errors
    /// An option or a file cannot be used.
    pub fn client(&self, host: &str) -> Result<(Arc<ClientConfig>, ServerName<'static>), String> {
        let Checked { pair, versions, provider, .. } = self.check()?;
        let verifier = trust::of_servers(self.insecure_skip_verify, &self.root_cafile, &provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match pair {
            Some(pair) => builder
                .with_client_auth_cert(pair.chain, pair.key)
                .map_err(|error| files::mismatch(&error))?,
            None => builder.with_no_client_auth(),
        };
        if self.session_tickets_disabled {
            config.resumption = Resumption::disabled();
        }
        let name = if self.server_name.is_empty() { host } else { &self.server_name };
        let name = ServerName::try_from(name.to_string())
            .map_err(|_| format!("'{name}' is not the name of a server"))?;
        Ok((Arc::new(config), name))
    }

    /// What an operator should know about these options: where they do not mean what they say.
    pub fn remarks(&self) -> Vec<String> {
        versions::remark(&self.max_version).into_iter().chain(ciphers::remark(&self.ciphers)).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests;
