//! An established connection: subscriptions, messages, PINGs, errors.

use std::thread::sleep;
use std::time::Duration;

use crate::connected;
use crate::server::Server;

#[test]
fn subscriptions_on_the_wire_and_their_messages() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    let plain = fixture.subscribe("a.*", 0);
    let limited = fixture.subscribe("b", 2);
    let queued = fixture.settings.next_sid();
    fixture.client.subscribe(queued, b"c", b"q", 0);
    peer.expect("SUB a.*  1\r\nSUB b  2\r\nUNSUB 2 2\r\nSUB c q 3\r\n");
    peer.send("MSG a.x 1 2\r\nhi\r\nMSG b 2 r 1\r\n1\r\nMSG gone 9 1\r\n?\r\nHMSG b 2 12 13\r\n");
    peer.send("NATS/1.0\r\n\r\n2\r\nMSG b 2 1\r\n3\r\nMSG c 3 0\r\n\r\n");
    for expected in [
        format!("message {plain} a.x hi"),
        format!("message {limited} b 1"),
        format!("message {limited} b 2"),
        format!("message {queued} c "),
    ] {
        assert_eq!(fixture.sink.next(), expected);
    }
    fixture.client.unsubscribe(limited, 0);
    fixture.client.unsubscribe(plain, 5);
    fixture.client.unsubscribe(queued, 1);
    peer.expect("UNSUB 1 5\r\nUNSUB 3\r\n");
}

#[test]
fn operations_keep_their_order() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    let header = b"NATS/1.0\r\na: 1\r\n\r\n";
    fixture
        .client
        .publish(b"s", b"r", Some(header), b"hi", &mut || true)
        .unwrap();
    fixture.subscribe("foo", 0);
    fixture.publish("t", b"");
    fixture.ping(0);
    fixture.publish("u", b"x\r\n");
    peer.expect("HPUB s r 18 20\r\nNATS/1.0\r\na: 1\r\n\r\nhi\r\nSUB foo  1\r\n");
    peer.expect("PUB t  0\r\n\r\nPING\r\nPUB u  3\r\nx\r\n\r\n");
}

#[test]
fn pongs_answer_pings_in_order_behind_the_messages() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    fixture.subscribe("a", 0);
    let late = fixture.ping(20);
    assert_eq!(fixture.sink.next(), format!("ping timeout {late}"));
    let waiting = fixture.ping(0);
    peer.expect("SUB a  1\r\nPING\r\nPING\r\n");
    peer.send("PONG\r\nMSG a 1 1\r\nx\r\nPONG\r\nPONG\r\nMSG a 1 1\r\ny\r\n");
    assert_eq!(fixture.sink.next(), "message 1 a x");
    assert_eq!(fixture.sink.next(), format!("pong {waiting}"));
    assert_eq!(fixture.sink.next(), "message 1 a y");
}

#[test]
fn a_server_s_ping_is_answered() {
    let server = Server::start();
    let (_fixture, mut peer) = connected(&server, |_| {});
    peer.send("PING\r\n");
    peer.expect("PONG\r\n");
}

#[test]
fn errors_of_the_server() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    peer.send("-ERR 'Permissions Violation for Publish to \"x\"'\r\n");
    peer.send("INFO {\"ldm\":true}\r\n-ERR 'Boom'\r\n");
    assert_eq!(
        fixture.sink.take_to("status reconnecting"),
        [
            "log Warn permissions violation for publish to \"x\"",
            "ErrPermissions permissions violation for publish to \"x\"",
            "info merge ldm",
            "lame duck",
            "log Warn boom",
            "ErrServer boom",
            "status reconnecting",
        ]
    );
    peer.expect_close();
}

#[test]
fn updates_of_info_cannot_grow_without_end() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    for n in 0..1000 {
        peer.send(&format!("INFO {{\"field{n}\":1}}\r\n"));
    }
    fixture
        .sink
        .skip_to("ErrProtocol Invalid protocol INFO with too many fields");
    assert_eq!(fixture.sink.next(), "status reconnecting");
}

#[test]
fn messages_read_before_a_loss_come_first() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    fixture.subscribe("a", 0);
    peer.expect("SUB a  1\r\n");
    peer.send("MSG a 1 1\r\nx\r\nMSG a 1 100\r\npartial");
    drop(peer);
    let error = format!("Server {} closed the connection", server.address());
    assert_eq!(
        fixture.sink.take_to("status reconnecting"),
        [
            "message 1 a x".to_owned(),
            format!("log Warn {error}"),
            format!("ErrBrokenSocket {error}"),
            "status reconnecting".to_owned(),
        ]
    );
}

#[test]
fn a_reset_has_the_system_s_reason() {
    let server = Server::start();
    let (fixture, peer) = connected(&server, |_| {});
    fixture.publish("unread", b"");
    peer.reset();
    let address = server.address();
    assert_eq!(
        fixture.sink.take_to("status reconnecting")[1],
        format!("ErrBrokenSocket Connection to {address} broken - connection reset by peer")
    );
}

#[test]
fn a_silent_server_is_stale_at_the_third_tick() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |options| options.ping_interval = 20);
    assert_eq!(
        fixture.sink.take_to("status reconnecting")[1],
        "ErrStaleConnection The server did not respond to 2 PINGs"
    );
    assert_eq!(peer.rest(), "PING\r\nPING\r\n");
}

#[test]
fn any_pong_satisfies_the_keep_alive() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |options| {
        options.ping_interval = 700;
        options.max_outstanding_pings = 2;
    });
    for _ in 0..4 {
        peer.expect("PING\r\n");
        peer.send("PONG\r\n");
    }
    let id = fixture.ping(0);
    let pings = peer.line();
    assert_eq!(pings, "PING\r\n");
    peer.send("PONG\r\nPONG\r\n");
    assert_eq!(fixture.sink.next(), format!("pong {id}"));
}

#[test]
fn the_keep_alive_stands_still_while_the_owner_has_no_room() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |options| {
        options.ping_interval = 1000;
        options.max_outstanding_pings = 1;
    });
    fixture.subscribe("a", 0);
    peer.expect("SUB a  1\r\n");
    fixture.sink.set_full(true);
    peer.send("MSG a 1 1\r\nx\r\n");
    assert_eq!(fixture.sink.next(), "message 1 a x");
    assert_eq!(fixture.sink.next(), "slow consumer");
    // Without standing still, the second tick would break the connection.
    sleep(Duration::from_millis(2500));
    peer.send("PONG\r\nMSG a 1 1\r\ny\r\n");
    fixture.sink.set_full(false);
    assert_eq!(fixture.sink.next(), "message 1 a y");
    peer.expect("PING\r\n");
    peer.send("PONG\r\n");
    peer.expect("PING\r\n");
}
