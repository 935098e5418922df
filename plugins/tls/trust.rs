//! Whose certificates are believed.

mod anyone;
mod listed;

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoClientAuth, WebPkiClientVerifier};

use self::anyone::Anyone;
use self::listed::Listed;
use super::files;

/// What a server asks of its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientAuth {
    /// Nothing.
    None,
    /// A certificate, any or none.
    Request,
    /// A certificate, any.
    RequireAny,
    /// If there is a certificate, it must be good.
    VerifyIfGiven,
    /// A good certificate.
    RequireAndVerify,
}

impl ClientAuth {
    /// The value of `client_auth`.
    ///
    /// # Errors
    /// There is no such value.
    pub(super) fn named(name: &str) -> Result<ClientAuth, String> {
        match name {
            "" | "NoClientCert" => Ok(ClientAuth::None),
            "RequestClientCert" => Ok(ClientAuth::Request),
            "RequireAnyClientCert" => Ok(ClientAuth::RequireAny),
            "VerifyClientCertIfGiven" => Ok(ClientAuth::VerifyIfGiven),
            "RequireAndVerifyClientCert" => Ok(ClientAuth::RequireAndVerify),
            other => Err(format!("Invalid ClientAuth value: {other}")),
        }
    }
}

/// What a server does about its clients' certificates.
///
/// # Errors
/// The file with those who sign them cannot be used.
pub(super) fn of_clients(
    auth: ClientAuth,
    ca_file: &str,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let pool = || files::pool(ca_file);
    let mandatory = match auth {
        ClientAuth::None => {
            // Heka reads the file even if it is not used.
            if !ca_file.is_empty() {
                pool()?;
            }
            return Ok(Arc::new(NoClientAuth));
        }
        ClientAuth::Request => return Ok(Arc::new(Anyone::new(provider, false))),
        ClientAuth::RequireAny => return Ok(Arc::new(Anyone::new(provider, true))),
        ClientAuth::VerifyIfGiven => false,
        ClientAuth::RequireAndVerify => true,
    };
    let pool = pool()?;
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(pool.store), provider.clone());
    let builder = if mandatory { builder } else { builder.allow_unauthenticated() };
    let inner = builder.build().map_err(|error| error.to_string())?;
    Ok(Arc::new(Listed { inner, certificates: pool.certificates }))
}

/// What a client does about a server's certificate.
///
/// # Errors
/// The file with those who sign them cannot be used.
pub(super) fn of_servers(
    skip: bool,
    ca_file: &str,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, String> {
    if skip {
        return Ok(Arc::new(Anyone::new(provider, false)));
    }
    let pool = files::pool(ca_file)?;
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(pool.store), provider.clone())
        .build()
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(Listed { inner, certificates: pool.certificates }))
}
