//! The options of a stream.

use super::fields::{Field, Kind, field};

/// The configuration of a stream.
pub const STREAM: &[Field] = &[
    field("name", Kind::ValidStr, "always the method's argument"),
    field("description", Kind::ValidStr, "a text for people"),
    field(
        "subjects",
        Kind::List,
        "what the stream takes in; wildcards allowed",
    ),
    field(
        "retention",
        Kind::Enum(&["limits", "interest", "workqueue"]),
        "how long messages stay: up to the limits, until all consumers have them, until one has",
    )
    .or("limits"),
    field("max_consumers", Kind::Int, "number of consumers; -1 for any"),
    field("max_msgs", Kind::Int, "number of messages; -1 for any"),
    field("max_bytes", Kind::Int, "size of all messages; -1 for any"),
    field(
        "discard",
        Kind::Enum(&["new", "old"]),
        "which message a full stream gives up",
    ),
    field("max_age", Kind::Duration, "age at which messages go; 0 for never"),
    field(
        "max_msgs_per_subject",
        Kind::Int,
        "number of messages with one subject; -1 for any",
    ),
    field("max_msg_size", Kind::Int, "size of one message; -1 for any"),
    field(
        "storage",
        Kind::Enum(&["memory", "file"]),
        "where messages are kept",
    )
    .or("file"),
    field(
        "num_replicas",
        Kind::Int,
        "number of servers that hold the stream, 1 to 5",
    ),
    field("no_ack", Kind::Bool, "whether publishing brings no answer"),
    field(
        "duplicate_window",
        Kind::Duration,
        "for how long equal message ids are found out",
    ),
    field(
        "mirror",
        Kind::Object(&SOURCE),
        "the stream that this one is a copy of",
    ),
    field(
        "sources",
        Kind::Objects(&SOURCE),
        "streams whose messages this one collects",
    ),
    field("sealed", Kind::Bool, "whether the stream is closed for ever"),
    field("deny_delete", Kind::Bool, "whether messages cannot be deleted"),
    field("deny_purge", Kind::Bool, "whether the stream cannot be purged"),
    field(
        "allow_rollup_hdrs",
        Kind::Bool,
        "whether a message may replace all before it",
    ),
    field("compression", Kind::Enum(&["none", "s2"]), "compression of files").since("2.10"),
    field("first_seq", Kind::Int, "sequence of the first message").since("2.10"),
    field(
        "subject_transform",
        Kind::Object(&TRANSFORM),
        "how subjects change on their way into the stream",
    )
    .since("2.10"),
    field(
        "republish",
        Kind::Object(&REPUBLISH),
        "where stored messages are published again",
    ),
    field("allow_direct", Kind::Bool, "whether `stream_direct_get` works"),
    field(
        "mirror_direct",
        Kind::Bool,
        "whether a mirror answers direct gets for its origin",
    ),
    field("metadata", Kind::Metadata, "keys and values of your own").since("2.10"),
    field(
        "placement",
        Kind::Object(&PLACEMENT),
        "on which servers the stream lives",
    ),
    field(
        "discard_new_per_subject",
        Kind::Bool,
        "with `discard new`: refuse also what exceeds `max_msgs_per_subject`",
    ),
    field(
        "consumer_limits",
        Kind::Object(&CONSUMER_LIMITS),
        "what consumers of the stream get by default and at most",
    )
    .since("2.10"),
    field(
        "allow_msg_ttl",
        Kind::Bool,
        "whether a message may carry its own age limit",
    )
    .since("2.11"),
    field(
        "subject_delete_marker_ttl",
        Kind::Duration,
        "for how long a marker stays where the last message of a subject expired",
    )
    .since("2.11"),
    field(
        "allow_atomic",
        Kind::Bool,
        "whether batches can be published as one",
    )
    .since("2.12"),
    field(
        "allow_msg_counter",
        Kind::Bool,
        "whether messages count up a number",
    )
    .since("2.12"),
    field(
        "allow_msg_schedules",
        Kind::Bool,
        "whether messages can be published at a time to come",
    )
    .since("2.12"),
    field(
        "persist_mode",
        Kind::Enum(&["default", "async"]),
        "whether publishing waits for the disk",
    )
    .since("2.12"),
];

/// Another stream, as `mirror` or one of `sources`.
pub const SOURCE: [Field; 6] = [
    field("name", Kind::Str, "the stream"),
    field("opt_start_seq", Kind::PosInt, "the first sequence to take"),
    field(
        "opt_start_time",
        Kind::ValidStr,
        "the time to begin with, RFC 3339",
    ),
    field("filter_subject", Kind::ValidStr, "the subjects to take"),
    field(
        "external",
        Kind::Object(&EXTERNAL),
        "how to reach another account or domain",
    ),
    field(
        "subject_transforms",
        Kind::Objects(&TRANSFORM),
        "subjects to take, and how they change; excludes `filter_subject`",
    )
    .since("2.10"),
];

/// A stream of another account or domain.
pub const EXTERNAL: [Field; 2] = [
    field("api", Kind::Str, "API prefix that leads there"),
    field(
        "deliver",
        Kind::Str,
        "prefix of the subjects that messages come by",
    ),
];

/// A change of subjects.
pub const TRANSFORM: [Field; 2] = [
    field("src", Kind::Str, "which subjects; wildcards allowed"),
    field(
        "dest",
        Kind::Str,
        "what becomes of them, with `{{wildcard(1)}}` and the like",
    ),
];

/// Publishing of what was stored.
pub const REPUBLISH: [Field; 3] = [
    field("src", Kind::Str, "which subjects; wildcards allowed"),
    field("dest", Kind::Str, "where they are published"),
    field("headers_only", Kind::Bool, "whether payloads are left out"),
];

/// Servers to live on.
pub const PLACEMENT: [Field; 3] = [
    field("cluster", Kind::Str, "name of the cluster"),
    field("tags", Kind::List, "tags that servers must have"),
    field("preferred", Kind::Str, "server that should lead").since("2.11"),
];

/// Limits for consumers.
pub const CONSUMER_LIMITS: [Field; 2] = [
    field(
        "inactive_threshold",
        Kind::Duration,
        "idle time after which a consumer goes",
    ),
    field(
        "max_ack_pending",
        Kind::Int,
        "messages that wait for their acknowledgement",
    ),
];
