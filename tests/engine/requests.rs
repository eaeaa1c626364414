//! Requests of both styles.

use nats::client::PublishError;

use crate::server::{Peer, Server};
use crate::{Fixture, connected};

/// Sends a new-style request to `svc`; returns its ID.
fn request(fixture: &Fixture, timeout_ms: u64) -> u64 {
    let id = fixture.settings.next_request_id();
    fixture
        .client
        .request(id, b"svc", None, b"q", timeout_ms)
        .unwrap();
    id
}

fn request_many(fixture: &Fixture, max: u64, timeout_ms: u64) -> u64 {
    let id = fixture.settings.next_request_id();
    fixture
        .client
        .request_many(id, b"svc", None, b"q", max, timeout_ms)
        .unwrap();
    id
}

/// Reads `PUB svc <reply> 1` with its payload; returns the reply subject.
fn reply_subject(peer: &mut Peer) -> String {
    let line = peer.line();
    let reply = line
        .strip_prefix("PUB svc ")
        .and_then(|rest| rest.strip_suffix(" 1\r\n"));
    let reply = reply.unwrap_or_else(|| panic!("{line}")).to_owned();
    peer.expect("q\r\n");
    reply
}

/// Reads the subscription to the shared inbox; returns the inbox.
fn shared_inbox(peer: &mut Peer) -> String {
    let line = peer.line();
    let inbox = line
        .strip_prefix("SUB ")
        .and_then(|rest| rest.strip_suffix(".*  1\r\n"));
    inbox.unwrap_or_else(|| panic!("{line}")).to_owned()
}

#[test]
fn new_style_requests_share_an_inbox_and_take_the_first_reply() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    let (first, second) = (request(&fixture, 0), request(&fixture, 0));
    let inbox = shared_inbox(&mut peer);
    assert_eq!(inbox.len(), 29);
    assert_eq!(reply_subject(&mut peer), format!("{inbox}.{first}"));
    assert_eq!(reply_subject(&mut peer), format!("{inbox}.{second}"));
    peer.send(&format!(
        "MSG {inbox}.{second} 1 1\r\n2\r\nMSG {inbox}.{second} 1 1\r\nx\r\n"
    ));
    peer.send(&format!("MSG {inbox}.77 1 1\r\nx\r\n"));
    peer.send(&format!(
        "HMSG {inbox}.{first} 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n"
    ));
    assert_eq!(fixture.sink.next(), format!("reply {second} 2 last"));
    assert_eq!(fixture.sink.next(), format!("reply {first}  last"));
}

#[test]
fn old_style_requests_have_a_limited_subscription_of_their_own() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    let id = request_many(&fixture, 2, 0);
    let sub = peer.line();
    let inbox = sub
        .strip_prefix("SUB ")
        .unwrap()
        .strip_suffix("  1\r\n")
        .unwrap()
        .to_owned();
    peer.expect("UNSUB 1 2\r\n");
    assert_eq!(reply_subject(&mut peer), inbox);
    for payload in ["a", "b", "c"] {
        peer.send(&format!("MSG {inbox} 1 1\r\n{payload}\r\n"));
    }
    peer.send("PING\r\n");
    peer.expect("PONG\r\n");
    assert_eq!(fixture.sink.next(), format!("reply {id} a"));
    assert_eq!(fixture.sink.next(), format!("reply {id} b last"));
    assert!(!fixture.client.cancel(id), "it is forgotten");
}

#[test]
fn no_responders_end_an_old_style_request_at_once() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    let id = request_many(&fixture, 0, 0);
    let sub = peer.line();
    let inbox = sub
        .strip_prefix("SUB ")
        .unwrap()
        .strip_suffix("  1\r\n")
        .unwrap()
        .to_owned();
    reply_subject(&mut peer);
    peer.send(&format!("HMSG {inbox} 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n"));
    assert_eq!(fixture.sink.next(), format!("reply {id}  last"));
    peer.expect("UNSUB 1\r\n");
}

#[test]
fn a_request_larger_than_the_socket_takes_at_once_arrives_whole() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    request(&fixture, 0);
    let inbox = shared_inbox(&mut peer);
    reply_subject(&mut peer);
    let payload = "0123456789".repeat(1 << 20);
    let id = fixture.settings.next_request_id();
    fixture
        .client
        .request(id, b"svc", None, payload.as_bytes(), 0)
        .unwrap();
    fixture.publish("behind", b"");
    peer.expect(&format!("PUB svc {inbox}.{id} {}\r\n", payload.len()));
    peer.expect(&payload);
    peer.expect("\r\nPUB behind  0\r\n\r\n");
}

#[test]
fn deadlines_end_requests_in_their_order() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    let slow = request(&fixture, 2000);
    let quick = request_many(&fixture, 3, 20);
    let never = request(&fixture, u64::MAX);
    assert_eq!(fixture.sink.next(), format!("request timeout {quick}"));
    assert_eq!(fixture.sink.next(), format!("request timeout {slow}"));
    let inbox = shared_inbox(&mut peer);
    reply_subject(&mut peer);
    peer.line();
    peer.expect("UNSUB 2 3\r\n");
    reply_subject(&mut peer);
    reply_subject(&mut peer);
    peer.expect("UNSUB 2\r\n");
    peer.send(&format!(
        "MSG {inbox}.{slow} 1 1\r\nx\r\nMSG {inbox}.{never} 1 1\r\ny\r\n"
    ));
    assert_eq!(fixture.sink.next(), format!("reply {never} y last"));
}

#[test]
fn a_cancelled_request_is_never_heard_of() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    let id = request_many(&fixture, 2, 2000);
    assert!(fixture.client.cancel(id));
    assert!(!fixture.client.cancel(id));
    let later = request_many(&fixture, 2, 2020);
    assert_eq!(fixture.sink.next(), format!("request timeout {later}"));
    peer.line();
    peer.expect("UNSUB 1 2\r\n");
    reply_subject(&mut peer);
    peer.expect("UNSUB 1\r\n");
}

#[test]
fn a_request_that_could_not_be_sent_leaves_nothing() {
    let server = Server::start();
    let (fixture, _peer) = connected(&server, |_| {});
    fixture.client.close(true);
    for _ in 0..2 {
        let id = fixture.settings.next_request_id();
        let refused = fixture.client.request(id, b"svc", None, b"q", 10);
        assert_eq!(refused, Err(PublishError::Closed));
        let refused = fixture.client.request_many(id, b"svc", None, b"q", 1, 10);
        assert_eq!(refused, Err(PublishError::Closed));
        assert!(!fixture.client.cancel(id));
    }
}
