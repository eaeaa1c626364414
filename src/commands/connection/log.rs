//! Log lines of a connection, to a channel or to a logger service.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::client::event::LogLevel;
use crate::commands::options::{Kind, Spec, gives, invalid, parse, spec};
use crate::tcl::{Interp, Obj, Result, Work};

pub const OPTIONS: &[Spec] = &[
    spec("logger", Kind::ValidStr),
    spec("log_chan", Kind::ValidStr),
    spec("log_level", Kind::ValidStr),
];

/// The same beside a logger, which makes the other two of no account.
const WITH_LOGGER: &[Spec] = &[
    spec("logger", Kind::ValidStr),
    spec("log_chan", Kind::Str),
    spec("log_level", Kind::Str),
];

/// Where lines go and which ones.
pub struct Log {
    target: Target,
    /// The least severe level that is written.
    level: LogLevel,
}

enum Target {
    Channel {
        channel: Obj,
        name: Obj,
    },
    /// A service command of a logger package, which filters and formats by itself.
    Service(String),
}

impl Log {
    /// Reads the constructor's options. With `-logger` the other two are not even looked at.
    pub fn new(words: &[Obj], name: &str) -> Result<Log> {
        let specs = if gives(words, "logger") {
            WITH_LOGGER
        } else {
            OPTIONS
        };
        let values = parse(words, specs)?;
        if let Some(service) = values.text("logger") {
            return Ok(Log {
                target: Target::Service(service),
                level: LogLevel::Debug,
            });
        }
        let level = match values.text("log_level").as_deref() {
            None | Some("warn") => LogLevel::Warn,
            Some("error") => LogLevel::Error,
            Some("info") => LogLevel::Info,
            Some("debug") => LogLevel::Debug,
            Some(other) => return Err(invalid(format!("Invalid -log_level {other}"))),
        };
        let channel = values
            .get("log_chan")
            .cloned()
            .unwrap_or_else(|| Obj::text("stdout"));
        Ok(Log {
            target: Target::Channel {
                channel,
                name: Obj::text(name),
            },
            level,
        })
    }

    /// Makes `log::error`, `log::warn`, `log::info` and `log::debug` in an object's namespace.
    ///
    /// # Errors
    /// The service command is none.
    pub fn define_commands(&self, interp: &Interp, namespace: &str) -> Result {
        let namespace = Obj::text(namespace);
        let words = match &self.target {
            Target::Channel { channel, name } => vec![
                Obj::text("::nats::log::to_channel"),
                namespace,
                channel.clone(),
                name.clone(),
                Obj::text(word(self.level)),
            ],
            Target::Service(service) => {
                vec![
                    Obj::text("::nats::log::to_service"),
                    namespace,
                    Obj::text(service),
                ]
            }
        };
        interp.call_own(&words)
    }

    pub fn level(&self) -> LogLevel {
        self.level
    }

    /// The work of writing a line, if its level is wanted.
    pub fn line(&self, interp: &Interp, level: LogLevel, time: SystemTime, text: &str) -> Option<Work> {
        if level > self.level {
            return None;
        }
        let word = word(level);
        let text = &printable(text);
        let words = match &self.target {
            Target::Service(service) => vec![Obj::text(&format!("{service}::{word}")), Obj::text(text)],
            Target::Channel { channel, name } => {
                let msec = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
                vec![
                    Obj::text("::nats::log::line"),
                    channel.clone(),
                    name.clone(),
                    Obj::text(word),
                    Obj::int(u64::try_from(msec).unwrap_or(u64::MAX)),
                    Obj::text(text),
                ]
            }
        };
        Some(Work::Call {
            interp: interp.clone(),
            words,
        })
    }
}

/// The text on one line and without what would steer a terminal: it may hold words of a server, or
/// of somebody who writes through it.
fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    let escaped = text.chars().flat_map(|c| {
        let (plain, escape) = match c.is_control() {
            true => (None, Some(c.escape_default())),
            false => (Some(c), None),
        };
        plain.into_iter().chain(escape.into_iter().flatten())
    });
    escaped.collect::<String>().into()
}

fn word(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
    }
}
