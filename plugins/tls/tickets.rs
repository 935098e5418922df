//! Session tickets.

use std::fmt;
use std::sync::Arc;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::server::ProducesTickets;

/// How long a ticket is good for. RFC 8446 allows no more than seven days.
const LIFETIME_S: u32 = 12 * 3600;

/// The key that an option gives in hexadecimal.
///
/// # Errors
/// Heka's text.
pub(super) fn key(hex: &str) -> Result<[u8; 32], String> {
    if let Some(letter) = hex.chars().find(|letter| !letter.is_ascii_hexdigit()) {
        return Err(format!("encoding/hex: invalid byte: U+{:04X} {letter:?}", u32::from(letter)));
    }
    if hex.len() % 2 == 1 {
        return Err("encoding/hex: odd length hex string".into());
    }
    let digit =
        |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
    let bytes: Vec<u8> =
        hex.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect();
    let length = bytes.len();
    bytes.try_into().map_err(|_| format!("Invalid SessionTicketKey length: {length}"))
}

/// What makes tickets: with the key given, or with keys of its own that it changes now and then.
pub(super) fn ticketer(key: Option<[u8; 32]>) -> Option<Arc<dyn ProducesTickets>> {
    match key {
        Some(key) => SharedKey::new(&key).map(|made| Arc::new(made) as Arc<dyn ProducesTickets>),
        None => rustls::crypto::ring::Ticketer::new().ok(),
    }
}

/// Tickets under a key that servers share: a random nonce, then the session's state under AES-256-GCM.
struct SharedKey {
    key: LessSafeKey,
    random: SystemRandom,
}

impl SharedKey {
    fn new(key: &[u8; 32]) -> Option<SharedKey> {
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
        Some(SharedKey { key, random: SystemRandom::new() })
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedKey")
    }
}

impl ProducesTickets for SharedKey {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        LIFETIME_S
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).ok()?;
        let mut sealed = plain.to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
            .ok()?;
        Some([&nonce[..], &sealed].concat())
    }

    fn decrypt(&self, ticket: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = ticket.split_first_chunk::<NONCE_LEN>()?;
        let mut opened = sealed.to_vec();
        let plain =
            self.key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut opened).ok()?;
        Some(plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_32_bytes_in_hexadecimal() {
        assert_eq!(key(&"0f".repeat(32)), Ok([15; 32]));
        assert_eq!(key("00ff"), Err("Invalid SessionTicketKey length: 2".into()));
        assert_eq!(key("abc"), Err("encoding/hex: odd length hex string".into()));
        assert_eq!(key("0g"), Err("encoding/hex: invalid byte: U+0067 'g'".into()));
    }

    #[test]
    fn servers_that_share_a_key_read_each_others_tickets() {
        let (one, other, stranger) = (
            ticketer(Some([7; 32])).unwrap(),
            ticketer(Some([7; 32])).unwrap(),
            ticketer(Some([8; 32])).unwrap(),
        );
        let mut ticket = one.encrypt(b"state").unwrap();
        assert_eq!(other.decrypt(&ticket).unwrap(), b"state");
        assert_eq!(stranger.decrypt(&ticket), None);
        *ticket.last_mut().unwrap() ^= 1;
        assert_eq!(other.decrypt(&ticket), None);
        assert_eq!(other.decrypt(b"short"), None);
    }
}
