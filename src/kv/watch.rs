//! Following the keys of a bucket.

use std::time::Duration;

use super::bucket::Bucket;
use super::entry::{Entry, Operation};
use crate::jetstream::metadata::Metadata;
use crate::jetstream::ordered_config::{Deliver, Settings};
use crate::protocol::{Headers, Message};

/// An entry as a watcher gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    pub entry: Entry,
    /// Entries that wait behind this one.
    pub delta: u64,
}

/// What to follow.
#[derive(Debug, Clone)]
pub struct Watch {
    /// Keys, which may hold wildcards; at least one. Several need a server of 2.10.
    pub patterns: Vec<String>,
    /// Which of the entries that are there come first.
    pub deliver: Deliver,
    /// Whether values are left out.
    pub meta_only: bool,
    /// After so long a silence the server gives a sign of life. Not zero.
    pub idle_heartbeat: Duration,
}

impl Bucket {
    /// The ordered consumer that delivers what is to be followed.
    pub fn consumer(&self, watch: Watch) -> Settings {
        let patterns = watch.patterns.iter();
        Settings {
            stream: self.stream.clone(),
            description: Some("KV watcher".to_owned()),
            deliver: watch.deliver,
            filters: patterns.map(|pattern| self.stored_at(pattern)).collect(),
            headers_only: Some(watch.meta_only),
            idle_heartbeat: watch.idle_heartbeat,
        }
    }

    /// A message of such a consumer; `None` if it is no entry of this bucket.
    pub fn update(&self, message: &Message) -> Option<Update> {
        let metadata = Metadata::parse(message.reply())?;
        let headers = message.header().and_then(|block| Headers::parse(block).ok());
        let operation = match &headers {
            Some(headers) => Operation::of(|name| headers.get_first(name)),
            None => Operation::Put,
        };
        Some(Update {
            entry: Entry {
                key: self.key_of(message.subject())?,
                value: operation.value(&message.payload_bytes()),
                revision: metadata.stream_seq,
                created: metadata.timestamp.div_euclid(NANOSECONDS),
                operation,
            },
            delta: metadata.num_pending,
        })
    }

    /// The key that is stored at a subject, with one character for each byte.
    pub(super) fn key_of(&self, subject: &[u8]) -> Option<String> {
        let key = subject.strip_prefix(self.read_prefix.as_bytes())?;
        let key = key.strip_prefix(b".")?;
        Some(key.iter().map(|&byte| char::from(byte)).collect())
    }
}

/// In a millisecond.
const NANOSECONDS: i64 = 1_000_000;

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use serde_json::Map;

    use super::*;
    use crate::protocol::{Parser, ServerOp};

    fn update(subject: &str, reply: &str, header: &str) -> Option<Update> {
        let (head, all) = (header.len(), header.len() + 1);
        let wire = format!("HMSG {subject} 1 {reply} {head} {all}\r\n{header}v\r\n");
        let bucket = Bucket::new("B", &Map::new(), "$JS.API");
        match Parser::new().next(&mut BytesMut::from(wire.as_bytes())) {
            Ok(Some(ServerOp::Message(message))) => bucket.update(&message),
            other => panic!("not a message: {other:?}"),
        }
    }

    const REPLY: &str = "$JS.ACK.KV_B.c.1.20.3.1700000000123999999.4";

    #[test]
    fn a_value_and_a_marker() {
        let put = update("$KV.B.a.b", REPLY, "NATS/1.0\r\n\r\n").unwrap();
        let expected = Entry {
            key: "a.b".to_owned(),
            value: "v".into(),
            revision: 20,
            created: 1_700_000_000_123,
            operation: Operation::Put,
        };
        assert_eq!((put.entry, put.delta), (expected, 4));
        let expired = "NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\n\r\n";
        let purged = update("$KV.B.a", REPLY, expired).unwrap().entry;
        assert_eq!((purged.operation, purged.value.len()), (Operation::Purge, 0));
    }

    #[test]
    fn what_is_no_entry() {
        for (subject, reply) in [
            ("$KV.BB.a", REPLY),
            ("$KV.B", REPLY),
            ("a", REPLY),
            ("$KV.B.a", "x"),
        ] {
            assert_eq!(
                update(subject, reply, "NATS/1.0\r\n\r\n"),
                None,
                "{subject} {reply}"
            );
        }
    }
}
