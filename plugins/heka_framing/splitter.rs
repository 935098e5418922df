//! Finds Heka's framed messages in a stream.

use std::sync::Arc;

use heka_message::{FindFrame, Signers, Verified, find_frame, unframe, verify};
use heka_plugin::config::Pairs;
use heka_plugin::splitter::SplitterPlugin;
use heka_plugin::{
    ConfigError, Context, Found, Log, PluginDef, Splitter, SplitterDefaults, Unframed, registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The row of this plugin.
pub static DEF: PluginDef = registry::splitter::<HekaFramingSplitter>();

/// Splits at Heka's frames and checks their signatures.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "pipeline.HekaFramingSplitterConfig", default, deny_unknown_fields)]
pub struct Config {
    /// Keys of the signers, a sub-table `<name>_<version>` each.
    #[serde(rename = "signer|Signers")]
    pub signer: Pairs<SignerConfig>,
    /// Signatures are not checked, and no message has a signer.
    #[serde(rename = "skip_authentication|SkipAuth")]
    pub skip_authentication: bool,
}

/// The key of a signer.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "pipeline.Signer", default, deny_unknown_fields)]
pub struct SignerConfig {
    /// Key of the HMAC.
    pub hmac_key: String,
}

/// Finds Heka's framed messages in a stream and checks their signatures. Garbage between frames is dropped. A message
/// with a wrong signature, or of a signer that is not known, is dropped; unsigned ones pass.
pub struct HekaFramingSplitter {
    /// `None`: signatures are not checked.
    signers: Option<Signers>,
    max_message_size: usize,
    log: Arc<dyn Log>,
}

impl SplitterPlugin for HekaFramingSplitter {
    type Config = Config;
    const NAME: &'static str = "HekaFramingSplitter";
    const DEFAULTS: SplitterDefaults =
        SplitterDefaults { use_message_bytes: true, ..SplitterDefaults::USUAL };

    fn open(config: Config, context: &Context) -> Result<HekaFramingSplitter, ConfigError> {
        let mut signers = Signers::default();
        for (name, signer) in config.signer {
            signers.insert(name, signer.hmac_key);
        }
        Ok(HekaFramingSplitter {
            signers: (!config.skip_authentication).then_some(signers),
            max_message_size: context.globals.max_message_size,
            log: Arc::clone(&context.log),
        })
    }
}

impl Splitter for HekaFramingSplitter {
    fn find(&mut self, bytes: &[u8]) -> Found {
        let FindFrame { consumed, record, mut problems } = find_frame(bytes, self.max_message_size);
        let last = problems.pop();
        for problem in problems {
            self.log.error(&problem.to_string());
        }
        Found { consumed, record, problem: last.map(|problem| problem.to_string()) }
    }

    fn unframe(&mut self, record: &[u8]) -> Option<Unframed> {
        let message = unframe(record)?.message;
        let signer = match self.signers.as_ref().map(|signers| verify(record, signers)) {
            None | Some(Verified::Unsigned) => bstr::BString::default(),
            Some(Verified::SignedBy(signer)) => signer.into(),
            Some(Verified::Rejected(problem)) => {
                if let Some(problem) = problem {
                    self.log.error(&problem.to_string());
                }
                return None;
            }
        };
        Some(Unframed { message: record.len() - message.len()..record.len(), signer })
    }
}

#[cfg(test)]
mod tests {
    use heka_message::{HashFunction, Signer, write_frame, write_signed_frame};

    use super::*;
    use crate::split_all::{rest_and_records, split_pieces};

    fn splitter(skip_authentication: bool) -> HekaFramingSplitter {
        let key = |name: &str, key: &str| (name.to_string(), SignerConfig { hmac_key: key.into() });
        let signer = Pairs(vec![key("ops_0", "opskey"), key("ops_1", "opskey one"), key("dev_0", "")]);
        let config = Config { signer, skip_authentication };
        HekaFramingSplitter::open(config, &Context::for_test("s")).unwrap()
    }

    fn frame(message: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        write_frame(message, 65536, &mut out).unwrap();
        out
    }

    fn signed(name: &str, version: u32, key: &str, hash: HashFunction) -> Vec<u8> {
        let signer = Signer { name: name.into(), version, hash, key: key.into() };
        let mut out = Vec::new();
        write_signed_frame(b"\x1a\x01T", &signer, 65536, &mut out).unwrap();
        out
    }

    fn signer_of(splitter: &mut HekaFramingSplitter, frame: &[u8]) -> Option<String> {
        splitter.unframe(frame).map(|unframed| {
            assert_eq!(&frame[unframed.message], b"\x1a\x01T");
            unframed.signer.to_string()
        })
    }

    #[test]
    fn frames_are_found_among_garbage_and_in_pieces() {
        let (first, second) = (frame(b"\x1a\x01a"), frame(b"\x1a\x01b"));
        let text = [b"junk\x1e\x05nothing" as &[u8], &first, b"more", &second, b"\x1e\x02"].concat();
        let (rest, records) = rest_and_records(&mut splitter(false), &text);
        assert_eq!(records, [first.clone(), second.clone()]);
        assert_eq!(rest, b"\x1e\x02");
        let pieces: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(split_pieces(&mut splitter(false), &pieces).len(), 2);
    }

    #[test]
    fn a_message_that_is_too_long_is_named_and_passed_over() {
        let long = frame(&[0; 100]);
        let mut splitter = splitter(false);
        splitter.max_message_size = 99;
        let found = splitter.find(&[&long[..], &frame(b"")].concat());
        assert_eq!(found.problem.as_deref(), Some("message exceeds the maximum length [99 bytes] len: 100"));
        assert_eq!(found.record, Some(long.len()..long.len() + 5));
    }

    #[test]
    fn signatures_decide_who_signed_and_what_passes() {
        let mut checking = splitter(false);
        for (frame, signer) in [
            (signed("ops", 0, "opskey", HashFunction::Sha1), Some("ops")),
            (signed("ops", 0, "opskey", HashFunction::Md5), Some("ops")),
            (signed("ops", 1, "opskey one", HashFunction::Sha1), Some("ops")),
            (signed("dev", 0, "", HashFunction::Sha1), Some("dev")),
            (signed("ops", 0, "wrong", HashFunction::Sha1), None),
            (signed("ops", 2, "opskey", HashFunction::Sha1), None),
            (signed("nobody", 0, "opskey", HashFunction::Sha1), None),
            (frame(b"\x1a\x01T"), Some("")),
        ] {
            assert_eq!(signer_of(&mut checking, &frame).as_deref(), signer);
            assert_eq!(signer_of(&mut splitter(true), &frame).as_deref(), Some(""));
        }
    }

    #[test]
    fn a_name_without_a_digest_is_no_signature() {
        // Header: message_length 3, hmac_signer "operations", no hmac.
        let record = b"\x1e\x0e\x08\x03\x22\x0aoperations\x1f\x1a\x01T";
        assert_eq!(signer_of(&mut splitter(false), record).as_deref(), Some(""));
    }
}
