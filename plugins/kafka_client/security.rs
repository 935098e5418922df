//! TLS and SASL in librdkafka's words.

use heka_plugin::{ConfigError, Context};
use rdkafka::ClientConfig;

use crate::tls::TlsOptions;

/// What is built in. Kerberos would need libraries of the system.
const MECHANISMS: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];

/// OpenSSL's names of the ciphers of TLS 1.2 that are spoken.
const CIPHERS: [(&str, &str); 6] = [
    ("ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
    ("ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    ("ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
    ("ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"),
    ("ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"),
    ("ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"),
];

/// Who logs in, and how. Empty: nobody.
#[derive(Clone, Copy)]
pub(crate) struct Login<'a> {
    pub(crate) mechanism: &'a str,
    pub(crate) username: &'a str,
    pub(crate) password: &'a str,
}

impl Login<'_> {
    fn is_wanted(&self) -> bool {
        !(self.mechanism.is_empty() && self.username.is_empty() && self.password.is_empty())
    }
}

/// Sets the protocol and what it takes.
///
/// # Errors
/// An option or a file cannot be used.
pub(super) fn apply(
    tls: Option<&TlsOptions>,
    login: &Login<'_>,
    context: &Context,
    config: &mut ClientConfig,
) -> Result<(), ConfigError> {
    let protocol = match (tls, login.is_wanted()) {
        (None, false) => "plaintext",
        (None, true) => "sasl_plaintext",
        (Some(_), false) => "ssl",
        (Some(_), true) => "sasl_ssl",
    };
    let needs_openssl = tls.is_some() || login.mechanism.starts_with("SCRAM");
    if needs_openssl && !cfg!(feature = "kafka-tls") {
        return Err(ConfigError::init(
            "this hekad was built without TLS and SCRAM for Kafka (feature `kafka-tls`)",
        ));
    }
    config.set("security.protocol", protocol);
    if let Some(tls) = tls {
        encrypt(tls, context, config)?;
    }
    if login.is_wanted() {
        let mechanism = if login.mechanism.is_empty() { "PLAIN" } else { login.mechanism };
        if !MECHANISMS.contains(&mechanism) {
            return Err(ConfigError::Init(format!(
                "sasl_mechanism '{mechanism}' is not built in; there are {}",
                MECHANISMS.join(", ")
            )));
        }
        if login.username.is_empty() || login.password.is_empty() {
            return Err(ConfigError::init("SASL takes both sasl_username and sasl_password"));
        }
        config
            .set("sasl.mechanism", mechanism)
            .set("sasl.username", login.username)
            .set("sasl.password", login.password);
    }
    Ok(())
}

fn encrypt(tls: &TlsOptions, context: &Context, config: &mut ClientConfig) -> Result<(), ConfigError> {
    // OpenSSL will read the files; their mistakes are found, and worded, as for every other plugin.
    tls.client("localhost").map_err(|why| ConfigError::Init(format!("TLS init error: {why}")))?;
    tls.remarks().iter().for_each(|remark| context.log.info(remark));
    if !tls.server_name.is_empty() {
        context.log.info("server_name is not used: each broker must have a certificate for its own name");
    }
    if tls.root_cafile.is_empty() {
        config.set("ssl.ca.location", "probe");
    } else {
        config.set("ssl.ca.location", &tls.root_cafile);
    }
    if !tls.cert_file.is_empty() && !tls.key_file.is_empty() {
        config.set("ssl.certificate.location", &tls.cert_file).set("ssl.key.location", &tls.key_file);
    }
    if tls.insecure_skip_verify {
        config.set("enable.ssl.certificate.verification", "false");
    }
    let spoken = |name: &String| CIPHERS.iter().find(|(known, _)| known == name).map(|(_, theirs)| *theirs);
    let ciphers: Vec<_> = tls.ciphers.iter().filter_map(spoken).collect();
    if !ciphers.is_empty() {
        config.set("ssl.cipher.suites", ciphers.join(":"));
    }
    Ok(())
}
