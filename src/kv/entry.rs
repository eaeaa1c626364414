//! What a bucket holds under a key at a revision.

use bytes::Bytes;

use crate::jetstream::stored_message::StoredMessage;
use crate::protocol::time;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    /// Empty for markers.
    pub value: Bytes,
    /// The sequence in the stream.
    pub revision: u64,
    /// Milliseconds since 1970.
    pub created: i64,
    pub operation: Operation,
}

/// What was done to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Put,
    Delete,
    Purge,
}

/// Header keys that tell markers from values.
pub const OPERATION: &[u8] = b"KV-Operation";
const REASON: &[u8] = b"Nats-Marker-Reason";

impl Entry {
    /// A message of the stream as the entry of `key`; `None` if the server describes it in a way
    /// that cannot be understood.
    pub fn of(key: &str, message: &StoredMessage) -> Option<Entry> {
        let first = |name: &[u8]| {
            let field = message.header.iter().find(|(key, _)| key == name)?;
            field.1.first().map(Vec::as_slice)
        };
        let operation = Operation::of(first);
        let created = time::parse(&message.time)?.floor_ms();
        Some(Entry {
            key: key.to_owned(),
            value: operation.value(&message.payload),
            revision: message.seq.parse().ok()?,
            created,
            operation,
        })
    }

    pub fn is_marker(&self) -> bool {
        self.operation != Operation::Put
    }
}

impl Operation {
    /// Reads it from a header, of which `first` gives the first value of a key. Servers place
    /// markers by themselves where a message expired or was removed, and tell why.
    pub fn of<'a>(first: impl Fn(&[u8]) -> Option<&'a [u8]>) -> Operation {
        match (first(OPERATION), first(REASON)) {
            (Some(b"DEL"), _) | (None, Some(b"Remove")) => Operation::Delete,
            (Some(b"PURGE"), _) | (None, Some(b"MaxAge" | b"Purge")) => Operation::Purge,
            _ => Operation::Put,
        }
    }

    /// The word for it in the header and in entries.
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Put => "PUT",
            Operation::Delete => "DEL",
            Operation::Purge => "PURGE",
        }
    }

    /// The value of an entry whose message has this payload.
    pub fn value(self, payload: &Bytes) -> Bytes {
        match self {
            Operation::Put => payload.clone(),
            Operation::Delete | Operation::Purge => Bytes::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(header: &[(&str, &str)]) -> Operation {
        Operation::of(|name| {
            let field = header.iter().find(|(key, _)| key.as_bytes() == name)?;
            Some(field.1.as_bytes())
        })
    }

    #[test]
    fn markers_of_clients_and_of_servers() {
        let of = |reason| operation(&[("Nats-Marker-Reason", reason)]);
        assert_eq!(operation(&[]), Operation::Put);
        assert_eq!(operation(&[("KV-Operation", "DEL")]), Operation::Delete);
        assert_eq!(operation(&[("KV-Operation", "PURGE")]), Operation::Purge);
        assert_eq!((of("MaxAge"), of("Purge")), (Operation::Purge, Operation::Purge));
        assert_eq!((of("Remove"), of("Other")), (Operation::Delete, Operation::Put));
        let both = [("KV-Operation", "PUT"), ("Nats-Marker-Reason", "MaxAge")];
        assert_eq!(operation(&both), Operation::Put);
    }

    #[test]
    fn times_are_cut_and_markers_have_no_value() {
        let mut message = StoredMessage {
            subject: b"$KV.B.k".to_vec(),
            header: vec![(OPERATION.to_vec(), vec![b"DEL".to_vec()])],
            payload: Bytes::from_static(b"v"),
            seq: "7".to_owned(),
            time: "1970-01-01T00:00:01.0019Z".to_owned(),
        };
        let entry = Entry::of("k", &message).unwrap();
        assert_eq!((entry.revision, entry.created, entry.value.len()), (7, 1001, 0));
        message.seq.clear();
        assert_eq!(Entry::of("k", &message), None);
    }
}
