//! Server URLs: what is shown of one holds no login and names the same server.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nats::client::url::{Login, ServerUrl};

fuzz_target!(|text: &str| {
    let redacted = ServerUrl::redacted(text);
    assert!(redacted.len() <= text.len() + "***@".len());
    let Ok(url) = ServerUrl::parse(text) else {
        return;
    };
    assert!(url.dial_host().parse::<std::net::Ipv6Addr>().is_ok() == url.host.starts_with('['));
    assert!(!url.to_string().contains([' ', '\r', '\n']));
    let shown = ServerUrl::parse(&url.to_string()).unwrap_or_else(|_| panic!("what is shown is a URL"));
    assert!(shown.login == Login::None);
    assert!((shown.scheme, &shown.host, &shown.port) == (url.scheme, &url.host, &url.port));
});
