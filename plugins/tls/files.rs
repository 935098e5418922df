//! Certificates and keys in PEM files.

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::addressing::reason;

/// A certificate chain and the key of its first certificate.
pub(super) struct KeyPair {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| {
        let call = if error.kind() == std::io::ErrorKind::IsADirectory { "read" } else { "open" };
        format!("{call} {path}: {}", reason(&error))
    })
}

fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).filter_map(Result::ok).collect()
}

/// Loads a certificate and its key. Paths are relative to the working directory.
///
/// # Errors
/// Go's text.
pub(super) fn key_pair(cert_file: &str, key_file: &str) -> Result<KeyPair, String> {
    let cert_pem = read(cert_file)?;
    let key_pem = read(key_file)?;
    let chain = certificates(&cert_pem);
    if chain.is_empty() {
        return Err(missing(
            "certificate",
            "a private key",
            PrivateKeyDer::from_pem_slice(&cert_pem).is_ok(),
        ));
    }
    let Ok(key) = PrivateKeyDer::from_pem_slice(&key_pem) else {
        return Err(missing("key", "a certificate", !certificates(&key_pem).is_empty()));
    };
    Ok(KeyPair { chain, key })
}

fn missing(what: &str, other: &str, has_other: bool) -> String {
    if has_other {
        let wanted = if what == "key" { "private key" } else { what };
        format!(
            "tls: failed to find {wanted} PEM data in {what} input, but did find {other}; PEM inputs may have been switched"
        )
    } else {
        format!("tls: failed to find any PEM data in {what} input")
    }
}

/// Why a certificate and a key do not work together.
pub(super) fn mismatch(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InconsistentKeys(_) => "tls: private key does not match public key".into(),
        other => format!("tls: failed to parse private key: {other}"),
    }
}

/// Whom to trust: the certificates themselves, and the store made of them.
pub(super) struct Pool {
    pub(super) store: RootCertStore,
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

/// The certificates of a file; of the system if no file is named.
///
/// # Errors
/// Heka's text.
pub(super) fn pool(path: &str) -> Result<Pool, String> {
    let certificates = if path.is_empty() {
        rustls_native_certs::load_native_certs().certs
    } else {
        certificates(&read(path)?)
    };
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(certificates.iter().cloned());
    if store.is_empty() {
        let place = if path.is_empty() { "the system's certificate store" } else { path };
        return Err(format!("No PEM encoded certificates found in: {place}"));
    }
    Ok(Pool { store, certificates: if path.is_empty() { vec![] } else { certificates } })
}
