//! The mailbox and the inbox of an interpreter's thread.

use std::collections::VecDeque;
use std::sync::Arc;

use shuttle::future::block_on;
use shuttle::sync::atomic::{AtomicBool, Ordering};
use shuttle::sync::{Condvar, Mutex};
use shuttle::thread;

use super::check;
use crate::mailbox::{Bound, Receiver, Sender, Weight, mailbox};
use crate::tcl::inbox::Inbox;

/// By whom, and the how manieth.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Item {
    sender: usize,
    number: usize,
}

impl Weight for Item {
    fn weight(&self) -> usize {
        1
    }
}

/// What the event loop waits for: `Tcl_ThreadAlert` rings it.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    rings: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.rung.lock().unwrap() = true;
        self.rings.notify_one();
    }

    fn wait(&self) {
        let mut rung = self.rung.lock().unwrap();
        while !*rung {
            rung = self.rings.wait(rung).unwrap();
        }
        *rung = false;
    }
}

type Thread = Arc<Inbox<Arc<Bell>>>;

/// A mailbox that is the thread's source of this key.
fn source(thread: &Thread, key: u64, items: usize) -> Receiver<Item> {
    let inbox = thread.clone();
    let wake = Box::new(move || inbox.announce(key, |bell| bell.ring()));
    mailbox(
        Bound {
            items,
            bytes: usize::MAX,
        },
        wake,
    )
}

/// The thread's event loop until it has so many items, as `tcl::notifier` goes about it: it blocks
/// only if there is nothing to do, collects, and takes one item of the source whose turn it is.
fn serve(thread: &Thread, bell: &Bell, sources: &[Receiver<Item>], count: usize) -> Vec<Item> {
    let mut turns = VecDeque::new();
    let mut taken = Vec::new();
    while taken.len() < count {
        if turns.is_empty() && !thread.has_news() {
            bell.wait();
        }
        turns.extend(thread.collect());
        let Some(key) = turns.pop_front() else { continue };
        if let Some(item) = sources[key as usize].take() {
            taken.push(item);
            turns.push_back(key);
        }
    }
    taken
}

fn send_two_batches(to: &Sender<Item>, sender: usize) {
    let item = |number| Item { sender, number };
    to.send(&mut vec![item(0), item(1)]);
    to.send(&mut vec![item(2)]);
}

#[test]
fn whatever_is_sent_wakes_the_thread_and_comes_in_order() {
    check(|| {
        let bell = Arc::new(Bell::default());
        let thread: Thread = Arc::new(Inbox::new(bell.clone()));
        let sources: Vec<_> = (0..2).map(|key| source(&thread, key, usize::MAX)).collect();
        let senders: Vec<_> = sources
            .iter()
            .map(|source| Arc::new(source.start_epoch()))
            .collect();
        for (sender, to) in [(0, 0), (1, 0), (2, 1)] {
            let to = senders[to].clone();
            thread::spawn(move || send_two_batches(&to, sender));
        }
        let urgent = senders[0].clone();
        thread::spawn(move || urgent.send_first(Item { sender: 3, number: 0 }));
        let taken = serve(&thread, &bell, &sources, 10);
        for sender in 0..4 {
            let of_sender = taken.iter().filter(|item| item.sender == sender);
            let numbers: Vec<_> = of_sender.map(|item| item.number).collect();
            assert_eq!(numbers, if sender == 3 { vec![0] } else { vec![0, 1, 2] });
        }
    });
}

/// As a session does it before it reads on.
fn send_when_there_is_room(to: &Sender<Item>, sender: usize, count: usize) {
    for number in 0..count {
        while !to.has_room() {
            block_on(to.room().notified());
        }
        to.send(&mut vec![Item { sender, number }]);
    }
}

#[test]
fn a_sender_that_waits_for_room_hears_of_it() {
    check(|| {
        let bell = Arc::new(Bell::default());
        let thread: Thread = Arc::new(Inbox::new(bell.clone()));
        let sources = [source(&thread, 0, 2)];
        let sender = sources[0].start_epoch();
        thread::spawn(move || send_when_there_is_room(&sender, 0, 6));
        let taken = serve(&thread, &bell, &sources, 6);
        assert!(taken.iter().map(|item| item.number).eq(0..6));
        assert_eq!(sources[0].pending().items, 0);
    });
}

#[test]
fn a_sender_that_waits_for_room_hears_of_a_larger_bound_and_of_the_end() {
    check(|| {
        let receiver = mailbox(Bound { items: 1, bytes: 1 }, Box::new(|| {}));
        let sender = receiver.start_epoch();
        let sending = thread::spawn(move || send_when_there_is_room(&sender, 0, 4));
        receiver.set_bound(Bound { items: 2, bytes: 2 });
        drop(receiver);
        sending.join().unwrap();
    });
}

#[test]
fn nothing_of_an_earlier_epoch_comes_in_a_later_one() {
    check(|| {
        let bell = Arc::new(Bell::default());
        let thread: Thread = Arc::new(Inbox::new(bell.clone()));
        let sources = [source(&thread, 0, 2)];
        let old = sources[0].start_epoch();
        let sending = thread::spawn(move || send_when_there_is_room(&old, 0, 4));
        sources[0].take();
        let new = sources[0].start_epoch();
        thread::spawn(move || send_two_batches(&new, 1));
        let taken = serve(&thread, &bell, &sources, 3);
        assert!(taken.iter().all(|item| item.sender == 1), "{taken:?}");
        sending.join().unwrap();
        assert_eq!(sources[0].pending().items, 0);
    });
}

#[test]
fn a_thread_that_has_ended_is_not_alerted() {
    check(|| {
        let ended = Arc::new(AtomicBool::new(false));
        let inbox = Arc::new(Inbox::new(ended.clone()));
        for key in 0..2 {
            let inbox = inbox.clone();
            thread::spawn(move || {
                inbox.announce(key, |ended: &Arc<AtomicBool>| {
                    assert!(!ended.load(Ordering::SeqCst));
                });
            });
        }
        inbox.collect();
        inbox.close();
        ended.store(true, Ordering::SeqCst);
    });
}
