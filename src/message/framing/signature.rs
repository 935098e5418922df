//! Signed frames.

use std::collections::HashMap;

use bstr::{BStr, BString};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;

use super::{HEADER_FRAMING_SIZE, Header, HeaderProblem, unframe};
use crate::uuid::UUID_SIZE;
use crate::wire::{put_bytes, put_number};

/// Hash function of a signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HashFunction {
    /// HMAC-MD5, 16 bytes (0, and the default when a header names none).
    #[default]
    Md5,
    /// HMAC-SHA1, 20 bytes (1).
    Sha1,
}

impl HashFunction {
    /// The function that a `hmac_hash` option names: `sha1`, and MD5 for any other text.
    pub fn from_name(name: &str) -> HashFunction {
        if name == "sha1" { HashFunction::Sha1 } else { HashFunction::Md5 }
    }
}

/// Who signs, and with what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signer {
    /// Name, written even when empty.
    pub name: BString,
    /// Version of the key.
    pub version: u32,
    /// Hash function.
    pub hash: HashFunction,
    /// The secret.
    pub key: Vec<u8>,
}

impl Signer {
    /// The header of a frame of `message`, whose length is `length`.
    pub(super) fn header(&self, length: u64, message: &[u8]) -> Vec<u8> {
        let mut header = Vec::new();
        put_number(&mut header, 1, length);
        if self.hash == HashFunction::Sha1 {
            put_number(&mut header, 3, 1);
        }
        put_bytes(&mut header, 4, &self.name);
        put_number(&mut header, 5, u64::from(self.version));
        put_bytes(&mut header, 6, &self.digest(message));
        header
    }

    fn digest(&self, message: &[u8]) -> Vec<u8> {
        match self.hash {
            HashFunction::Md5 => digest::<Hmac<Md5>>(&self.key, message),
            HashFunction::Sha1 => digest::<Hmac<Sha1>>(&self.key, message),
        }
    }
}

/// The keys that signatures are checked with.
#[derive(Clone, Debug, Default)]
pub struct Signers {
    keys: HashMap<BString, Vec<u8>>,
}

impl Signers {
    /// Adds a key under `<signer>_<version>`, as the sections of a splitter's `signer` table are named.
    pub fn insert(&mut self, signer_and_version: impl Into<BString>, key: impl Into<Vec<u8>>) {
        self.keys.insert(signer_and_version.into(), key.into());
    }

    fn key(&self, signer: &[u8], version: u32) -> Option<&[u8]> {
        let mut name = BString::from(signer);
        name.extend_from_slice(format!("_{version}").as_bytes());
        self.keys.get(&name).map(Vec::as_slice)
    }
}

/// Who vouches for a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified<'a> {
    /// Nobody; such a message is accepted, but has no signer. A signer's name without a digest proves
    /// nothing and counts as this.
    Unsigned,
    /// This signer (without key version), by a valid signature.
    SignedBy(&'a BStr),
    /// The signature is wrong or cannot be checked: the message must be dropped. A header that does not
    /// decode is worth a log line.
    Rejected(Option<HeaderProblem>),
}

/// Checks the signature of a whole frame. A frame whose header is too short to hold one is unsigned.
pub fn verify<'a>(frame: &'a [u8], signers: &Signers) -> Verified<'a> {
    let Some(parts) = unframe(frame) else { return Verified::Rejected(None) };
    if parts.header.len() + HEADER_FRAMING_SIZE <= UUID_SIZE {
        return Verified::Unsigned;
    }
    let header = match Header::decode(parts.header) {
        Ok(header) => header,
        Err(error) => return Verified::Rejected(Some(error.into())),
    };
    // An empty digest is there, and wrong.
    let Some(hmac) = header.hmac else { return Verified::Unsigned };
    let signer = header.hmac_signer.unwrap_or_default();
    let Some(key) = signers.key(signer, header.hmac_key_version.unwrap_or(0)) else {
        return Verified::Rejected(None);
    };
    let valid = match header.hmac_hash_function.unwrap_or(0) {
        0 => is_valid::<Hmac<Md5>>(key, parts.message, hmac),
        1 => is_valid::<Hmac<Sha1>>(key, parts.message, hmac),
        _ => false,
    };
    if valid { Verified::SignedBy(BStr::new(signer)) } else { Verified::Rejected(None) }
}

/// HMAC takes keys of any length, so that the empty digest here never arises.
fn digest<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
    M::new_from_slice(key)
        .map_or_else(|_| Vec::new(), |mac| mac.chain_update(message).finalize().into_bytes().to_vec())
}

fn is_valid<M: Mac + KeyInit>(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    <M as KeyInit>::new_from_slice(key)
        .is_ok_and(|mac| mac.chain_update(message).verify_slice(signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framing::{RECORD_SEPARATOR, UNIT_SEPARATOR};

    fn frame(header: &[u8], message: &[u8]) -> Vec<u8> {
        let size = u8::try_from(header.len()).unwrap();
        [&[RECORD_SEPARATOR, size], header, &[UNIT_SEPARATOR], message].concat()
    }

    fn signers() -> Signers {
        let mut signers = Signers::default();
        signers.insert("operations_0", "opskey");
        signers.insert("operations_1", "opskey one");
        signers.insert("dev_0", "");
        signers
    }

    #[test]
    fn a_name_without_digest_proves_nothing() {
        let named = b"\x08\x02\x22\x0aoperations\x28\x01";
        assert_eq!(verify(&frame(named, b"hi"), &signers()), Verified::Unsigned);
        let empty = [named, b"\x32\x00".as_slice()].concat();
        assert_eq!(verify(&frame(&empty, b"hi"), &signers()), Verified::Rejected(None));
    }

    #[test]
    fn a_short_header_is_unsigned_whatever_it_says() {
        assert_eq!(verify(&frame(b"\x08\x02", b"hi"), &signers()), Verified::Unsigned);
        assert_eq!(verify(&frame(b"\x08\x02\x22\x03ops\x32\x01x", b"hi"), &signers()), Verified::Unsigned);
    }

    #[test]
    fn a_key_is_found_by_name_and_version() {
        for (name, version, key) in
            [("operations", 0, "opskey"), ("operations", 1, "opskey one"), ("dev", 0, "")]
        {
            let signer = Signer { name: name.into(), version, hash: HashFunction::Sha1, key: key.into() };
            let signed = frame(&signer.header(2, b"hi"), b"hi");
            assert_eq!(verify(&signed, &signers()), Verified::SignedBy(name.into()));
            let other = Signer { version: version + 1, ..signer };
            let signed = frame(&other.header(2, b"hi"), b"hi");
            assert_eq!(verify(&signed, &signers()), Verified::Rejected(None));
        }
    }

    #[test]
    fn an_unknown_hash_function_is_rejected() {
        let mut header = b"\x08\x02\x18\x02\x22\x0aoperations\x32\x10".to_vec();
        header.extend([0; 16]);
        assert_eq!(verify(&frame(&header, b"hi"), &signers()), Verified::Rejected(None));
    }

    #[test]
    fn a_header_that_does_not_decode_is_rejected_with_its_error() {
        let header = b"\x08\x02\x22\x7foperations\x28\x01";
        let Verified::Rejected(Some(problem)) = verify(&frame(header, b"hi"), &signers()) else { panic!() };
        assert_eq!(problem.to_string(), "error unmarshaling header: unexpected EOF");
        assert_eq!(verify(b"\x1e\x09short", &signers()), Verified::Rejected(None));
    }
}
