//! Answers to pull requests: messages and statuses of any content.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use nats::jetstream::pull_status::PullStatus;
use nats::jetstream::stored_message::StoredMessage;
use nats::protocol::{Parser, ServerOp};

fuzz_target!(|block: &[u8]| {
    let line = format!("HMSG inbox 1 {0} {0}\r\n", block.len());
    let mut wire = BytesMut::from([line.as_bytes(), block, b"\r\n"].concat().as_slice());
    let Ok(Some(ServerOp::Message(message))) = Parser::new().next(&mut wire) else {
        panic!("a message is a message whatever its header");
    };
    if let Some(status) = PullStatus::of(&message) {
        assert_eq!(Some(status.code), message.status());
        let _ = (status.meaning(), status.to_string());
    }
    // The same as an answer to DIRECT.GET.
    let _ = StoredMessage::from_direct(&message);
});
