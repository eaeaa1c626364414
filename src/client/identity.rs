//! Who we are to a server, and how we prove it.
//!
//! The login of an attempt is the first that there is: of the server's URL, of the owner (who is
//! asked before each dial, so that what changes in its sources counts at once), of the options.
//! Sources are not mixed. Without the owner's answer there is no attempt.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use data_encoding::BASE64URL_NOPAD;

use super::error::ConnectionError;
use super::event::{ANSWER_TIME, Event};
use super::gate::Gate;
use super::life::Life;
use super::pool::Server;
use super::settings::Options;
use super::tls::Setup;
use super::url::Login;
use crate::protocol::{Credentials, SIGNATURE_LEN, Seed, ServerInfo};

/// What a source of logins knows; what is empty is not known. Has no `Debug`: it is all secret.
#[derive(Default)]
pub struct Identity {
    pub user: String,
    pub password: String,
    pub token: String,
    pub jwt: String,
    /// The key of the JWT's user; without a JWT, of a user that the server knows by its key.
    pub seed: Option<Seed>,
}

/// The owner's signature of a nonce.
pub type Signature = [u8; SIGNATURE_LEN];

/// The identity of one attempt on its way to the server.
pub(crate) struct Claim {
    identity: Identity,
    /// Whether it may be empty though the server wants a login: it may know us by our certificate,
    /// or the owner knows better. Then the server decides.
    may_be_empty: bool,
    signing: AtomicBool,
}

/// What is to be sent of a claim, with its answer to the server's challenge.
pub(crate) struct Proof<'a> {
    identity: Option<&'a Identity>,
    nkey: String,
    sig: String,
}

impl Identity {
    pub fn is_empty(&self) -> bool {
        let texts = [&self.user, &self.password, &self.token, &self.jwt];
        texts.iter().all(|text| text.is_empty()) && self.seed.is_none()
    }

    fn has_key(&self) -> bool {
        !self.jwt.is_empty() || self.seed.is_some()
    }

    fn of_url(login: &Login) -> Identity {
        let mut identity = Identity::default();
        match login {
            Login::None => {}
            Login::UserPassword { user, password } => {
                identity.user.clone_from(user);
                identity.password.clone_from(password);
            }
            Login::Token(token) => identity.token.clone_from(token),
        }
        identity
    }

    /// The user only with a password, and the token only without both.
    fn of_options(options: &Options) -> Identity {
        let mut identity = Identity::default();
        if !options.user.is_empty() && !options.password.is_empty() {
            identity.user.clone_from(&options.user);
            identity.password.clone_from(&options.password);
        } else {
            identity.token.clone_from(&options.token);
        }
        identity
    }
}

impl Life {
    /// Finds the login for an attempt on the server.
    pub(crate) async fn claim(
        &self,
        server: &Server,
        options: &Options,
        tls: &Setup,
    ) -> Result<Claim, ConnectionError> {
        let mut identity = Identity::of_url(&server.url.login);
        if identity.is_empty() && options.ask_identity {
            let question = |answer| Event::AskIdentity {
                server: Box::new(server.clone()),
                answer,
            };
            let failed = |reason: &str| ConnectionError::login(&server.url.address(), reason);
            identity = match self.gate.answer_to(question).await {
                Some(Ok(identity)) => identity,
                Some(Err(reason)) => return Err(failed(&reason)),
                None => {
                    let seconds = ANSWER_TIME.as_secs();
                    let reason = format!("-auth_callback, or the event loop, took longer than {seconds} s");
                    return Err(failed(&reason));
                }
            };
        }
        if identity.is_empty() {
            identity = Identity::of_options(options);
        }
        Ok(Claim {
            identity,
            may_be_empty: options.ask_identity || tls.has_certificate(),
            signing: AtomicBool::new(false),
        })
    }
}

impl Claim {
    /// Makes what CONNECT says of the login to a server that has sent the INFO.
    ///
    /// Keys are also shown to a server that does not insist on a login, but has a challenge for
    /// those who want to be more than its default user.
    pub(crate) async fn prove(
        &self,
        gate: &Gate,
        info: &ServerInfo,
        address: &str,
        options: &Options,
    ) -> Result<Proof<'_>, ConnectionError> {
        let identity = &self.identity;
        let nothing = Proof {
            identity: None,
            nkey: String::new(),
            sig: String::new(),
        };
        let key_is_asked = identity.has_key() && info.nonce().is_some();
        if !info.auth_required() && !key_is_asked {
            return Ok(nothing);
        }
        if identity.is_empty() && !self.may_be_empty {
            return Err(ConnectionError::no_credentials(address));
        }
        let known = Proof {
            identity: Some(identity),
            ..nothing
        };
        let signs = identity.seed.is_some() || (!identity.jwt.is_empty() && options.ask_signature);
        if !signs {
            return Ok(known);
        }
        let Some(nonce) = info.nonce() else {
            let reason = "it offers no nonce to sign, so it takes no keys";
            return Err(ConnectionError::login(address, reason));
        };
        let (signature, nkey) = match &identity.seed {
            Some(seed) if identity.jwt.is_empty() => (seed.sign(nonce.as_bytes()), seed.public_key()),
            Some(seed) => (seed.sign(nonce.as_bytes()), String::new()),
            None => (self.ask_signature(gate, nonce, address).await?, String::new()),
        };
        Ok(Proof {
            nkey,
            sig: BASE64URL_NOPAD.encode(&signature),
            ..known
        })
    }

    /// What it means that the time of the attempt is up.
    pub(crate) fn timed_out(&self, address: &str) -> ConnectionError {
        if self.signing.load(Relaxed) {
            no_signature(address)
        } else {
            ConnectionError::timeout(address)
        }
    }

    async fn ask_signature(
        &self,
        gate: &Gate,
        nonce: &str,
        address: &str,
    ) -> Result<Signature, ConnectionError> {
        let question = |answer| Event::AskSignature {
            nonce: nonce.to_owned(),
            answer,
        };
        self.signing.store(true, Relaxed);
        let answer = gate.answer_to(question).await;
        self.signing.store(false, Relaxed);
        answer
            .ok_or_else(|| no_signature(address))?
            .map_err(|reason| ConnectionError::login(address, &reason))
    }
}

impl Proof<'_> {
    pub(crate) fn credentials(&self) -> Credentials<'_> {
        let Some(identity) = self.identity else {
            return Credentials::default();
        };
        Credentials {
            user: &identity.user,
            password: &identity.password,
            token: &identity.token,
            jwt: &identity.jwt,
            nkey: &self.nkey,
            sig: &self.sig,
        }
    }
}

fn no_signature(address: &str) -> ConnectionError {
    ConnectionError::login(address, "-signature_callback, or the event loop, took too long")
}
