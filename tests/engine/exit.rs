//! The end of the process.

use std::process::Command;
use std::time::{Duration, Instant};

use nats::client::{Client, runtime};

use crate::connect;
use crate::server::Server;

const URL: &str = "ENGINE_TEST_URL";
const MESSAGES: usize = 1000;

#[test]
fn an_exit_flushes_every_connection_and_refuses_new_ones() {
    let server = Server::start();
    let this = std::env::current_exe().unwrap();
    let mut child = Command::new(this)
        .args(["--ignored", "--exact", "exit::child"])
        .env(URL, server.url())
        .spawn()
        .unwrap();
    let started = Instant::now();
    let mut peers: Vec<_> = (0..2).map(|_| server.accept_connected()).collect();
    let mut silent = server.accept();
    silent.send("INFO {}\r\n");
    for peer in &mut peers {
        peer.send(&"MSG a 1 1\r\nx\r\n".repeat(MESSAGES));
        peer.expect(&"PUB p  0\r\n\r\n".repeat(MESSAGES));
        peer.expect_close();
    }
    drop(peers);
    assert!(child.wait().unwrap().success());
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
#[ignore = "the process that the test above starts"]
fn child() {
    let url = std::env::var(URL).unwrap();
    let fixtures: Vec<_> = (0..2).map(|_| connect(&[&url], |_| {})).collect();
    for fixture in &fixtures {
        fixture.sink.skip_to("status connected");
        fixture.sink.set_full(true);
    }
    let in_handshake = connect(&[&url], |options| options.connect_timeout = 60_000);
    in_handshake.publish("p", b"");
    in_handshake.sink.skip_to("info replace ");
    for fixture in &fixtures {
        (0..MESSAGES).for_each(|_| fixture.publish("p", b""));
    }
    runtime::shutdown();
    let refused = Client::new(in_handshake.settings.clone(), in_handshake.sink.clone());
    assert_eq!(refused.err().unwrap().text, "The process is exiting");
    assert!(runtime::exiting());
}
