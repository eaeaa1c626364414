//! Requests and subscriptions of the engine's own operations.

use std::future::Future;
use std::time::Duration;

use nats::client::background::{CallError, Items, Listener, Outlet};

use crate::server::{Peer, Server};
use crate::{Fixture, PATIENCE, connected};

/// Runs a future to its end on this thread.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::timeout(PATIENCE, future)
            .await
            .expect("it takes too long")
    })
}

/// Reads the request `PUB <subject> <reply> 1`, `q`; returns its reply subject.
fn reply_to(peer: &mut Peer, subject: &str) -> String {
    let mut line = peer.line();
    if line.starts_with("SUB ") {
        line = peer.line();
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!((words[0], words[1], words[3]), ("PUB", subject, "1"));
    peer.expect("q\r\n");
    words[2].to_owned()
}

fn texts(listener: &mut Listener, count: usize) -> Vec<String> {
    wait(async {
        let mut texts = Vec::new();
        while texts.len() < count {
            let message = listener.recv().await.expect("a message");
            texts.push(String::from_utf8_lossy(message.payload()).into_owned());
        }
        texts
    })
}

#[test]
fn a_call_gets_its_reply_and_the_owner_hears_nothing_of_it() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    let call = fixture.client.call(b"svc", None, b"q", 0);
    let inbox = reply_to(&mut peer, "svc");
    peer.send(&format!("MSG {inbox} 1 2\r\nok\r\n"));
    assert_eq!(wait(call).unwrap().payload(), b"ok");
    pong_is_next(&fixture, &mut peer);
}

/// Nothing was told to the owner before the PONG of a ping.
fn pong_is_next(fixture: &Fixture, peer: &mut Peer) {
    let id = fixture.ping(0);
    peer.expect("PING\r\n");
    peer.send("PONG\r\n");
    assert_eq!(fixture.sink.next(), format!("pong {id}"));
}

#[test]
fn a_call_without_listeners_a_late_one_and_one_at_the_end_of_the_life_have_errors() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    let nobody = fixture.client.call(b"svc", None, b"q", 0);
    let inbox = reply_to(&mut peer, "svc");
    peer.send(&format!("HMSG {inbox} 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\n"));
    assert_eq!(wait(nobody).unwrap_err(), CallError::NoResponders);
    let late = fixture.client.call(b"svc", None, b"q", 20);
    assert_eq!(wait(late).unwrap_err(), CallError::Timeout);
    let ended = fixture.client.call(b"svc", None, b"q", 0);
    fixture.client.close(false);
    assert_eq!(wait(ended).unwrap_err(), CallError::Ended);
    let after = fixture.client.call(b"svc", None, b"q", 0);
    assert!(wait(after).is_err());
}

#[test]
fn a_message_beyond_the_server_s_limit_is_not_sent() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    let max = fixture.client.server_info().unwrap().max_payload().unwrap();
    let call = fixture.client.call(b"svc", None, &vec![b'x'; max + 1], 0);
    assert_eq!(wait(call).unwrap_err(), CallError::MaxPayload(max));
    pong_is_next(&fixture, &mut peer);
}

#[test]
fn a_listener_gets_its_messages_over_sessions_until_its_limit() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |options| options.reconnect_time_wait = 0);
    let mut sessions = fixture.client.sessions();
    let mut listener = fixture.client.listen(b"a", 3);
    assert_eq!(peer.line(), "SUB a  1\r\n");
    assert_eq!(peer.line(), "UNSUB 1 3\r\n");
    peer.send("MSG a 1 1\r\n1\r\nMSG a 1 1\r\n2\r\n");
    assert_eq!(texts(&mut listener, 2), ["1", "2"]);
    assert_eq!(sessions.current().number, 1);
    drop(peer);
    let mut peer = server.accept();
    peer.shake_hands();
    assert_eq!(peer.line(), "SUB a  1\r\n");
    assert_eq!(peer.line(), "UNSUB 1 1\r\n");
    wait(async { while sessions.changed().await.number < 2 {} });
    assert!(sessions.current().connected);
    peer.send("MSG a 1 1\r\n3\r\n");
    assert_eq!(texts(&mut listener, 1), ["3"]);
    assert!(wait(listener.recv()).is_none());
}

#[test]
fn a_listener_that_goes_away_unsubscribes() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    let listener = fixture.client.listen(b"a", 0);
    assert_eq!(peer.line(), "SUB a  1\r\n");
    drop(listener);
    assert_eq!(peer.line(), "UNSUB 1\r\n");
}

#[test]
fn the_owner_hears_of_items_in_order_and_of_a_panic() {
    let server = Server::start();
    let (fixture, _peer) = connected(&server, |_| {});
    let items: Items<u8> = Items::default();
    let outlet = Outlet::new(fixture.client.clone(), 7, items.clone());
    let task = fixture.client.spawn(7, async move {
        outlet.send(1, 0);
        outlet.send_all([(2, 0), (3, 0)]);
        tokio::time::sleep(Duration::from_millis(1)).await;
        panic!("a defect");
    });
    for _ in 0..3 {
        assert_eq!(fixture.sink.next(), "item 7");
    }
    assert_eq!(fixture.sink.next(), "failed 7");
    assert_eq!(items.lock().unwrap().make_contiguous(), [1, 2, 3]);
    drop(task);
}

#[test]
fn what_operations_publish_goes_out_at_once() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    fixture.client.send(b"a", b"r", b"hi").unwrap();
    assert_eq!(peer.line(), "PUB a r 2\r\n");
    peer.expect("hi\r\n");
    fixture.client.close(false);
    assert!(fixture.client.send(b"a", b"", b"hi").is_err());
}

#[test]
fn a_listener_that_drains_gets_what_was_on_its_way() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    let mut listener = fixture.client.listen(b"a", 0);
    assert_eq!(peer.line(), "SUB a  1\r\n");
    listener.drain();
    assert_eq!(peer.line(), "UNSUB 1\r\n");
    let answer = std::thread::spawn(move || {
        peer.expect("PING\r\n");
        peer.send("MSG a 1 4\r\nlate\r\nPONG\r\n");
        peer
    });
    assert!(wait(fixture.client.round_trip()));
    assert_eq!(listener.try_recv().unwrap().payload(), b"late");
    listener.unsubscribe();
    let mut peer = answer.join().unwrap();
    fixture.client.send(b"next", b"", b"").unwrap();
    assert_eq!(peer.line(), "PUB next  0\r\n");
}

#[test]
fn a_round_trip_does_not_outlive_its_session() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |options| options.reconnect_time_wait = 0);
    let cut = std::thread::spawn(move || peer.expect("PING\r\n"));
    assert!(!wait(fixture.client.round_trip()));
    cut.join().unwrap();
    let mut peer = server.accept();
    peer.shake_hands();
    fixture.client.send(b"a", b"", b"").unwrap();
    assert_eq!(peer.line(), "PUB a  0\r\n");
    fixture.client.close(false);
    assert!(!wait(fixture.client.round_trip()));
}
