//! A server, or an owner, that does not keep up.

use std::time::{Duration, Instant};

use nats::client::PublishError;

use crate::server::Server;
use crate::{connect, connected};

const KIB: usize = 1024;

#[test]
fn publish_waits_for_a_slow_server_and_loses_nothing() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |options| options.outbox_size = 64 * KIB);
    let reader = std::thread::spawn(move || peer.rest().len());
    let payload = vec![b'x'; 32 * KIB];
    let mut waits = 0;
    for _ in 0..1000 {
        let keep_waiting = &mut || {
            waits += 1;
            true
        };
        fixture
            .client
            .publish(b"s", b"", None, &payload, keep_waiting)
            .unwrap();
    }
    assert!(waits > 0);
    assert_eq!(fixture.client.close(true).unsent, 0);
    assert_eq!(
        reader.join().unwrap(),
        1000 * (payload.len() + "PUB s  32768\r\n\r\n".len())
    );
}

#[test]
fn a_stalled_connection_buffers_to_the_larger_limit_and_then_refuses() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |options| {
        options.outbox_size = 64 * KIB;
        options.reconnect_buf_size = 1024 * KIB;
        options.flush_timeout = 50;
    });
    let payload = vec![b'x'; 32 * KIB];
    let mut asked = 0;
    let started = Instant::now();
    let mut accepted = 0;
    let refused = loop {
        let outcome = fixture.client.publish(b"s", b"", None, &payload, &mut || {
            asked += 1;
            true
        });
        match outcome {
            Ok(()) => accepted += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, PublishError::ReconnectBufExceeded);
    assert!(asked >= 10, "it waited a second for progress first");
    assert!(started.elapsed() >= Duration::from_secs(1));
    let again = Instant::now();
    for _ in 0..20 {
        let refused = fixture.client.publish(b"s", b"", None, &payload, &mut || true);
        assert!(refused.is_err());
    }
    assert!(again.elapsed() < Duration::from_secs(10), "and waits no longer");
    let frame = payload.len() + "PUB s  32768\r\n\r\n".len();
    for _ in 0..accepted {
        peer.expect("PUB s  32768\r\n");
        peer.expect(&format!("{}\r\n", "x".repeat(payload.len())));
    }
    assert!(accepted * frame > 1024 * KIB);
    fixture.publish("s", b"");
    peer.expect("PUB s  0\r\n\r\n");
}

#[test]
fn the_caller_can_end_the_wait() {
    let server = Server::start();
    let (fixture, _peer) = connected(&server, |options| {
        options.outbox_size = 64 * KIB;
        options.flush_timeout = 0;
    });
    let payload = vec![b'x'; 32 * KIB];
    let refused = loop {
        if let Err(error) = fixture.client.publish(b"s", b"", None, &payload, &mut || false) {
            break error;
        }
    };
    assert_eq!(refused, PublishError::Interrupted);
}

#[test]
fn without_a_connection_only_the_larger_limit_counts() {
    let server = Server::start();
    let fixture = connect(&[&server.url()], |options| {
        options.outbox_size = KIB;
        options.reconnect_buf_size = 10 * KIB;
    });
    let mut peer = server.accept();
    fixture.publish("larger-than-any-limit", &vec![b'x'; 20 * KIB]);
    let refused = fixture
        .client
        .publish(b"s", b"", None, b"", &mut || panic!("no wait"));
    assert_eq!(refused, Err(PublishError::ReconnectBufExceeded));
    let id = fixture.settings.next_request_id();
    let refused = fixture.client.request(id, b"s", None, b"", 0);
    assert_eq!(refused, Err(PublishError::ReconnectBufExceeded));
    peer.shake_hands();
    assert!(peer.line().starts_with("SUB _INBOX."));
    peer.expect("PUB larger-than-any-limit  20480\r\nx");
}

#[test]
fn an_owner_without_room_stops_reading_and_nothing_else() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    fixture.subscribe("a", 0);
    peer.expect("SUB a  1\r\n");
    fixture.sink.set_full(true);
    peer.send_until_full("MSG a 1 1\r\nx\r\n");
    fixture.sink.skip_to("message 1 a x");
    let delivered = fixture.sink.delivered();
    fixture.publish("p", b"1");
    peer.expect("PUB p  1\r\n1\r\n");
    let id = fixture.ping(30);
    let last = fixture.sink.take_to(&format!("ping timeout {id}"));
    assert!(last.len() as u64 <= delivered + 1, "nothing was read meanwhile");
    assert_eq!(fixture.settings.stats.pauses.count(), 1);
    fixture.sink.set_full(false);
    peer.expect("PING\r\n");
    fixture.sink.skip_to("message 1 a x");
    assert!(fixture.settings.stats.pauses.total() >= Duration::from_millis(30));
}

#[test]
fn behind_a_failed_attempt_the_next_one_waits_for_an_owner_without_room() {
    let server = Server::start();
    let (fixture, peer) = connected(&server, |options| {
        options.reconnect_time_wait = 1;
        options.reconnect_jitter = 0;
    });
    drop(peer);
    fixture.sink.skip_to("status reconnecting");
    fixture.sink.set_full(true);
    // The first attempt comes at once, since it may be what the owner waits for.
    server.accept().send("-ERR 'No'\r\n");
    fixture.sink.skip_to("ErrServer no");
    let told = fixture.sink.delivered();
    // A hundred times the wait.
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(fixture.sink.delivered(), told);
    fixture.sink.set_full(false);
    let _peer = server.accept_connected();
    fixture.sink.skip_to("status connected");
}
