//! What one attempt knows about TLS.

use std::fmt;
use std::sync::Arc;

use tokio::sync::OnceCell;
use tokio_rustls::rustls::ClientConfig;
use zeroize::Zeroizing;

use super::ciphers::CipherSuites;
use super::config;
use crate::client::event::{ANSWER_TIME, Event};
use crate::client::life::Life;
use crate::client::lock::lock;
use crate::client::settings::Options;

/// What the owner wants of TLS, apart from whether it wants TLS at all.
#[derive(Debug, Clone)]
pub struct TlsOptions {
    /// Whether the server's certificate must be trusted and carry its name.
    pub verify: bool,
    /// The name to expect instead of the one that was dialled.
    pub server_name: Option<String>,
    /// Protocol names to offer (ALPN), the favourite first.
    pub alpn: Vec<Vec<u8>>,
    pub cipher_suites: CipherSuites,
    /// Whether the owner is asked for [`Material`] before each attempt (`Event::AskTls`).
    pub ask_material: bool,
    /// Options that nobody knows: with one, no handshake begins.
    pub unknown: Vec<String>,
}

impl Default for TlsOptions {
    fn default() -> Self {
        TlsOptions {
            verify: true,
            server_name: None,
            alpn: Vec::new(),
            cipher_suites: CipherSuites::default(),
            ask_material: false,
            unknown: Vec::new(),
        }
    }
}

/// Certificates and keys as the owner's files hold them.
#[derive(Default)]
pub struct Material {
    /// PEM texts with certificates to trust; `None` for those that the system trusts.
    pub authorities: Option<Vec<Zeroizing<Vec<u8>>>>,
    /// PEM text with the client's own certificate and what leads from it to an authority.
    pub certificates: Option<Zeroizing<Vec<u8>>>,
    /// PEM text with the key of that certificate.
    pub key: Option<Zeroizing<Vec<u8>>>,
    /// What the key is encrypted with.
    pub password: Option<Zeroizing<Vec<u8>>>,
}

/// Shows nothing: there is a key in it.
impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Material")
    }
}

/// Everything about TLS for one attempt.
pub(crate) struct Setup {
    pub(crate) options: TlsOptions,
    /// Nothing but INFO may pass in clear text.
    pub(crate) wanted: bool,
    /// What the files hold now, or why they cannot be read. That is an error only if there will
    /// be a handshake.
    material: Result<Arc<Material>, String>,
    config: OnceCell<Result<Arc<ClientConfig>, String>>,
}

impl Setup {
    /// The configuration of rustls, made once. That takes its time: certificates are read, keys
    /// decrypted, and the runtime's one thread has something better to do.
    pub(super) async fn config(&self) -> Result<Arc<ClientConfig>, String> {
        let make = async || {
            let options = self.options.clone();
            let material = self.material.clone()?;
            let made = tokio::task::spawn_blocking(move || config::make(&options, &material)).await;
            made.unwrap_or_else(|_| Err("the configuration could not be made".to_owned()))
        };
        self.config.get_or_init(make).await.clone()
    }

    /// Whether a server may know us by a certificate.
    pub(crate) fn has_certificate(&self) -> bool {
        let material = self.material.as_ref();
        material.is_ok_and(|material| material.certificates.is_some())
    }
}

impl Life {
    /// Gathers what an attempt needs to know; asks the owner if there are files to read.
    pub(crate) async fn tls_setup(&self, options: &Options) -> Setup {
        let asked = options.secure || options.tls_first;
        let setup = Setup {
            wanted: asked || lock(&self.settings.pool).wants_tls(),
            material: self.tls_material(&options.tls).await.map(Arc::new),
            config: OnceCell::new(),
            options: options.tls.clone(),
        };
        // A server that has said INFO does not wait for long.
        if setup.wanted || options.tls.ask_material {
            let _ = setup.config().await;
        }
        setup
    }

    async fn tls_material(&self, options: &TlsOptions) -> Result<Material, String> {
        if !options.unknown.is_empty() {
            return Err(format!("unknown in -tls_opts: {}", options.unknown.join(", ")));
        }
        if !options.ask_material {
            return Ok(Material::default());
        }
        let answer = self.gate.answer_to(|answer| Event::AskTls { answer }).await;
        answer.unwrap_or_else(|| {
            let seconds = ANSWER_TIME.as_secs();
            Err(format!(
                "the event loop did not run for {seconds} s, so the files of -tls_opts were not read"
            ))
        })
    }
}
