//! Ciphers by Heka's names: IANA's without `TLS_` in front.

use rustls::SupportedCipherSuite;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{self, cipher_suite as suite};

/// The ciphers of TLS 1.2 that are spoken. Heka knew the first two.
const SPOKEN: [(&str, SupportedCipherSuite); 6] = [
    ("ECDHE_RSA_WITH_AES_128_GCM_SHA256", suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("ECDHE_RSA_WITH_AES_256_GCM_SHA384", suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256),
    ("ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
];

/// Those that Heka knew and nobody should speak any more.
const RETIRED: [&str; 11] = [
    "RSA_WITH_RC4_128_SHA",
    "RSA_WITH_3DES_EDE_CBC_SHA",
    "RSA_WITH_AES_128_CBC_SHA",
    "RSA_WITH_AES_256_CBC_SHA",
    "ECDHE_ECDSA_WITH_RC4_128_SHA",
    "ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "ECDHE_RSA_WITH_RC4_128_SHA",
    "ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "ECDHE_RSA_WITH_AES_256_CBC_SHA",
];

fn spoken(name: &str) -> Option<SupportedCipherSuite> {
    SPOKEN.iter().find(|(known, _)| *known == name).map(|(_, suite)| *suite)
}

/// What does the cryptography, with the ciphers of TLS 1.2 that `names` lists and that are spoken; if there are none, with
/// all.
///
/// # Errors
/// A name is unknown.
pub(super) fn provider(names: &[String]) -> Result<CryptoProvider, String> {
    let mut provider = ring::default_provider();
    if let Some(name) = names.iter().find(|name| spoken(name).is_none() && !RETIRED.contains(&name.as_str()))
    {
        return Err(format!("Invalid cipher string: {name}"));
    }
    let chosen: Vec<_> = names.iter().filter_map(|name| spoken(name)).collect();
    if !chosen.is_empty() {
        provider.cipher_suites.retain(|suite| suite.tls13().is_some());
        provider.cipher_suites.extend(chosen);
    }
    Ok(provider)
}

/// What to say about a list.
pub(super) fn remark(names: &[String]) -> Option<String> {
    let retired: Vec<_> =
        names.iter().filter(|name| RETIRED.contains(&name.as_str())).map(String::as_str).collect();
    if retired.is_empty() {
        return None;
    }
    let instead = if retired.len() == names.len() { "; the default ciphers are used" } else { "" };
    Some(format!("unsafe ciphers are not spoken: {}{instead}", retired.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_list_chooses_and_orders_ciphers_of_tls_1_2() {
        let names = list(&["ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "RSA_WITH_RC4_128_SHA"]);
        let chosen = provider(&names).unwrap();
        let old: Vec<_> = chosen.cipher_suites.iter().filter(|suite| suite.tls13().is_none()).collect();
        assert_eq!(old.len(), 1);
        assert_eq!(old[0].suite(), suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256.suite());
        assert!(chosen.cipher_suites.iter().any(|suite| suite.tls13().is_some()));
        assert_eq!(remark(&names).unwrap(), "unsafe ciphers are not spoken: RSA_WITH_RC4_128_SHA");
    }

    #[test]
    fn a_list_of_retired_ciphers_is_no_list() {
        let names = list(&["RSA_WITH_AES_128_CBC_SHA"]);
        assert_eq!(
            provider(&names).unwrap().cipher_suites.len(),
            ring::default_provider().cipher_suites.len()
        );
        assert!(remark(&names).unwrap().ends_with("; the default ciphers are used"));
        assert_eq!(remark(&[]), None);
    }

    #[test]
    fn an_unknown_cipher_is_refused() {
        assert_eq!(provider(&list(&["NOPE"])).unwrap_err(), "Invalid cipher string: NOPE");
    }
}
