//! The options of buckets, and the streams that they make.

use serde_json::Value;

use crate::commands::jet_stream::fields::{Field, Given, Kind, Rules, field, parse};
use crate::commands::jet_stream::stream_config::{PLACEMENT, REPUBLISH, STREAM};
use crate::commands::options::{invalid, to_count};
use crate::kv::buckets::Config;
use crate::tcl::{Interp, Obj, Result};

/// The options of the methods that make or change buckets.
pub const BUCKET: &[Field] = &[
    field("description", Kind::ValidStr, "what it is for"),
    field("max_value_size", Kind::Int, "bytes of the largest value"),
    field("history", Kind::PosInt, "entries that are kept of a key, 1 to 64").or("1"),
    field(
        "ttl",
        Kind::PosInt,
        "milliseconds until an entry goes; 0 for never",
    ),
    field("max_bucket_size", Kind::PosInt, "bytes that the bucket may take"),
    field(
        "storage",
        Kind::Enum(&["memory", "file"]),
        "where entries are kept",
    )
    .or("file"),
    field(
        "num_replicas",
        Kind::Int,
        "number of servers that hold the bucket, 1 to 5",
    )
    .or("1"),
    field("compression", Kind::Enum(&["none", "s2"]), "compression of files").since("2.10"),
    field("mirror_name", Kind::ValidStr, "deprecated: the bucket to mirror"),
    field(
        "mirror_domain",
        Kind::ValidStr,
        "deprecated: the domain of that bucket",
    ),
    field("metadata", Kind::Metadata, "keys and values of your own").since("2.10"),
    field(
        "placement",
        Kind::Object(&PLACEMENT),
        "on which servers the bucket lives",
    ),
    field(
        "republish",
        Kind::Object(&REPUBLISH),
        "where entries are published again",
    ),
    field(
        "limit_markers",
        Kind::PosInt,
        "milliseconds for which a marker tells that an entry expired, 1000 or more; allows `-ttl` for single \
         keys",
    )
    .since("2.11"),
];

/// Which field of the stream an option becomes.
const STREAM_FIELDS: &[(&str, &str)] = &[
    ("description", "description"),
    ("max_value_size", "max_msg_size"),
    ("history", "max_msgs_per_subject"),
    ("ttl", "max_age"),
    ("max_bucket_size", "max_bytes"),
    ("storage", "storage"),
    ("num_replicas", "num_replicas"),
    ("compression", "compression"),
    ("metadata", "metadata"),
    ("placement", "placement"),
    ("republish", "republish"),
    ("limit_markers", "subject_delete_marker_ttl"),
];

/// For how long servers find out that a message came twice, in milliseconds.
const DUPLICATE_WINDOW: u64 = 120_000;

/// The shortest time that servers keep markers for, in milliseconds.
const SHORTEST_MARKER: u64 = 1000;

/// The most entries that are kept of a key.
const MAX_HISTORY: u64 = 64;

/// What the methods add to the options: fields of the stream.
pub type Extra<'a> = Vec<(&'a str, Obj)>;

/// Reads and checks options, in the order of the table.
pub fn options(interp: &Interp, words: &[Obj]) -> Result<Given> {
    let mut given = parse(words, &[], BUCKET, Rules::Strict)?;
    let count = |given: &Given, name| given.get(name).and_then(to_count);
    if count(&given, "history").is_some_and(|history| !(1..=MAX_HISTORY).contains(&history)) {
        return Err(invalid(format!("History must be between 1 and {MAX_HISTORY}")));
    }
    if count(&given, "limit_markers") == Some(0) {
        given.take("limit_markers");
    }
    if count(&given, "limit_markers").is_some_and(|ms| ms < SHORTEST_MARKER) {
        return Err(invalid(format!(
            "Limit markers must last for {SHORTEST_MARKER} ms or more"
        )));
    }
    // Also checks what is left to check, under the names that the caller knows.
    given.json(interp)?;
    Ok(given)
}

/// The configuration of the stream of a new bucket or mirror.
pub fn new_stream(interp: &Interp, name: &str, mut given: Given, extra: Extra) -> Result<Config> {
    if ttl(&given) == Some(0) {
        given.take("ttl");
    }
    for field in BUCKET {
        if let (None, Some(default)) = (given.get(field.name), field.default) {
            given.set(field.name, Obj::text(default));
        }
    }
    let mut fields = vec![
        ("name", Obj::text(name)),
        ("retention", Obj::text("limits")),
        ("discard", Obj::text("new")),
        ("duplicate_window", duplicate_window(ttl(&given))),
        ("deny_delete", Obj::text("true")),
        ("deny_purge", Obj::text("false")),
        ("allow_rollup_hdrs", Obj::text("true")),
        ("allow_direct", Obj::text("true")),
    ];
    fields.extend(stream_fields(&given));
    fields.extend(extra);
    to_config(interp, &fields)
}

/// The fields of an existing bucket's stream that options change.
pub fn changes(interp: &Interp, given: &Given) -> Result<Config> {
    let mut fields = stream_fields(given);
    if let Some(ttl) = ttl(given) {
        fields.push(("duplicate_window", duplicate_window(Some(ttl))));
    }
    let mut config = to_config(interp, &fields)?;
    // Defaults of the table of streams are not meant.
    config.retain(|name, _| fields.iter().any(|(field, _)| field == name));
    Ok(config)
}

fn ttl(given: &Given) -> Option<u64> {
    given.get("ttl").and_then(to_count)
}

/// Not longer than messages live.
fn duplicate_window(ttl: Option<u64>) -> Obj {
    let ttl = ttl.filter(|&ttl| ttl > 0).unwrap_or(DUPLICATE_WINDOW);
    Obj::int(ttl.min(DUPLICATE_WINDOW))
}

fn stream_fields(given: &Given) -> Extra<'static> {
    let fields = STREAM_FIELDS.iter();
    let mut fields: Extra = fields
        .filter_map(|(option, field)| Some((*field, given.get(option)?.clone())))
        .collect();
    if given.get("limit_markers").is_some() {
        fields.push(("allow_msg_ttl", Obj::text("true")));
    }
    fields
}

/// Fields as JSON, in the order of the table of streams.
fn to_config(interp: &Interp, fields: &[(&str, Obj)]) -> Result<Config> {
    let forced: Vec<(&str, &Obj)> = fields.iter().map(|(name, value)| (*name, value)).collect();
    let json = parse(&[], &forced, STREAM, Rules::Strict)?.json(interp)?;
    match serde_json::from_str(&json) {
        Ok(Value::Object(config)) => Ok(config),
        _ => Err(invalid("The options make no JSON: see -placement and -republish")),
    }
}
