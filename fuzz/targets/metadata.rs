//! The reply subjects of delivered messages: what is understood says the same in either form.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nats::jetstream::metadata::Metadata;

fuzz_target!(|reply: &[u8]| {
    let Some(metadata) = Metadata::parse(reply) else {
        return;
    };
    let Metadata {
        stream,
        consumer,
        num_delivered,
        stream_seq,
        consumer_seq,
        timestamp,
        num_pending,
    } = metadata;
    let numbers = format!("{num_delivered}.{stream_seq}.{consumer_seq}.{timestamp}.{num_pending}");
    let names = [stream, b".", consumer, b"."].concat();
    for head in ["$JS.ACK.", "$JS.ACK.hub.hash."] {
        let tail = if head.len() > 8 { ".token" } else { "" };
        let again = [head.as_bytes(), &names, numbers.as_bytes(), tail.as_bytes()].concat();
        assert_eq!(Metadata::parse(&again), Some(metadata));
    }
});
