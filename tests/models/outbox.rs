//! Publishers, the writer, and sessions that come and go.

use std::sync::Arc;

use bytes::BytesMut;
use shuttle::future::block_on;
use shuttle::thread::{self, JoinHandle};
use tokio::io::{AsyncReadExt, DuplexStream};
use tokio::sync::Notify;

use super::super::error::PublishError;
use super::super::outbox::{Outbox, Pace};
use super::super::settings::Settings;
use super::check;
use super::pipe::{payloads, pipe, read_to_end};
use crate::protocol::encode;
use crate::sync::lock;

/// Bytes of each message of these models: `PUB s  2`, line ends, and two characters.
const SIZE: usize = 14;

/// An outbox that holds two messages.
fn outbox() -> Arc<Outbox> {
    let settings = Settings::default();
    {
        let mut options = lock(&settings.options);
        options.outbox_size = 2 * SIZE;
        options.reconnect_buf_size = 100 * SIZE;
    }
    Arc::new(Outbox::new(Arc::new(settings)))
}

fn publish(outbox: &Outbox, payload: &str) -> Result<(), PublishError> {
    let encode = |buf: &mut BytesMut| encode::publish(buf, b"s", b"", None, payload.as_bytes());
    outbox.publish(SIZE, encode, &mut || true)
}

/// A publisher in a thread of its own; its result is what was accepted.
fn publisher(outbox: &Arc<Outbox>, name: char, count: usize) -> JoinHandle<Vec<String>> {
    let outbox = outbox.clone();
    thread::spawn(move || {
        let all = (0..count).map(|number| format!("{name}{number}"));
        all.take_while(|payload| publish(&outbox, payload).is_ok())
            .collect()
    })
}

/// A session whose write loop runs in a thread of its own until it is stopped.
struct Session {
    server: DuplexStream,
    stop: Arc<Notify>,
    writer: JoinHandle<()>,
}

impl Session {
    fn begin(outbox: &Arc<Outbox>) -> Session {
        let (socket, server) = pipe();
        outbox.open(Box::new(socket), BytesMut::new(), 0);
        let stop = Arc::new(Notify::new());
        let writing = (outbox.clone(), stop.clone());
        let writer = thread::spawn(move || {
            let (outbox, stop) = writing;
            block_on(async {
                tokio::select! {
                    biased;
                    () = stop.notified() => {}
                    error = outbox.write_loop() => panic!("{error}"),
                }
            });
        });
        Session { server, stop, writer }
    }

    /// Stops writing, wherever that has come to; returns the server's side.
    fn stop(self) -> DuplexStream {
        self.stop.notify_one();
        self.writer.join().unwrap();
        self.server
    }
}

/// The server's side until so many messages have come.
fn receive(server: &mut DuplexStream, count: usize) -> Vec<String> {
    let mut bytes = Vec::new();
    while payloads(&bytes).len() < count {
        assert_ne!(block_on(server.read_buf(&mut bytes)).unwrap(), 0);
    }
    payloads(&bytes)
}

fn assert_in_order(arrived: &[String], name: char, count: usize) {
    let of_name: Vec<_> = arrived
        .iter()
        .filter(|payload| payload.starts_with(name))
        .collect();
    let expected: Vec<_> = (0..count).map(|number| format!("{name}{number}")).collect();
    assert_eq!(of_name, expected.iter().collect::<Vec<_>>());
}

#[test]
fn publishers_that_wait_for_room_go_on_and_the_writer_sleeps_through_nothing() {
    check(|| {
        let outbox = outbox();
        let mut session = Session::begin(&outbox);
        let publishers = [publisher(&outbox, 'a', 4), publisher(&outbox, 'b', 4)];
        let arrived = receive(&mut session.server, 8);
        assert_in_order(&arrived, 'a', 4);
        assert_in_order(&arrived, 'b', 4);
        for publisher in publishers {
            publisher.join().unwrap();
        }
        session.stop();
    });
}

#[test]
fn what_is_written_by_the_caller_meets_what_the_writer_writes() {
    check(|| {
        let outbox = outbox();
        let mut session = Session::begin(&outbox);
        let publisher = publisher(&outbox, 'a', 3);
        let requests = {
            let outbox = outbox.clone();
            thread::spawn(move || {
                for payload in ["r0", "r1", "r2"] {
                    let encode =
                        |buf: &mut BytesMut| encode::publish(buf, b"s", b"", None, payload.as_bytes());
                    let sent = outbox.publish_now(SIZE, Pace::Single, |_| {}, encode);
                    assert_eq!(sent, Ok(()));
                    assert!(outbox.control_now(encode::ping));
                }
            })
        };
        let arrived = receive(&mut session.server, 6);
        assert_in_order(&arrived, 'a', 3);
        assert_in_order(&arrived, 'r', 3);
        publisher.join().unwrap();
        requests.join().unwrap();
        session.stop();
    });
}

#[test]
fn what_is_accepted_comes_by_one_of_two_sessions() {
    check(|| {
        let outbox = outbox();
        let publishers = [publisher(&outbox, 'a', 3), publisher(&outbox, 'b', 3)];
        let mut arrived = Vec::new();
        let mut cut = Session::begin(&outbox).stop();
        drop(outbox.sever());
        arrived.extend(payloads(&block_on(read_to_end(&mut cut))));
        let mut session = Session::begin(&outbox);
        let rest = 6 - arrived.len();
        if rest > 0 {
            arrived.extend(receive(&mut session.server, rest));
        }
        session.stop();
        for publisher in publishers {
            assert_eq!(publisher.join().unwrap().len(), 3);
        }
        assert_in_order(&arrived, 'a', 3);
        assert_in_order(&arrived, 'b', 3);
        assert_eq!(outbox.unsent(), 0);
    });
}

#[test]
fn publishers_that_wait_hear_of_the_end() {
    check(|| {
        let outbox = outbox();
        // Nobody reads, and nobody writes.
        let (socket, _server) = pipe();
        outbox.open(Box::new(socket), BytesMut::new(), 0);
        let publishers = [publisher(&outbox, 'a', 3), publisher(&outbox, 'b', 3)];
        outbox.close();
        let accepted: usize = publishers
            .map(|publisher| publisher.join().unwrap().len())
            .iter()
            .sum();
        assert_eq!(outbox.unsent() + written(&outbox), accepted);
    });
}

/// Messages that publishers have written themselves.
fn written(outbox: &Outbox) -> usize {
    let bytes = outbox
        .settings
        .stats
        .out_bytes
        .load(std::sync::atomic::Ordering::Relaxed);
    bytes as usize / SIZE
}
