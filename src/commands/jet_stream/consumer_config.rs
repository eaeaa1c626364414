//! The options of a consumer.

use super::fields::{Field, Kind, field};

/// Where a consumer begins, of whatever class.
pub const DELIVER_POLICY: Field = field(
    "deliver_policy",
    Kind::Enum(&[
        "all",
        "last",
        "new",
        "by_start_sequence",
        "by_start_time",
        "last_per_subject",
    ]),
    "with which message it begins",
)
.or("all");

/// The configuration of a consumer.
pub const CONSUMER: &[Field] = &[
    field(
        "name",
        Kind::ValidStr,
        "name of a consumer that goes when it is not used",
    )
    .since("2.9"),
    field("durable_name", Kind::ValidStr, "name of a consumer that stays"),
    field("description", Kind::ValidStr, "a text for people"),
    DELIVER_POLICY,
    field(
        "opt_start_seq",
        Kind::Int,
        "for `by_start_sequence`: the sequence",
    ),
    field(
        "opt_start_time",
        Kind::ValidStr,
        "for `by_start_time`: the time, RFC 3339",
    ),
    field(
        "ack_policy",
        Kind::Enum(&["none", "all", "explicit"]),
        "whether messages are acknowledged: never, with all before them, each",
    )
    .or("explicit"),
    field(
        "ack_wait",
        Kind::Duration,
        "time after which an unacknowledged message comes again",
    ),
    field(
        "max_deliver",
        Kind::Int,
        "how often a message comes at most; -1 for any",
    ),
    field(
        "filter_subject",
        Kind::ValidStr,
        "the subjects to deliver; wildcards allowed",
    ),
    field(
        "replay_policy",
        Kind::Enum(&["instant", "original"]),
        "how fast: at once, or as they were published",
    )
    .or("instant"),
    field(
        "rate_limit_bps",
        Kind::Int,
        "bits per second that a push consumer sends at most",
    ),
    field(
        "sample_freq",
        Kind::ValidStr,
        "percentage of acknowledgements that are observed",
    ),
    field("max_waiting", Kind::Int, "pull requests that may wait"),
    field(
        "max_ack_pending",
        Kind::Int,
        "messages that may wait for their acknowledgement; -1 for any",
    ),
    field(
        "flow_control",
        Kind::Bool,
        "whether a push consumer asks if messages are handled",
    ),
    field(
        "idle_heartbeat",
        Kind::Duration,
        "after which silence a push consumer gives a sign of life",
    ),
    field("headers_only", Kind::Bool, "whether payloads are left out"),
    field(
        "deliver_subject",
        Kind::ValidStr,
        "subject of a push consumer; without it clients pull",
    ),
    field("deliver_group", Kind::ValidStr, "queue group of a push consumer"),
    field(
        "inactive_threshold",
        Kind::Duration,
        "idle time after which the consumer goes",
    ),
    field(
        "num_replicas",
        Kind::Int,
        "number of servers that hold its state; 0 as the stream",
    ),
    field("mem_storage", Kind::Bool, "whether its state is kept in memory"),
    field("metadata", Kind::Metadata, "keys and values of your own").since("2.10"),
    field(
        "filter_subjects",
        Kind::List,
        "several subjects to deliver; excludes `filter_subject`",
    )
    .since("2.10"),
    field(
        "backoff",
        Kind::Durations,
        "times after which a message comes again, for each delivery; replaces `ack_wait`",
    ),
    field(
        "max_batch",
        Kind::Int,
        "messages that one pull request may ask for",
    ),
    field("max_expires", Kind::Duration, "time that a pull request may wait"),
    field("max_bytes", Kind::Int, "bytes that one pull request may ask for"),
    field("priority_groups", Kind::List, "groups of clients that pull").since("2.11"),
    field(
        "priority_policy",
        Kind::Enum(&["none", "overflow", "pinned_client", "prioritized"]),
        "which client of a group gets messages",
    )
    .since("2.11"),
    field(
        "priority_timeout",
        Kind::Duration,
        "for `pinned_client`: silence after which another client is chosen",
    )
    .since("2.11"),
    field(
        "pause_until",
        Kind::ValidStr,
        "time until which nothing is delivered, RFC 3339",
    )
    .since("2.11"),
];
