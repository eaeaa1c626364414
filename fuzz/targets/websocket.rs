//! Frames of a WebSocket give the same stream whole and in pieces.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nats::client::websocket::decode;

// The first two bytes are the place of a cut and the most content that is taken at once.
fuzz_target!(|data: &[u8]| {
    let [cut, most, frames @ ..] = data else {
        return;
    };
    let cut = usize::from(*cut).min(frames.len());
    let whole = decode(frames, &[], usize::MAX);
    assert_eq!(whole, decode(frames, &[cut], usize::from(*most) + 1));
});
