//! Files with JWTs and seeds, and the seeds themselves.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nats::protocol::{Armour, Seed};

fuzz_target!(|text: &str| {
    let found = Armour::read(text);
    if let Some(jwt) = found.jwt {
        assert!(jwt.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(Armour::is_text(&jwt));
    }
    for candidate in found.seed.as_deref().into_iter().chain([&text.to_owned()]) {
        if let Ok(seed) = Seed::parse(candidate) {
            assert!(seed.public_key().starts_with('U'));
            seed.sign(text.as_bytes());
        }
    }
});
