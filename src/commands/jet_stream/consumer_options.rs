//! The options of `subscribe_consumer`.

use super::{consumer_name, stream_name};
use crate::commands::options::{Kind, Spec, invalid, invalid_value, parse, spec};
use crate::jetstream::consume::Settings;
use crate::jetstream::pull::PullBody;
use crate::jetstream::window::Amount;
use crate::tcl::{Error, Obj, Result};

/// The options, in the order in which they are checked.
pub const OPTIONS: &[Spec] = &[
    spec("callback", Kind::ValidStr),
    spec("max_messages", Kind::PosInt),
    spec("max_bytes", Kind::PosInt),
    spec("expires", Kind::Timeout),
    spec("idle_heartbeat", Kind::Timeout),
    spec("group", Kind::ValidStr),
    spec("min_pending", Kind::PosInt),
    spec("min_ack_pending", Kind::PosInt),
];

/// Messages that are there or asked for, at most.
const MAX_MESSAGES: u64 = 500;
/// What a request asks for where bytes are what counts; more if so many can be in them.
const MAX_MESSAGES_OF_BYTES: u64 = 1_000_000;
/// Milliseconds that a pull request waits.
const EXPIRES: u64 = 30_000;
const LEAST_EXPIRES: u64 = 1000;
/// Milliseconds between heartbeats.
const LEAST_HEARTBEAT: u64 = 100;
const LONGEST_HEARTBEAT: u64 = 30_000;

/// What a script wants to consume, and how. Times are milliseconds.
pub struct Wishes {
    pub stream: String,
    pub consumer: String,
    pub callback: Option<Obj>,
    pub max: Amount,
    pub expires: u64,
    pub idle_heartbeat: u64,
    group: Option<String>,
    min_pending: Option<u64>,
    min_ack_pending: Option<u64>,
}

impl Wishes {
    pub fn read(stream: &Obj, consumer: &Obj, words: &[Obj]) -> Result<Wishes> {
        let (stream, consumer) = (stream_name(stream)?, consumer_name(consumer)?);
        let values = parse(words, OPTIONS)?;
        let positive = |name: &str| match values.count(name) {
            Some(0) => Err(invalid_value("pos_int", name, "0")),
            count => Ok(count),
        };
        let max = match (positive("max_messages")?, positive("max_bytes")?) {
            (Some(_), Some(_)) => {
                return Err(invalid("-max_messages and -max_bytes are mutually exclusive"));
            }
            (None, Some(bytes)) => Amount {
                messages: bytes.max(MAX_MESSAGES_OF_BYTES),
                bytes,
            },
            (messages, None) => Amount {
                messages: messages.unwrap_or(MAX_MESSAGES),
                bytes: 0,
            },
        };
        let expires = values.count("expires").unwrap_or(EXPIRES);
        if expires < LEAST_EXPIRES {
            return Err(out_of_range("expires", expires, LEAST_EXPIRES, u64::MAX));
        }
        let longest = (expires / 2).min(LONGEST_HEARTBEAT);
        let idle_heartbeat = values.count("idle_heartbeat").unwrap_or(longest);
        if !(LEAST_HEARTBEAT..=longest).contains(&idle_heartbeat) {
            return Err(out_of_range(
                "idle_heartbeat",
                idle_heartbeat,
                LEAST_HEARTBEAT,
                longest,
            ));
        }
        Ok(Wishes {
            stream,
            consumer,
            callback: values.get("callback").cloned(),
            max,
            expires,
            idle_heartbeat,
            group: values.text("group"),
            min_pending: values.count("min_pending"),
            min_ack_pending: values.count("min_ack_pending"),
        })
    }

    pub fn settings(&self) -> Settings {
        Settings {
            stream: self.stream.clone(),
            consumer: self.consumer.clone(),
            body: PullBody {
                expires: Some(nanoseconds(self.expires)),
                idle_heartbeat: Some(nanoseconds(self.idle_heartbeat)),
                group: self.group.clone(),
                min_pending: self.min_pending,
                min_ack_pending: self.min_ack_pending,
                ..PullBody::default()
            },
        }
    }
}

fn out_of_range(option: &str, value: u64, least: u64, most: u64) -> Error {
    let range = match most {
        u64::MAX => format!("at least {least}"),
        most => format!("{least} to {most}"),
    };
    let text = format!("Invalid value for the timeout option {option} : {value} (should be {range} ms)");
    Error::nats("ErrBadTimeout", text)
}

/// Servers read a signed number.
fn nanoseconds(ms: u64) -> u64 {
    ms.saturating_mul(1_000_000).min(i64::MAX as u64)
}
