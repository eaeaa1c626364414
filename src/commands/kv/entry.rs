//! Entries as scripts see them.

use crate::commands::message::payload_value;
use crate::kv::entry::{Entry, Operation};
use crate::kv::watch::Update;
use crate::tcl::Obj;

/// Makes dicts of the entries of one bucket, which share what is the same in all.
pub struct EntryForm {
    names: Names,
    bucket: Obj,
    put: Obj,
    delete: Obj,
    purge: Obj,
}

struct Names {
    bucket: Obj,
    key: Obj,
    value: Obj,
    revision: Obj,
    created: Obj,
    delta: Obj,
    operation: Obj,
}

impl EntryForm {
    pub fn new(bucket: &str) -> EntryForm {
        let word = |operation: Operation| Obj::text(operation.as_str());
        EntryForm {
            names: Names {
                bucket: Obj::text("bucket"),
                key: Obj::text("key"),
                value: Obj::text("value"),
                revision: Obj::text("revision"),
                created: Obj::text("created"),
                delta: Obj::text("delta"),
                operation: Obj::text("operation"),
            },
            bucket: Obj::text(bucket),
            put: word(Operation::Put),
            delete: word(Operation::Delete),
            purge: word(Operation::Purge),
        }
    }

    /// A dict with the keys `bucket key value revision created operation`.
    pub fn entry(&self, entry: &Entry, utf8: bool) -> Obj {
        self.dict(entry, None, utf8)
    }

    /// The same with `delta` before `operation`.
    pub fn update(&self, update: &Update, utf8: bool) -> Obj {
        self.dict(&update.entry, Some(update.delta), utf8)
    }

    fn dict(&self, entry: &Entry, delta: Option<u64>, utf8: bool) -> Obj {
        let names = &self.names;
        let before = [
            (&names.bucket, self.bucket.clone()),
            (&names.key, Obj::text(&entry.key)),
            (&names.value, payload_value(&entry.value, utf8)),
            (&names.revision, Obj::int(entry.revision)),
            (&names.created, Obj::signed(entry.created)),
        ];
        let delta = delta.map(|delta| (&names.delta, Obj::int(delta)));
        let operation = match entry.operation {
            Operation::Put => &self.put,
            Operation::Delete => &self.delete,
            Operation::Purge => &self.purge,
        };
        let pairs = before.into_iter().chain(delta);
        Obj::dict(pairs.chain([(&names.operation, operation.clone())]))
    }
}
