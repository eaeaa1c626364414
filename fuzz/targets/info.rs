//! An INFO is understood or refused, and updates merge.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nats::protocol::ServerInfo;

fuzz_target!(|json: &[u8]| {
    let Ok(info) = ServerInfo::parse(json) else {
        return;
    };
    let _ = (
        info.max_payload(),
        info.nonce(),
        info.server_name(),
        info.version(),
    );
    assert!(info.connect_urls().len() <= json.len());
    let mut twice = info.clone();
    twice.merge(&info);
    assert_eq!(twice, info);
});
