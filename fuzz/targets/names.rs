//! Subjects, queues, streams, buckets and keys: what is let through can break no line of the wire.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nats::jetstream::names;
use nats::kv::names::{is_bucket, is_key};
use nats::protocol::subject::{check_publish, check_queue, check_reply, check_subscribe};

fuzz_target!(|name: &str| {
    let breaks = |wire: &[u8]| wire.iter().any(|&byte| byte <= b' ' || byte == 0x7f);
    for strict in [true, false] {
        for check in [check_publish, check_reply, check_subscribe, check_queue] {
            if let Ok(wire) = check(name, strict) {
                assert!(!breaks(&wire));
                assert_eq!(wire.len(), name.chars().count());
            }
        }
    }
    if is_bucket(name) || is_key(name) {
        assert!(name.is_ascii() && !breaks(name.as_bytes()));
    }
    if names::is_safe(name) {
        assert!(
            !name
                .chars()
                .any(|c| c.is_whitespace() || c.is_control() || ".*>/\\".contains(c))
        );
    }
});
