//! What is new since the 3.2 API, on the wire.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use crate::server::Server;
use crate::{connect, connected};

#[test]
fn a_forced_reconnect_waits_for_nothing_and_loses_nothing_that_the_socket_took() {
    let server = Server::start();
    let (fixture, mut old) = connected(&server, |options| options.reconnect_time_wait = 600_000);
    fixture.subscribe("a", 0);
    fixture.publish("p", b"1");
    old.expect("SUB a  1\r\n");
    // Unread input would make a plain close reset the connection.
    old.send("MSG a 1 1\r\nx\r\n");
    fixture.sink.skip_to("message 1 a x");
    fixture.client.force_reconnect();
    fixture.sink.skip_to("status reconnecting");
    fixture.publish("q", b"2");
    old.send("MSG a 1 1\r\ny\r\n");
    let mut new = server.accept_connected();
    new.expect("SUB a  1\r\nPUB q  1\r\n2\r\n");
    assert_eq!(old.rest(), "PUB p  1\r\n1\r\n");
    assert_eq!(
        fixture.sink.take_to("status connected").last().unwrap(),
        "status connected"
    );
}

#[test]
fn a_forced_reconnect_ends_a_delay() {
    let server = Server::start();
    let (fixture, peer) = connected(&server, |options| {
        options.reconnect_time_wait = 600_000;
        options.reconnect_jitter = 0;
    });
    drop(peer);
    // The first redial has no delay; the server drops it before the handshake.
    drop(server.accept());
    fixture.sink.skip_to("status reconnecting");
    let failed = format!(
        "ErrBrokenSocket Server {} closed the connection",
        server.address()
    );
    fixture.sink.skip_to(&failed);
    fixture.client.force_reconnect();
    let _peer = server.accept_connected();
    fixture.sink.skip_to("status connected");
}

#[test]
fn a_wish_for_another_connection_does_not_hit_the_one_that_comes() {
    let server = Server::start();
    let fixture = connect(&[&server.url()], |_| {});
    let mut peer = server.accept();
    fixture.client.force_reconnect();
    peer.shake_hands();
    fixture.sink.skip_to("status connected");
    let id = fixture.ping(0);
    peer.expect("PING\r\n");
    peer.send("PONG\r\n");
    assert_eq!(fixture.sink.next(), format!("pong {id}"));
}

#[test]
fn drain_ends_the_subscriptions_and_pings_behind_everything() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    fixture.subscribe("a", 0);
    let request = fixture.settings.next_request_id();
    fixture.client.request(request, b"svc", None, b"", 0).unwrap();
    peer.expect("SUB a  1\r\n");
    assert!(peer.line().starts_with("SUB _INBOX."));
    assert!(peer.line().starts_with("PUB svc _INBOX."));
    peer.expect("\r\n");
    fixture.publish("p", b"1");
    let id = fixture.settings.next_request_id();
    fixture.client.drain(id, 0);
    peer.expect("PUB p  1\r\n1\r\nUNSUB 1\r\nPING\r\n");
    peer.send("MSG a 1 1\r\nx\r\nPONG\r\n");
    assert_eq!(fixture.sink.next(), "message 1 a x");
    assert_eq!(fixture.sink.next(), format!("pong {id}"));
}

#[test]
fn a_drain_that_takes_too_long_is_told() {
    let server = Server::start();
    let (fixture, _peer) = connected(&server, |_| {});
    fixture.client.drain(fixture.settings.next_request_id(), 20);
    assert_eq!(fixture.sink.next(), "drain timeout");
}

#[test]
fn a_first_round_that_is_retried_goes_by_the_rules_of_a_reconnect() {
    let server = Server::start();
    let fixture = connect(&[&server.url()], |options| {
        options.retry_on_initial_connect = true;
        options.reconnect_time_wait = 60;
        options.reconnect_jitter = 0;
        options.max_reconnect_attempts = 3;
    });
    let peer = server.accept();
    let failed = Instant::now();
    drop(peer);
    drop(server.accept());
    assert!(
        failed.elapsed() >= Duration::from_millis(55),
        "{:?}",
        failed.elapsed()
    );
    drop(server.accept());
    let told = fixture.sink.take_to("lost");
    assert_eq!(told[told.len() - 2], "log Error Server pool is empty");
    assert!(fixture.settings.pool.lock().unwrap().is_empty());
}

#[test]
fn a_first_round_that_is_retried_tries_each_server_even_without_reconnecting() {
    let server = Server::start();
    let fixture = connect(&[&server.url()], |options| {
        options.retry_on_initial_connect = true;
        options.max_reconnect_attempts = 0;
    });
    let _peer = server.accept_connected();
    fixture.sink.skip_to("status connected");
}

#[test]
fn a_login_that_is_refused_again_and_again_is_given_up() {
    let server = Server::start();
    let (fixture, peer) = connected(&server, |options| {
        options.auth_error_limit = 3;
        options.reconnect_time_wait = 1;
        options.reconnect_jitter = 0;
    });
    drop(peer);
    for _ in 0..3 {
        let mut peer = server.accept();
        peer.send("INFO {}\r\n-ERR 'Authorization Violation'\r\n");
    }
    let told = fixture.sink.take_to("lost");
    let refused = "ErrAuthorization authorization violation";
    assert_eq!(told.iter().filter(|line| *line == refused).count(), 3, "{told:?}");
    assert_eq!(told[told.len() - 2], "log Error Server pool is empty");
}

#[test]
fn announced_servers_may_be_ignored() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |options| options.ignore_discovered_servers = true);
    peer.send("INFO {\"connect_urls\":[\"10.0.0.1:1\"]}\r\n");
    assert_eq!(fixture.sink.next(), "info merge connect_urls");
    assert_eq!(fixture.settings.pool.lock().unwrap().len(), 1);
    fixture.settings.options.lock().unwrap().ignore_discovered_servers = false;
    peer.send("INFO {\"connect_urls\":[\"10.0.0.1:1\"]}\r\n");
    assert_eq!(fixture.sink.next(), "info merge connect_urls");
    assert_eq!(fixture.sink.next(), "discovered nats://10.0.0.1:1");
    assert_eq!(fixture.settings.pool.lock().unwrap().len(), 2);
}

#[test]
fn lame_duck_is_told_once() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    peer.send("INFO {\"ldm\":true}\r\nINFO {\"ldm\":true}\r\nINFO {\"x\":1}\r\n");
    let told = ["info merge ldm", "lame duck", "info merge ldm", "info merge x"];
    for line in told {
        assert_eq!(fixture.sink.next(), line);
    }
}

#[test]
fn a_server_that_drops_an_owner_who_is_behind_is_counted() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |options| options.reconnect_time_wait = 1);
    let drops = || fixture.settings.stats.server_drops.load(Relaxed);
    fixture.sink.set_full(true);
    peer.send("MSG a 9 1\r\nx\r\n");
    fixture.sink.skip_to("slow consumer");
    peer.send("MSG a 9 1\r\ny\r\n");
    drop(peer);
    fixture.sink.set_full(false);
    fixture.sink.skip_to("status reconnecting");
    assert_eq!(drops(), 1);
    let peer = server.accept_connected();
    fixture.sink.skip_to("status connected");
    drop(peer);
    fixture.sink.skip_to("status reconnecting");
    assert_eq!(drops(), 1, "this owner was not behind");
    let mut peer = server.accept_connected();
    peer.send("-ERR 'Slow Consumer'\r\n");
    fixture.sink.skip_to("ErrServer slow consumer");
    fixture.sink.skip_to("status reconnecting");
    assert_eq!(drops(), 2);
}

#[test]
fn pauses_in_quick_succession_are_told_once() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    for pause in 1..=2 {
        fixture.sink.set_full(true);
        // Ends the read that may be under way.
        peer.send("+OK\r\n");
        while fixture.settings.stats.pauses.count() < pause {
            std::thread::yield_now();
        }
        if pause == 1 {
            assert_eq!(fixture.sink.next(), "slow consumer");
        }
        fixture.sink.set_full(false);
        // Its PONG shows that reading goes on.
        let id = fixture.ping(0);
        peer.expect("PING\r\n");
        peer.send("PONG\r\n");
        assert_eq!(fixture.sink.next(), format!("pong {id}"));
    }
}
