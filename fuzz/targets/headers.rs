//! What is read of a header block can be written and read again, and the status is the same
//! however it is looked for.
#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use nats::protocol::{Headers, Parser, ServerOp};

fuzz_target!(|block: &[u8]| {
    let line = format!("HMSG a 1 {0} {0}\r\n", block.len());
    let mut wire = BytesMut::from([line.as_bytes(), block, b"\r\n"].concat().as_slice());
    let Ok(Some(ServerOp::Message(message))) = Parser::new().next(&mut wire) else {
        panic!("a message is a message whatever its header");
    };
    let Ok(headers) = Headers::parse(block) else {
        assert_eq!(message.status(), None);
        assert!(Headers::check_version(block).is_err());
        return;
    };
    let first = headers.get_first(b"Status").map(String::from_utf8_lossy);
    let first = first.and_then(|first| first.parse().ok());
    assert_eq!(message.status(), first);
    let pairs: Vec<(&[u8], Vec<&[u8]>)> = headers
        .iter()
        .map(|(key, values)| (key, values.collect()))
        .collect();
    let mut again = BytesMut::new();
    // A CR within a line is read, and never written.
    if Headers::encode(pairs, &mut again).is_ok() {
        assert_eq!(Headers::parse(&again).as_ref(), Ok(&headers));
    }
});
