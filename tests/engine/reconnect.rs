//! Losses and what survives them.

use std::time::{Duration, Instant};

use crate::server::Server;
use crate::{connect, connected};

#[test]
fn a_new_session_restores_subscriptions_then_publishes_then_pings() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    let limited = fixture.subscribe("b", 5);
    fixture.subscribe("a", 0);
    let ping = fixture.ping(0);
    peer.expect("SUB b  1\r\nUNSUB 1 5\r\nSUB a  2\r\nPING\r\n");
    peer.send("MSG b 1 1\r\nx\r\nMSG b 1 1\r\ny\r\n");
    drop(peer);
    fixture.sink.skip_to("status reconnecting");
    let mut peer = server.accept();
    fixture.publish("p", b"1");
    fixture.subscribe("c", 0);
    fixture.client.unsubscribe(2, 0);
    fixture.publish("q", b"");
    fixture.ping(1);
    fixture.sink.skip_to("ping timeout 2");
    peer.shake_hands();
    peer.expect("SUB b  1\r\nUNSUB 1 3\r\nSUB c  3\r\nPUB p  1\r\n1\r\nPUB q  0\r\n\r\nPING\r\n");
    fixture.client.unsubscribe(limited, 4);
    peer.expect("UNSUB 1 2\r\n");
    peer.send("PONG\r\n");
    fixture.sink.skip_to(&format!("pong {ping}"));
}

#[test]
fn requests_survive_but_are_not_resent() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    let (new, old) = (
        fixture.settings.next_request_id(),
        fixture.settings.next_request_id(),
    );
    fixture.client.request(new, b"svc", None, b"", 0).unwrap();
    fixture.client.request_many(old, b"svc", None, b"", 2, 0).unwrap();
    let shared = peer.line();
    drop(peer);
    fixture.sink.skip_to("status reconnecting");
    let mut peer = server.accept_connected();
    assert_eq!(peer.line(), shared);
    let own = peer.line();
    peer.expect("UNSUB 2 2\r\n");
    let inbox = shared
        .strip_prefix("SUB ")
        .unwrap()
        .strip_suffix(".*  1\r\n")
        .unwrap();
    let own_inbox = own.strip_prefix("SUB ").unwrap().strip_suffix("  2\r\n").unwrap();
    peer.send(&format!(
        "MSG {own_inbox} 2 1\r\no\r\nMSG {inbox}.{new} 1 1\r\nn\r\n"
    ));
    fixture.sink.skip_to(&format!("reply {old} o"));
    assert_eq!(fixture.sink.next(), format!("reply {new} n last"));
    fixture.publish("end", b"");
    peer.expect("PUB end  0\r\n\r\n");
}

#[test]
fn a_half_written_message_is_not_resent() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |options| options.outbox_size = 64 << 20);
    fixture.publish("big", &vec![b'x'; 32 << 20]);
    peer.expect("PUB big  33554432\r\nx");
    fixture.publish("small", b"1");
    fixture.subscribe("foo", 0);
    drop(peer);
    fixture.sink.skip_to("status reconnecting");
    let mut peer = server.accept_connected();
    peer.expect("SUB foo  1\r\nPUB small  1\r\n1\r\n");
    fixture.ping(0);
    peer.expect("PING\r\n");
}

#[test]
fn a_server_that_accepts_and_drops_is_not_redialled_in_a_loop() {
    let server = Server::start();
    let (fixture, peer) = connected(&server, |options| options.reconnect_time_wait = 2000);
    drop(peer);
    let lost = Instant::now();
    let peer = server.accept_connected();
    assert!(
        lost.elapsed() < Duration::from_millis(2000),
        "the first redial is immediate"
    );
    let lost = Instant::now();
    drop(peer);
    let _peer = server.accept_connected();
    assert!(
        lost.elapsed() >= Duration::from_millis(1995),
        "{:?}",
        lost.elapsed()
    );
    fixture.sink.skip_to("status connected");
}

#[test]
fn failures_wait_and_end_in_lost_with_what_was_accepted() {
    let server = Server::start();
    let (fixture, peer) = connected(&server, |options| {
        options.reconnect_time_wait = 50;
        options.reconnect_jitter = 0;
        options.max_reconnect_attempts = 2;
    });
    let address = server.address();
    let lost = Instant::now();
    drop(server);
    drop(peer);
    fixture.sink.skip_to("status reconnecting");
    fixture.publish("a", b"");
    let told = fixture.sink.take_to("lost");
    assert!(lost.elapsed() >= Duration::from_millis(50));
    let refused = format!("ErrConnectionRefused Failed to connect to {address}: connection refused");
    assert_eq!(told.iter().filter(|line| **line == refused).count(), 2);
    assert_eq!(told[told.len() - 2], "log Error Server pool is empty");
    assert!(fixture.settings.pool.lock().unwrap().is_empty());
    fixture.publish("b", b"");
    assert_eq!(fixture.client.end_of_life(), 2);
    let refused = fixture.client.publish(b"c", b"", None, b"", &mut || true);
    assert_eq!(refused, Err(nats::client::PublishError::Closed));
}

#[test]
fn the_owner_may_set_the_delay() {
    let server = Server::start();
    let (fixture, peer) = connected(&server, |options| {
        options.reconnect_time_wait = 600_000;
        options.max_reconnect_attempts = 3;
        options.ask_delay = true;
    });
    let question = format!("ask delay {}", server.address());
    drop(server);
    drop(peer);
    let told = fixture.sink.take_to("lost");
    assert_eq!(
        told.iter().filter(|line| **line == question).count(),
        2,
        "{told:?}"
    );
}

#[test]
fn without_reconnect_attempts_the_first_loss_is_the_end() {
    let server = Server::start();
    let (fixture, peer) = connected(&server, |options| options.max_reconnect_attempts = 0);
    drop(peer);
    fixture.sink.skip_to("status reconnecting");
    assert_eq!(
        fixture.sink.take_to("lost"),
        ["log Error Server pool is empty", "lost"]
    );
}

#[test]
fn deadlines_run_while_there_is_no_connection() {
    let server = Server::start();
    let fixture = connect(&[&server.url()], |_| {});
    let _silent = server.accept();
    let id = fixture.settings.next_request_id();
    fixture.client.request(id, b"svc", None, b"", 20).unwrap();
    fixture.sink.skip_to(&format!("request timeout {id}"));
}
