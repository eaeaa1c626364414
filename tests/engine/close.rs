//! The end: on request, by panic, and by forgetting.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nats::client::CloseReport;

use crate::server::{INFO, Server};
use crate::{Fixture, PATIENCE, connect, connected};

#[test]
fn closing_flushes_although_input_lies_unread() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    fixture.subscribe("a", 0);
    fixture.sink.set_full(true);
    peer.expect("SUB a  1\r\n");
    peer.send_until_full("MSG a 1 1\r\nx\r\n");
    for _ in 0..20_000 {
        fixture.publish("p", b"0123456789");
    }
    let peer = std::thread::spawn(move || peer.rest());
    let report = fixture.client.close(true);
    let expected = CloseReport {
        peer: Some(server.address()),
        connected: true,
        unsent: 0,
    };
    assert_eq!(report, expected);
    let sent = peer.join().unwrap();
    assert!(
        sent == "PUB p  10\r\n0123456789\r\n".repeat(20_000),
        "{} bytes came",
        sent.len()
    );
}

#[test]
fn no_event_comes_once_close_has_returned() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    fixture.subscribe("a", 0);
    peer.expect("SUB a  1\r\n");
    peer.send("MSG a 1 1\r\nx\r\n");
    fixture.sink.skip_to("message 1 a x");
    let writer = std::thread::spawn(move || {
        peer.send(&"MSG a 1 1\r\nx\r\n".repeat(100_000));
        peer
    });
    fixture.client.close(true);
    let delivered = fixture.sink.delivered();
    let mut peer = writer.join().unwrap();
    assert_eq!(peer.rest(), "");
    assert_eq!(fixture.sink.delivered(), delivered);
}

#[test]
fn a_flush_without_progress_gives_up_and_counts() {
    let server = Server::start();
    let (fixture, _peer) = connected(&server, |options| {
        options.outbox_size = 64 << 20;
        options.flush_timeout = 50;
    });
    for _ in 0..32 {
        fixture.publish("p", &vec![b'x'; 1 << 20]);
    }
    let started = Instant::now();
    let report = fixture.client.close(true);
    assert!(started.elapsed() < Duration::from_secs(20));
    assert!(
        report.connected && report.unsent > 0 && report.unsent < 32,
        "{report:?}"
    );
    let again = fixture.client.close(true);
    assert_eq!(
        again.unsent, report.unsent,
        "the exit may have closed it before its owner"
    );
}

#[test]
fn closing_in_the_handshake_discards() {
    let server = Server::start();
    let fixture = connect(&[&server.url()], |_| {});
    let mut peer = server.accept();
    peer.send(&format!("{INFO}\r\n"));
    assert!(peer.line().starts_with("CONNECT"));
    fixture.publish("p", b"");
    let report = fixture.client.close(true);
    let expected = CloseReport {
        peer: Some(server.address()),
        connected: false,
        unsent: 1,
    };
    assert_eq!(report, expected);
    assert_eq!(peer.rest(), "PING\r\n");
}

#[test]
fn closing_in_the_reconnect_delay_ends_the_wait() {
    let server = Server::start();
    let (fixture, peer) = connected(&server, |options| options.reconnect_time_wait = 60_000);
    let address = server.address();
    drop(server);
    drop(peer);
    let refused = format!("ErrConnectionRefused Failed to connect to {address}: connection refused");
    fixture.sink.skip_to(&refused);
    fixture.publish("p", b"");
    let failed = last_attempt(&fixture);
    assert!(failed > 0);
    std::thread::sleep(Duration::from_millis(5));
    let report = fixture.client.close(true);
    assert_eq!(
        report,
        CloseReport {
            unsent: 1,
            ..CloseReport::default()
        }
    );
    assert!(last_attempt(&fixture) > failed);
}

fn last_attempt(fixture: &Fixture) -> u64 {
    let pool = fixture.settings.pool.lock().unwrap();
    pool.current().unwrap().last_attempt
}

#[test]
fn a_forgotten_client_flushes_and_closes() {
    let server = Server::start();
    let (
        Fixture {
            client,
            sink,
            settings,
            ..
        },
        mut peer,
    ) = connected(&server, |_| {});
    client.publish(b"p", b"", None, b"", &mut || true).unwrap();
    drop(client);
    assert_eq!(peer.rest(), "PUB p  0\r\n\r\n");
    drop(peer);
    let deadline = Instant::now() + PATIENCE;
    while Arc::strong_count(&sink) + Arc::strong_count(&settings) > 2 {
        assert!(Instant::now() < deadline, "the life still holds them");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_panic_ends_as_lost_with_a_reason() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    fixture.subscribe("a", 0);
    peer.expect("SUB a  1\r\n");
    fixture.publish("p", b"");
    peer.expect("PUB p  0\r\n\r\n");
    fixture.sink.set_panics();
    peer.send("MSG a 1 1\r\nx\r\n");
    assert_eq!(
        fixture.sink.take_to("lost"),
        [
            "log Error Internal error in the connection",
            "ErrBrokenSocket Internal error in the connection",
            "lost",
        ]
    );
    peer.expect_close();
    assert_eq!(fixture.client.end_of_life(), 0);
}
