//! Replies of the JetStream API: errors, stored messages and the entries of buckets in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nats::jetstream::api::read_reply;
use nats::jetstream::stored_message::StoredMessage;
use nats::kv::entry::Entry;
use nats::protocol::time;

fuzz_target!(|text: &str| {
    if let Some(time) = time::parse(text) {
        assert!(time.floor_ms() <= time.rounded_ms());
    }
    match read_reply("subject", text) {
        Ok(fields) => {
            if let Some(message) = StoredMessage::from_reply(&fields) {
                let _ = Entry::of("key", &message);
            }
        }
        Err(error) => assert!(error.to_string().len() <= text.len() + 200),
    }
});
