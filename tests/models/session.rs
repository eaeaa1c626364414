//! Both bounds at once: an interpreter that publishes to itself does not read meanwhile.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use shuttle::future::block_on;
use shuttle::sync::atomic::{AtomicBool, Ordering};
use shuttle::thread;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::Notify;

use super::super::event::{Event, EventSink, LogLevel};
use super::super::life::Life;
use super::super::settings::Settings;
use super::super::subscriptions::Receiver as For;
use super::check;
use super::pipe::{connect, payloads};
use super::sync::pass;
use crate::mailbox::{Bound, Receiver, Sender, mailbox};
use crate::protocol::encode;
use crate::sync::lock;

const MESSAGES: usize = 6;

/// The way into the mailbox, as `commands::connection` has it.
struct Sink(Sender<Event>);

impl EventSink for Sink {
    fn deliver(&self, batch: &mut Vec<Event>) {
        self.0.send(batch);
    }

    fn ask(&self, question: Event) {
        self.0.send_first(question);
    }

    fn has_room(&self) -> bool {
        self.0.has_room()
    }

    fn room(&self) -> &Notify {
        self.0.room()
    }

    fn wants_log(&self, _: LogLevel) -> bool {
        false
    }
}

/// Sends each message back, and takes no more before that was read.
async fn echo(mut server: DuplexStream) {
    let mut bytes = Vec::new();
    for number in 0..MESSAGES {
        let message = loop {
            let mut ends = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"\r\n"));
            if let Some(end) = ends.nth(1) {
                break bytes.drain(..end + 2).collect::<Vec<_>>();
            }
            assert_ne!(server.read_buf(&mut bytes).await.unwrap(), 0);
        };
        assert_eq!(payloads(&message), [number.to_string()]);
        let answer = format!("MSG s 1 1\r\n{number}\r\n");
        server.write_all(answer.as_bytes()).await.unwrap();
    }
}

fn life(receiver: &Receiver<Event>) -> Arc<Life> {
    let settings = Arc::new(Settings::default());
    {
        let mut options = lock(&settings.options);
        options.outbox_size = 16;
        options.ping_interval = 0;
    }
    let life = Arc::new(Life::new(settings, Arc::new(Sink(receiver.start_epoch()))));
    lock(&life.tables)
        .subscriptions
        .insert(1, b"s", b"", For::Owner, 0);
    life
}

#[test]
fn an_interpreter_that_publishes_more_than_all_bounds_to_itself_comes_to_an_end() {
    check(|| {
        let arrivals = Arc::new(Notify::new());
        let bell = arrivals.clone();
        let bound = Bound { items: 1, bytes: 1 };
        let receiver = mailbox(bound, Box::new(move || bell.notify_one()));
        let life = life(&receiver);
        let (mut input, server) = connect(&life);

        let serving = thread::spawn(move || block_on(echo(server)));
        let session = thread::spawn({
            let life = life.clone();
            move || {
                let mut abandon = life.abandon.subscribe();
                block_on(life.session(&mut input, &mut abandon));
            }
        });
        // Without a second without progress the bound of the outbox would stay the small one.
        let done = Arc::new(AtomicBool::new(false));
        let time = thread::spawn({
            let done = done.clone();
            move || {
                while !done.load(Ordering::SeqCst) {
                    pass(Duration::from_millis(500));
                    thread::yield_now();
                }
            }
        });

        for number in 0..MESSAGES {
            let text = number.to_string();
            let encode = |buf: &mut BytesMut| encode::publish(buf, b"s", b"", None, text.as_bytes());
            assert_eq!(life.outbox.publish(14, encode, &mut || true), Ok(()));
        }
        done.store(true, Ordering::SeqCst);
        time.join().unwrap();
        let mut got = Vec::new();
        while got.len() < MESSAGES {
            match receiver.take() {
                Some(Event::Message { message, .. }) => got.push(message.payload().to_vec()),
                Some(_) => {}
                None => block_on(arrivals.notified()),
            }
        }
        let expected: Vec<_> = (0..MESSAGES)
            .map(|number| number.to_string().into_bytes())
            .collect();
        assert_eq!(got, expected);
        serving.join().unwrap();
        life.begin_close(false);
        session.join().unwrap();
    });
}
