//! A page of stored messages from a server that does not stop.

use std::sync::Arc;
use std::thread;

use nats::jetstream::Context;
use nats::jetstream::batch::BatchError;

use crate::connected;
use crate::server::{Peer, Server};

/// One stored message of a page, as long on the wire as told.
fn stored(inbox: &str, length: usize) -> String {
    let header = "NATS/1.0\r\nNats-Subject: s\r\nNats-Sequence: 1\r\n\
        Nats-Time-Stamp: 2024-01-01T00:00:00Z\r\nNats-Num-Pending: 1\r\n\r\n";
    let head = format!("HMSG {inbox} 1 {} {:07}\r\n{header}", header.len(), 0);
    let payload = length - head.len() - 2;
    let head = head.replace("0000000", &format!("{:07}", header.len() + payload));
    format!("{head}{}\r\n", "x".repeat(payload))
}

/// What a page comes to in which the server sends so many messages of 1 MiB, and then its end.
fn page_of(count: usize) -> Result<usize, String> {
    let server = Server::start();
    let (fixture, peer) = connected(&server, |_| {});
    let context = Context {
        client: fixture.client.clone(),
        prefix: Arc::from("API"),
        timeout: 0,
        trace: false,
        check_subjects: true,
        pins: Arc::default(),
    };
    let sending = thread::spawn(move || send(peer, count));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let page = runtime.block_on(context.last_messages("S", &["s".to_owned()]));
    fixture.client.close(false);
    sending.join().unwrap();
    match page {
        Ok(messages) => Ok(messages.len()),
        Err(BatchError::Failed(error)) => Err(error.to_string()),
        Err(BatchError::Unsupported) => Err("unsupported".to_owned()),
    }
}

fn send(mut peer: Peer, count: usize) {
    let mut line = peer.line();
    if line.starts_with("SUB ") {
        line = peer.line();
    }
    let inbox = line.split_whitespace().nth(2).unwrap();
    let message = stored(inbox, 1 << 20);
    for _ in 0..count {
        peer.send(&message);
    }
    let header = "NATS/1.0 204 EOB\r\nNats-Num-Pending: 0\r\n\r\n";
    let length = header.len();
    peer.send(&format!("HMSG {inbox} 1 {length} {length}\r\n{header}\r\n"));
    peer.rest();
}

#[test]
fn a_page_is_as_large_as_was_asked_for_and_one_message_more() {
    let bound = 2 * 4 + 65;
    assert_eq!(page_of(bound - 1), Ok(bound - 1));
    let error = page_of(bound + 1).unwrap_err();
    assert_eq!(
        error,
        "The reply to API.DIRECT.GET.S is not understood: it does not end"
    );
}
