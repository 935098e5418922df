//! Configuration files of the tools: the daemon's language, but without `%ENV[...]` and with unknown keys let pass.

use std::fs;
use std::path::Path;

use heka_engine::config::dialect;
use heka_message::golang::os_error::path_error;
use heka_message::{HashFunction, Signer};
use heka_plugin::Table;
use serde::Deserialize;

/// Reads a file.
///
/// # Errors
/// What follows `Error decoding config file: ` in Heka's text.
pub(crate) fn read(path: &Path) -> Result<Table, String> {
    let bytes = fs::read(path).map_err(|error| {
        let call = if path.is_dir() { "read" } else { "open" };
        path_error(call, path.display(), &error)
    })?;
    dialect::parse(&String::from_utf8_lossy(&bytes)).map_err(|why| why.to_string())
}

/// The `[signer]` sub-section: who signs what a tool sends.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename = "message.MessageSigningConfig", default)]
#[allow(dead_code, reason = "not every tool signs")]
pub(crate) struct SignerOptions {
    /// Name of the signer; with `_` and the version it names a `signer` table of a HekaFramingSplitter.
    name: String,
    /// `sha1`; anything else is MD5.
    #[serde(rename = "hmac_hash|Hash")]
    hmac_hash: String,
    /// The secret.
    #[serde(rename = "hmac_key|Key")]
    hmac_key: String,
    /// Version of the key.
    version: u32,
}

#[allow(dead_code, reason = "not every tool signs")]
impl SignerOptions {
    /// The signer.
    pub(crate) fn signer(&self) -> Signer {
        Signer {
            name: self.name.as_str().into(),
            version: self.version,
            hash: HashFunction::from_name(&self.hmac_hash),
            key: self.hmac_key.clone().into_bytes(),
        }
    }
}
