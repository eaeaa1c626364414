//! The gate, and the end of a life on request.

use std::sync::Arc;

use bytes::BytesMut;
use shuttle::future::block_on;
use shuttle::sync::atomic::{AtomicBool, Ordering};
use shuttle::thread;
use tokio::sync::Notify;

use super::super::event::{Event, EventSink, LogLevel};
use super::super::gate::Gate;
use super::super::life::Life;
use super::super::session::End;
use super::super::settings::Settings;
use super::check;
use super::pipe::{connect, payloads, read_to_end};
use crate::protocol::encode;
use crate::sync::lock;

/// An owner that must not hear anything once it has ended.
#[derive(Default)]
struct Owner {
    ended: AtomicBool,
    room: Notify,
}

impl EventSink for Owner {
    fn deliver(&self, batch: &mut Vec<Event>) {
        assert!(!self.ended.load(Ordering::SeqCst), "{batch:?} came after the end");
    }

    fn ask(&self, question: Event) {
        self.deliver(&mut vec![question]);
    }

    fn has_room(&self) -> bool {
        true
    }

    fn room(&self) -> &Notify {
        &self.room
    }

    fn wants_log(&self, _: LogLevel) -> bool {
        false
    }
}

#[test]
fn no_event_comes_once_the_gate_is_shut() {
    check(|| {
        let owner = Arc::new(Owner::default());
        let gate = Arc::new(Gate::new(owner.clone()));
        for urgent in [false, true] {
            let gate = gate.clone();
            thread::spawn(move || {
                if urgent {
                    gate.ask(Event::DrainTimeout);
                } else {
                    gate.deliver(&mut vec![Event::Lost]);
                }
            });
        }
        gate.shut();
        owner.ended.store(true, Ordering::SeqCst);
    });
}

/// A life with a session, whose task runs to its end; the owner publishes and closes at any moment.
fn closing(flush: bool) {
    let owner = Arc::new(Owner::default());
    let settings = Arc::new(Settings::default());
    {
        let mut options = lock(&settings.options);
        options.ping_interval = 0;
        options.outbox_size = 28;
    }
    let life = Arc::new(Life::new(settings, owner.clone()));
    let (mut input, mut server) = connect(&life);
    life.closing.set_started();
    let task = thread::spawn({
        let life = life.clone();
        move || {
            let mut abandon = life.abandon.subscribe();
            block_on(async {
                match life.session(&mut input, &mut abandon).await {
                    End::Closing => life.leave(Some(&mut input.reader)).await,
                    End::Broken(error) => panic!("{}", error.text),
                    End::Abandoned => panic!("nobody asked for another connection"),
                }
            });
            life.closing.set_ended();
        }
    });
    let serving = thread::spawn(move || payloads(&block_on(read_to_end(&mut server))).len());
    let publisher = thread::spawn({
        let life = life.clone();
        move || {
            let encode = |buf: &mut BytesMut| encode::publish(buf, b"s", b"", None, b"xx");
            (0..4)
                .filter(|_| life.outbox.publish(14, encode, &mut || true).is_ok())
                .count()
        }
    });
    let report = life.close(flush);
    owner.ended.store(true, Ordering::SeqCst);
    let accepted = publisher.join().unwrap();
    task.join().unwrap();
    let arrived = serving.join().unwrap();
    assert!(report.connected);
    assert_eq!(
        report.unsent + arrived,
        accepted,
        "what was accepted has come or is counted"
    );
    if flush {
        assert_eq!(report.unsent, 0);
    }
}

#[test]
fn a_close_with_flush_is_answered_and_loses_nothing() {
    check(|| closing(true));
}

#[test]
fn a_close_without_flush_is_answered_and_counts_what_is_lost() {
    check(|| closing(false));
}
