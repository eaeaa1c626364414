//! The head of an HTTP answer: however much of it has come, what is found in the end is the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nats::client::head;

fuzz_target!(|bytes: &[u8]| {
    let Some((length, line)) = head(bytes) else {
        return;
    };
    assert!(length <= bytes.len());
    assert!(line.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '));
    assert_eq!(head(&bytes[..length]), Some((length, line)));
    assert_eq!(head(&bytes[..length - 1]), None);
});
