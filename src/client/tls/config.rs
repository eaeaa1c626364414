//! From wishes and files to a configuration of rustls.

use std::sync::Arc;

use tokio_rustls::rustls::crypto::{CryptoProvider, KeyProvider, ring};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ClientConfig, Error, InconsistentKeys, ProtocolVersion};

use super::key::private_key;
use super::setup::{Material, TlsOptions};
use super::verify;

/// Makes the configuration of one handshake. Blocks: it may read the system's certificates.
///
/// # Errors
/// What cannot be used, in words that name the option.
pub(super) fn make(options: &TlsOptions, material: &Material) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(CryptoProvider {
        cipher_suites: options.cipher_suites.suites().to_vec(),
        ..ring::default_provider()
    });
    let versions: Vec<_> = [
        (ProtocolVersion::TLSv1_3, &TLS13),
        (ProtocolVersion::TLSv1_2, &TLS12),
    ]
    .into_iter()
    .filter(|(version, _)| options.cipher_suites.has(*version))
    .map(|(_, version)| version)
    .collect();
    let keys = provider.key_provider;
    let verifier = if options.verify {
        verify::trusting(authorities(material)?, &provider)?
    } else {
        verify::trusting_anybody(&provider)
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match identity(material, keys)? {
        Some(identity) => builder.with_client_cert_resolver(Arc::new(identity)),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = options.alpn.clone();
    Ok(Arc::new(config))
}

/// The certificates to trust.
fn authorities(material: &Material) -> Result<Vec<CertificateDer<'static>>, String> {
    let Some(texts) = &material.authorities else {
        let system = rustls_native_certs::load_native_certs().certs;
        return match system.is_empty() {
            true => Err("this system trusts no certificates at all; give -cafile".to_owned()),
            false => Ok(system),
        };
    };
    let certificates: Vec<_> = texts
        .iter()
        .flat_map(|text| CertificateDer::pem_slice_iter(text))
        .filter_map(Result::ok)
        .collect();
    match certificates.is_empty() {
        true => Err("no certificate is in -cafile or -cadir".to_owned()),
        false => Ok(certificates),
    }
}

/// The client's own certificate with its key, if it has one.
fn identity(material: &Material, keys: &dyn KeyProvider) -> Result<Option<SingleCertAndKey>, String> {
    let Some(text) = &material.certificates else {
        return match material.key {
            Some(_) => Err("-keyfile needs -certfile".to_owned()),
            None => Ok(None),
        };
    };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(text)
        .filter_map(Result::ok)
        .collect();
    if chain.is_empty() {
        return Err("no certificate is in -certfile".to_owned());
    }
    let (option, key) = match &material.key {
        Some(key) => ("-keyfile", key),
        None => ("-certfile", text),
    };
    let password = material.password.as_ref().map(|password| password.as_slice());
    let key = private_key(key, password).map_err(|reason| format!("{option}: {reason}"))?;
    let key = keys
        .load_private_key(key)
        .map_err(|_| format!("{option}: the key is of a kind that is not supported"))?;
    let certified = CertifiedKey::new(chain, key);
    // Certificates of the first version cannot be compared, but used; the server decides.
    match certified.keys_match() {
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(format!("{option}: the key is not that of -certfile"))
        }
        _ => Ok(Some(certified.into())),
    }
}
