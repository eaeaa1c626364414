//! The engine asks who to be to a server: callbacks and files answer.
//!
//! Nothing of a secret goes into a reason or a background error: those reach `last_error` and logs.
//! So what a callback returned is never quoted, and what it threw is told as a background error
//! only, in its own words.

use data_encoding::BASE64URL_NOPAD;
use zeroize::Zeroizing;

use super::Connection;
use super::files::{File, Outcome, Wanted, read};
use super::info::server_dict;
use crate::client::event::{Answer, LogLevel};
use crate::client::identity::{Identity, Signature};
use crate::client::pool::Server;
use crate::commands::options::invalid;
use crate::protocol::{Armour, Seed};
use crate::tcl::{Interp, Obj, Result, Work};

/// An answer, or the reason why there is none.
type Reasoned<T> = std::result::Result<T, String>;

impl Connection {
    /// Answers from `-auth_callback`; if that knows nothing, from the options that hold keys.
    pub(super) fn ask_identity(&self, server: &Server, answer: Answer<Reasoned<Identity>>) -> Work {
        let this = self.this.clone();
        self.ask_callback(
            "auth_callback",
            server_dict(server),
            answer,
            identity_of,
            move |answer| {
                this.upgrade()
                    .map_or_else(Work::none, |connection| connection.read_identity(answer))
            },
        )
    }

    /// Answers from `-signature_callback`.
    pub(super) fn ask_signature(&self, nonce: &str, answer: Answer<Reasoned<Signature>>) -> Work {
        let signature = |_: &Interp, result: &Obj| signature_of(result).map(Some);
        let nobody = |_| Work::none();
        self.ask_callback("signature_callback", Obj::text(nonce), answer, signature, nobody)
    }

    /// Calls a callback with one more argument and answers with what `parse` finds in its result.
    /// Without a callback, and if it finds nothing, `otherwise` decides.
    fn ask_callback<T: 'static>(
        &self,
        option: &'static str,
        argument: Obj,
        answer: Answer<Reasoned<T>>,
        parse: impl FnOnce(&Interp, &Obj) -> Result<Option<T>> + 'static,
        otherwise: impl FnOnce(Answer<Reasoned<T>>) -> Work + 'static,
    ) -> Work {
        // An event loop that stood still finds questions that nobody asks any more.
        if !answer.is_awaited() {
            return Work::none();
        }
        let interp = self.interp.clone();
        let failed = move |interp, error, answer: Answer<Reasoned<T>>| {
            answer.give(Err(format!("-{option} failed, see the background error")));
            Work::Fail { interp, error }
        };
        let words = match self.callback_words(option, argument) {
            Ok(Some(words)) => words,
            Ok(None) => return otherwise(answer),
            Err(error) => return failed(interp, error, answer),
        };
        let then = {
            let interp = interp.clone();
            move |result: Result<Obj>| match result.and_then(|result| parse(&interp, &result)) {
                Ok(Some(found)) => {
                    answer.give(Ok(found));
                    Work::none()
                }
                Ok(None) => otherwise(answer),
                Err(error) => failed(interp, error, answer),
            }
        };
        Work::Ask {
            interp,
            words,
            then: Box::new(then),
        }
    }

    /// Answers from `-credentials`; what they lack, from `-jwt` and `-nkey_seed`.
    fn read_identity(&self, answer: Answer<Reasoned<Identity>>) -> Work {
        let config = self.config.borrow();
        let wanted = [
            ("credentials", "-credentials"),
            ("jwt", "-jwt"),
            ("nkey_seed", "-nkey_seed"),
        ]
        .into_iter()
        .filter(|(name, _)| config.is_set(name))
        .filter_map(|(name, option)| Some((option, config.get(name)?.clone())))
        .map(|(option, value)| {
            if Armour::is_text(&value.to_text()) {
                Wanted::text(option, value)
            } else {
                Wanted::file_or_text(option, value)
            }
        })
        .collect();
        let this = self.this.clone();
        read(&self.interp, wanted, move |files| {
            let warnings = this
                .upgrade()
                .map(|connection| connection.warn_of_exposed(&files));
            answer.give(files.and_then(assemble));
            warnings.unwrap_or_else(Work::none)
        })
    }

    fn warn_of_exposed(&self, files: &Outcome) -> Work {
        let config = self.config.borrow();
        let exposed = files.iter().flatten().filter(|file| file.exposed);
        let lines = exposed.filter_map(|File { option, .. }| {
            let name = config.get(option.trim_start_matches('-'))?.to_text();
            let line = format!("Others can read the secret in {option} {name}: take away their rights");
            self.log(LogLevel::Warn, &line)
        });
        Work::Many(lines.collect())
    }
}

/// Makes one identity of what the files hold; the first one that has a part counts.
fn assemble(files: Vec<File>) -> Reasoned<Identity> {
    let mut identity = Identity::default();
    for File { option, bytes, .. } in files {
        let found = Armour::read(std::str::from_utf8(&bytes).unwrap_or_default());
        let (wanted, name) = match option {
            "-nkey_seed" => (found.seed.is_some(), "seed"),
            _ => (found.jwt.is_some(), "JWT"),
        };
        if !wanted {
            return Err(format!(
                "there is no {name} in {option}, neither as text nor in a file of that name"
            ));
        }
        if identity.jwt.is_empty() && option != "-nkey_seed" {
            identity.jwt = found.jwt.unwrap_or_default();
        }
        if let (None, Some(seed)) = (&identity.seed, &found.seed) {
            let seed = Seed::parse(seed).map_err(|error| format!("the seed in {option} {error}"))?;
            identity.seed = Some(seed);
        }
    }
    Ok(identity)
}

/// The fields that the result of `-auth_callback` may have.
fn identity_of(interp: &Interp, result: &Obj) -> Result<Option<Identity>> {
    let malformed = || {
        invalid(
            "Invalid result of -auth_callback : should be a dict of user, password, token, jwt, nkey_seed",
        )
    };
    let mut identity = Identity::default();
    for (key, value) in result.pairs(interp).map_err(|_| malformed())? {
        let value = Zeroizing::new(value.to_text().into_owned());
        match &*key.to_text() {
            _ if value.is_empty() => {}
            "user" => identity.user.clone_from(&value),
            "password" => identity.password.clone_from(&value),
            "token" => identity.token.clone_from(&value),
            "jwt" => identity.jwt.clone_from(&value),
            "nkey_seed" => {
                let wrong = |error| invalid(format!("nkey_seed in the result of -auth_callback {error}"));
                identity.seed = Some(Seed::parse(&value).map_err(wrong)?);
            }
            _ => return Err(malformed()),
        }
    }
    Ok(Some(identity).filter(|identity| !identity.is_empty()))
}

/// 64 bytes, or base64 of them in either alphabet.
fn signature_of(result: &Obj) -> Result<Signature> {
    let bytes = result.to_bytes().unwrap_or_default();
    if let Ok(signature) = bytes.as_ref().try_into() {
        return Ok(signature);
    }
    let text = result.to_text().trim().trim_end_matches('=').to_owned();
    let text = text.replace('+', "-").replace('/', "_");
    let decoded = BASE64URL_NOPAD.decode(text.as_bytes()).unwrap_or_default();
    let malformed =
        |_| invalid("Invalid result of -signature_callback : should be 64 bytes, or base64 of them");
    decoded.try_into().map_err(malformed)
}
