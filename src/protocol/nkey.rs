//! NKeys: Ed25519 keys in the form in which NATS writes them.
//!
//! The text is unpadded base32, upper case, of a prefix that tells the kind of key, its 32 bytes,
//! and a CRC-16 of both, low byte first. A public key has one byte of prefix and 56 characters; a
//! seed, from which the pair is made, has two and 58.

use data_encoding::BASE32_NOPAD;
use ed25519_dalek::{Signer, SigningKey};
use zeroize::Zeroizing;

/// Bytes of a signature.
pub const SIGNATURE_LEN: usize = 64;

const SEED_TEXT_LEN: usize = 58;
/// The first five bits of a seed.
const PREFIX_SEED: u8 = 18 << 3;
/// The kind of key that clients log in with.
const PREFIX_USER: u8 = 20 << 3;

/// The key of a user. Wiped from memory when dropped; has no `Debug`, so that no log can show it.
pub struct Seed(SigningKey);

/// Why a text is no seed for a login. Says nothing of the text: it may be a secret all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    #[error("is not an NKey seed: 58 characters, of which the first are SU")]
    Malformed,
    #[error("is a damaged NKey seed: its checksum does not fit")]
    Damaged,
    #[error("is not the seed of a user, whose first characters are SU")]
    NotOfUser,
}

impl Seed {
    /// Reads the text form. Blanks around it are ignored.
    pub fn parse(text: &str) -> Result<Seed, SeedError> {
        let text = text.trim().as_bytes();
        if text.len() != SEED_TEXT_LEN {
            return Err(SeedError::Malformed);
        }
        let raw = BASE32_NOPAD.decode(text).map(Zeroizing::new);
        let raw = raw.map_err(|_| SeedError::Malformed)?;
        let (content, checksum) = raw.split_last_chunk().ok_or(SeedError::Malformed)?;
        if crc16(content) != u16::from_le_bytes(*checksum) {
            return Err(SeedError::Damaged);
        }
        let ([first, second], key) = content.split_first_chunk().ok_or(SeedError::Malformed)?;
        if first & 0xf8 != PREFIX_SEED {
            return Err(SeedError::Malformed);
        }
        if (first & 7) << 5 | second >> 3 != PREFIX_USER {
            return Err(SeedError::NotOfUser);
        }
        let key = key.try_into().map_err(|_| SeedError::Malformed)?;
        Ok(Seed(SigningKey::from_bytes(key)))
    }

    /// The text form of the public key, by which servers know the user.
    pub fn public_key(&self) -> String {
        let mut raw = vec![PREFIX_USER];
        raw.extend_from_slice(self.0.verifying_key().as_bytes());
        raw.extend_from_slice(&crc16(&raw).to_le_bytes());
        BASE32_NOPAD.encode(&raw)
    }

    /// The signature of a server's challenge.
    pub fn sign(&self, nonce: &[u8]) -> [u8; SIGNATURE_LEN] {
        self.0.sign(nonce).to_bytes()
    }
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            let carry = crc & 0x8000 != 0;
            crc << 1 ^ if carry { 0x1021 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> Option<SeedError> {
        Seed::parse(text).err()
    }

    #[test]
    fn the_checksum_is_that_of_xmodem() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
    }

    #[test]
    fn blanks_around_a_seed_do_no_harm() {
        let text = nkeys::KeyPair::new_user().seed().unwrap();
        assert!(error(&format!(" \t{text}\r\n")).is_none());
    }

    #[test]
    fn texts_that_are_no_seeds() {
        let seed = nkeys::KeyPair::new_user().seed().unwrap();
        let public = nkeys::KeyPair::new_user().public_key();
        for text in [
            "",
            "SU",
            "é",
            &seed[1..],
            &public,
            &seed.to_lowercase(),
            &"1".repeat(58),
        ] {
            assert_eq!(error(text), Some(SeedError::Malformed), "{text:?}");
        }
        // Damage in the checksum, which leaves the prefix as it is.
        let last = if seed.ends_with('A') { 'E' } else { 'A' };
        let damaged = format!("{}{last}", &seed[..57]);
        assert_eq!(error(&damaged), Some(SeedError::Damaged));
    }

    #[test]
    fn only_users_log_in() {
        for other in [nkeys::KeyPair::new_account(), nkeys::KeyPair::new_server()] {
            assert_eq!(error(&other.seed().unwrap()), Some(SeedError::NotOfUser));
        }
    }
}
