//! `-tls_opts`: a dict with the option names of TclTLS, and the files that it names.

use zeroize::Zeroizing;

use super::Connection;
use super::files::{self, File, Wanted};
use crate::client::event::{Answer, LogLevel};
use crate::client::tls::{CipherSuites, Material, Protocols, TlsOptions};
use crate::commands::options::{Kind, Spec, invalid, is_true, spec};
use crate::tcl::{Interp, Obj, Result, Work};

/// Options that lead to files.
const FILES: [&str; 4] = ["cafile", "cadir", "certfile", "keyfile"];
/// Options of TclTLS that mean nothing here; `connect` says so in one line.
const WITHOUT_MEANING: [&str; 10] = [
    "ssl2",
    "ssl3",
    "tls1",
    "tls1.1",
    "dhparams",
    "model",
    "securitylevel",
    "request",
    "command",
    "validatecommand",
];

const REQUIRE: Spec = spec("tls_opts -require", Kind::Bool);
const TLS12: Spec = spec("tls_opts -tls1.2", Kind::Bool);
const TLS13: Spec = spec("tls_opts -tls1.3", Kind::Bool);

/// The options by their names without the dash. A word without one stands for nothing: where a pair
/// is not complete, it may be a value, and a secret.
struct Given(Vec<(String, Obj)>);

/// Reads the dict.
///
/// # Errors
/// A value that its option does not take. Options that do not exist are no errors yet: with one,
/// attempts fail.
pub fn parse(interp: &Interp, dict: &Obj) -> Result<TlsOptions> {
    let given = Given::new(interp, dict)?;
    let protocols = Protocols {
        tls12: given.bool("tls1.2", TLS12)?,
        tls13: given.bool("tls1.3", TLS13)?,
    };
    let (cipher, suites) = (given.text("cipher"), given.text("ciphersuites"));
    let cipher_suites = CipherSuites::select(protocols, cipher.as_deref(), suites.as_deref())
        .map_err(|reason| invalid(format!("Invalid -tls_opts: {reason}")))?;
    Ok(TlsOptions {
        verify: given.bool("require", REQUIRE)?,
        server_name: given.text("servername"),
        alpn: given.alpn(interp)?,
        cipher_suites,
        ask_material: FILES.iter().any(|name| given.get(name).is_some()),
        unknown: given.unknown(),
    })
}

impl Given {
    fn new(interp: &Interp, dict: &Obj) -> Result<Given> {
        let named = |(name, value): (Obj, Obj)| {
            let bare = name.to_text().strip_prefix('-').unwrap_or_default().to_owned();
            (bare, value)
        };
        Ok(Given(dict.pairs(interp)?.into_iter().map(named).collect()))
    }

    /// The value of an option, unless it is empty.
    fn get(&self, name: &str) -> Option<&Obj> {
        let (_, value) = self.0.iter().rfind(|(given, _)| given == name)?;
        Some(value).filter(|value| !value.modified_utf8().is_empty())
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| value.to_text().into_owned())
    }

    /// A boolean, true unless given otherwise.
    fn bool(&self, name: &str, spec: Spec) -> Result<bool> {
        self.get(name)
            .map_or(Ok(true), |value| Ok(is_true(&spec.check(value)?)))
    }

    fn alpn(&self, interp: &Interp) -> Result<Vec<Vec<u8>>> {
        let fault = || invalid("Invalid -tls_opts: -alpn is no list of names of 1 to 255 bytes");
        let Some(value) = self.get("alpn") else {
            return Ok(Vec::new());
        };
        let names = value.elements(interp).map_err(|_| fault())?;
        let names = names.iter().map(|name| name.to_text().into_owned().into_bytes());
        let names: Vec<_> = names.collect();
        match names.iter().all(|name| (1..256).contains(&name.len())) {
            true => Ok(names),
            false => Err(fault()),
        }
    }

    fn unknown(&self) -> Vec<String> {
        let known = [
            "require",
            "servername",
            "alpn",
            "cipher",
            "ciphersuites",
            "tls1.2",
            "tls1.3",
            "password",
        ];
        let is_known =
            |name: &str| known.contains(&name) || FILES.contains(&name) || WITHOUT_MEANING.contains(&name);
        let unknown = self.0.iter().filter(|(name, _)| !is_known(name));
        let shown = |name: &str| match name {
            "" => "a word without dash".to_owned(),
            name => format!("-{name}"),
        };
        unknown.map(|(name, _)| shown(name)).collect()
    }

    /// What is to be read, in the order in which it is used.
    fn wanted(&self) -> Vec<Wanted> {
        let options = [
            ("-cafile", "cafile"),
            ("-cadir", "cadir"),
            ("-certfile", "certfile"),
            ("-keyfile", "keyfile"),
        ];
        let wanted = |(option, name)| {
            let value = self.get(name)?.clone();
            Some(match name {
                "cadir" => Wanted::folder(option, value),
                _ => Wanted::file_or_text(option, value),
            })
        };
        options.into_iter().filter_map(wanted).collect()
    }
}

impl Connection {
    /// Lines about options that do not do what a script may expect of them.
    pub(super) fn tell_of_tls_options(&self) -> Work {
        let Ok(given) = self.given() else {
            return Work::none();
        };
        let mut lines = Vec::new();
        let ignored = given
            .0
            .iter()
            .filter(|(name, _)| WITHOUT_MEANING.contains(&name.as_str()));
        let ignored: Vec<_> = ignored.map(|(name, _)| format!("-{name}")).collect();
        if !ignored.is_empty() {
            lines.push(format!("Ignored in -tls_opts: {}", ignored.join(" ")));
        }
        if given.bool("require", REQUIRE).is_ok_and(|require| !require) {
            lines.push("Certificates of servers are not checked (-require 0 in -tls_opts)".to_owned());
        }
        let lines = lines.iter().filter_map(|line| self.log(LogLevel::Warn, line));
        Work::Many(lines.collect())
    }

    /// Reads the files for an attempt and answers with what they hold.
    pub(super) fn ask_tls(&self, answer: Answer<std::result::Result<Material, String>>) -> Work {
        let Ok(given) = self.given() else {
            return Work::none();
        };
        let this = self.this.clone();
        files::read(&self.interp, given.wanted(), move |outcome| match outcome {
            Err(reason) => {
                answer.give(Err(reason));
                Work::none()
            }
            Ok(files) => match this.upgrade() {
                Some(connection) => connection.give_tls(&given, files, answer),
                None => Work::none(),
            },
        })
    }

    fn give_tls(
        &self,
        given: &Given,
        files: Vec<File>,
        answer: Answer<std::result::Result<Material, String>>,
    ) -> Work {
        let warning = exposed_key(&files).and_then(|option| {
            let name = given.text(option.trim_start_matches('-')).unwrap_or_default();
            let line = format!("Others can read the private key in {option} {name}: take away their rights");
            self.log(LogLevel::Warn, &line)
        });
        let own_authorities = given.get("cafile").or(given.get("cadir")).is_some();
        let mut material = sort(files, own_authorities);
        if let Some(password) = given.get("password").filter(|_| is_encrypted(&material)) {
            let interp = self.interp.clone();
            let ask = Work::Ask {
                interp: interp.clone(),
                words: vec![Obj::text("::nats::files::password"), password.clone()],
                then: Box::new(move |result: Result<Obj>| match result {
                    Ok(password) => {
                        let password = password.to_text().into_owned().into_bytes();
                        material.password = Some(Zeroizing::new(password));
                        answer.give(Ok(material));
                        Work::none()
                    }
                    Err(error) => {
                        answer.give(Err("the script of -password failed".to_owned()));
                        Work::Fail { interp, error }
                    }
                }),
            };
            return Work::Many(warning.into_iter().chain([ask]).collect());
        }
        answer.give(Ok(material));
        Work::Many(warning.into_iter().collect())
    }

    fn given(&self) -> Result<Given> {
        let dict = self.config.borrow().get("tls_opts").cloned();
        Given::new(&self.interp, &dict.unwrap_or_else(Obj::empty))
    }
}

/// The option whose file holds a private key that others than its owner may read.
fn exposed_key(files: &[File]) -> Option<&'static str> {
    let mut exposed = files
        .iter()
        .filter(|file| file.exposed && holds(&file.bytes, b"PRIVATE KEY-----"));
    exposed.next().map(|file| file.option)
}

fn is_encrypted(material: &Material) -> bool {
    let key = material.key.as_ref().or(material.certificates.as_ref());
    key.is_some_and(|key| holds(key, b"ENCRYPTED"))
}

fn holds(bytes: &[u8], mark: &[u8]) -> bool {
    memchr::memmem::find(bytes, mark).is_some()
}

/// Each file where it belongs. An empty folder of authorities is not the same as none: with it,
/// nobody is trusted.
fn sort(files: Vec<File>, own_authorities: bool) -> Material {
    let mut material = Material {
        authorities: own_authorities.then(Vec::new),
        ..Material::default()
    };
    for File { option, bytes, .. } in files {
        match option {
            "-certfile" => material.certificates = Some(bytes),
            "-keyfile" => material.key = Some(bytes),
            _ => material.authorities.get_or_insert_default().push(bytes),
        }
    }
    material
}
