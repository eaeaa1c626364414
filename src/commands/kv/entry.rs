//! Entries as scripts see them.

use crate::commands::message::payload_value;
use crate::kv::entry::Entry;
use crate::kv::watch::Update;
use crate::tcl::Obj;

/// A dict with the keys `bucket key value revision created operation`.
pub fn entry_value(bucket: &str, entry: &Entry, utf8: bool) -> Obj {
    record(bucket, entry, utf8, None)
}

/// The same with `delta` before `operation`.
pub fn update_value(bucket: &str, update: &Update, utf8: bool) -> Obj {
    record(bucket, &update.entry, utf8, Some(update.delta))
}

fn record(bucket: &str, entry: &Entry, utf8: bool, delta: Option<u64>) -> Obj {
    let mut fields = vec![
        ("bucket", Obj::text(bucket)),
        ("key", Obj::text(&entry.key)),
        ("value", payload_value(&entry.value, utf8)),
        ("revision", Obj::int(entry.revision)),
        ("created", Obj::signed(entry.created)),
    ];
    fields.extend(delta.map(|delta| ("delta", Obj::int(delta))));
    fields.push(("operation", Obj::text(entry.operation.as_str())));
    Obj::record(&fields)
}
