//! Private keys in all the forms that PEM files hold.

use pkcs8::{EncryptedPrivateKeyInfo, SecretDocument};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

const BEGIN_ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const END_ENCRYPTED: &str = "-----END ENCRYPTED PRIVATE KEY-----";
/// The mark of encryption before PKCS#8, by a digest that nobody should use any more.
const LEGACY: &str = "Proc-Type: 4,ENCRYPTED";

/// The first private key in a PEM text: PKCS#1, SEC1, PKCS#8, or PKCS#8 encrypted with the password.
///
/// # Errors
/// What is wrong, in words without anything of the key.
pub(super) fn private_key(pem: &[u8], password: Option<&[u8]>) -> Result<PrivateKeyDer<'static>, String> {
    let text = String::from_utf8_lossy(pem);
    if text.contains(LEGACY) {
        return Err(
            "the key is encrypted in a way of old; convert it by openssl pkcs8 -topk8 -in OLD -out NEW"
                .to_owned(),
        );
    }
    if let Some(block) = encrypted_block(&text) {
        return decrypt(block, password.ok_or("the key is encrypted; give -password")?);
    }
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| "no private key is in it, or a broken one".to_owned())
}

fn encrypted_block(text: &str) -> Option<&str> {
    let begin = text.find(BEGIN_ENCRYPTED)?;
    let length = text[begin..].find(END_ENCRYPTED)? + END_ENCRYPTED.len();
    Some(&text[begin..begin + length])
}

fn decrypt(block: &str, password: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    let broken = |_| "the encrypted key is broken".to_owned();
    let (_, document) = SecretDocument::from_pem(block).map_err(broken)?;
    let info = EncryptedPrivateKeyInfo::try_from(document.as_bytes())
        .map_err(|_| "the key is encrypted in an unknown way".to_owned())?;
    let key = info
        .decrypt(password)
        .map_err(|_| "the key cannot be decrypted: -password is wrong".to_owned())?;
    Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into())
}
