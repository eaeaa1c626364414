//! The way from the runtime's threads to an interpreter's thread.
//!
//! One mailbox per connection: many senders, one [`Receiver`] that stays in its thread. Items come
//! out in the order in which they went in. Sending never blocks and never fails; the bound is kept
//! by the sender's side, which asks [`Sender::has_room`] before it reads more from the network and
//! sleeps on [`Sender::room`] while there is none. So nothing is ever dropped for lack of room.
//!
//! A mailbox has epochs: [`Receiver::start_epoch`] drops what is in it and makes every sender of an
//! earlier epoch send into the void. That is how a closed connection leaves no stale items behind.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::Notify;

use crate::sync::{AtomicBool, AtomicUsize, Mutex, lock};

/// What an item counts against the mailbox's bound; items of weight 0 never fill it.
pub trait Weight {
    fn weight(&self) -> usize;
}

/// The bound: at either limit there is no room, below half of both there is room again.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    pub items: usize,
    pub bytes: usize,
}

/// Wakes the receiver's thread; called when the first item arrives after the receiver found none.
pub type Wake = Box<dyn Fn() + Send + Sync>;

/// Makes an empty mailbox.
pub fn mailbox<T: Weight>(bound: Bound, wake: Wake) -> Receiver<T> {
    let shared = Arc::new(Shared {
        queue: Mutex::new(Queue {
            chunks: VecDeque::new(),
            spare: VecDeque::new(),
            urgent: VecDeque::new(),
            epoch: 0,
            awake: false,
        }),
        items: AtomicUsize::new(0),
        bytes: AtomicUsize::new(0),
        urgent: AtomicBool::new(false),
        bound_items: AtomicUsize::new(bound.items),
        bound_bytes: AtomicUsize::new(bound.bytes),
        room: Arc::default(),
        wake,
    });
    Receiver {
        shared,
        front: RefCell::default(),
        taken: Cell::default(),
    }
}

struct Shared<T> {
    queue: Mutex<Queue<T>>,
    /// Weighty items sent and not yet taken, and their weight.
    items: AtomicUsize,
    bytes: AtomicUsize,
    /// Whether there are urgent items, so that most takes need no lock to know.
    urgent: AtomicBool,
    bound_items: AtomicUsize,
    bound_bytes: AtomicUsize,
    room: Arc<Notify>,
    wake: Wake,
}

struct Queue<T> {
    /// The items in pieces of up to [`CHUNK`], none of them empty: memory goes with the items.
    chunks: VecDeque<VecDeque<T>>,
    /// An empty chunk, whose memory the next one uses.
    spare: VecDeque<T>,
    /// Weightless items that go before all others.
    urgent: VecDeque<T>,
    epoch: u64,
    /// The receiver was woken and has not found the mailbox empty since.
    awake: bool,
}

/// The sending side of one epoch.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
    epoch: u64,
}

/// The receiving side; it stays in its thread.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    /// Items already taken out of the shared queue, so that most takes need no lock.
    front: RefCell<VecDeque<T>>,
    /// Items and bytes taken but not yet given back as room.
    taken: Cell<(usize, usize)>,
}

/// How many items are taken out of the shared queue at once.
const CHUNK: usize = 256;
/// How many items are taken before their room is given back, at most: see [`share`].
const GIVE_BACK: usize = 64;

impl<T: Weight> Sender<T> {
    /// Appends the items in order and leaves `batch` empty.
    pub fn send(&self, batch: &mut Vec<T>) {
        if batch.is_empty() {
            return;
        }
        let mut queue = lock(&self.shared.queue);
        if queue.epoch != self.epoch {
            drop(queue);
            batch.clear();
            return;
        }
        let weights = batch.iter().map(Weight::weight).filter(|weight| *weight > 0);
        let (items, bytes) = weights.fold((0, 0), |(items, bytes), weight| (items + 1, bytes + weight));
        self.shared.items.fetch_add(items, Ordering::Relaxed);
        self.shared.bytes.fetch_add(bytes, Ordering::Relaxed);
        queue.append(batch);
        let wake = !std::mem::replace(&mut queue.awake, true);
        drop(queue);
        if wake {
            (self.shared.wake)();
        }
    }

    /// Puts an item before all others.
    pub fn send_first(&self, item: T) {
        let mut queue = lock(&self.shared.queue);
        if queue.epoch == self.epoch {
            queue.urgent.push_back(item);
            self.shared.urgent.store(true, Ordering::Release);
            let wake = !std::mem::replace(&mut queue.awake, true);
            drop(queue);
            if wake {
                (self.shared.wake)();
            }
        }
    }

    /// Whether the mailbox is below its bound.
    pub fn has_room(&self) -> bool {
        self.shared.items.load(Ordering::Relaxed) < self.shared.bound_items.load(Ordering::Relaxed)
            && self.shared.bytes.load(Ordering::Relaxed) < self.shared.bound_bytes.load(Ordering::Relaxed)
    }

    /// Notified when there may be room again.
    pub fn room(&self) -> &Notify {
        &self.shared.room
    }
}

impl<T: Weight> Receiver<T> {
    /// Drops everything in the mailbox and whatever senders of earlier epochs still send.
    pub fn start_epoch(&self) -> Sender<T> {
        let epoch = self.end_epoch();
        let front = std::mem::take(&mut *self.front.borrow_mut());
        self.taken.set((0, 0));
        drop(front);
        Sender {
            shared: self.shared.clone(),
            epoch,
        }
    }

    /// Sets the bound from now on.
    pub fn set_bound(&self, bound: Bound) {
        self.shared.bound_items.store(bound.items, Ordering::Relaxed);
        self.shared.bound_bytes.store(bound.bytes, Ordering::Relaxed);
        self.shared.room.notify_one();
    }

    /// Takes the next item. After `None` the next item sent wakes the thread.
    pub fn take(&self) -> Option<T> {
        if let Some(item) = self.take_urgent().or_else(|| self.take_front()) {
            return Some(item);
        }
        let mut queue = lock(&self.shared.queue);
        // It may have come only now, and its sender found the thread awake.
        if let Some(urgent) = queue.urgent.pop_front() {
            return Some(urgent);
        }
        let Some(chunk) = queue.chunks.pop_front() else {
            queue.awake = false;
            drop(queue);
            self.give_back();
            return None;
        };
        queue.spare = self.front.replace(chunk);
        drop(queue);
        self.take_front()
    }

    /// Whether there surely is a next item. It may say no although one has come in.
    pub fn has_next(&self) -> bool {
        !self.front.borrow().is_empty()
    }

    /// Weighty items not yet taken, and their weight.
    pub fn pending(&self) -> Bound {
        let (items, bytes) = self.taken.get();
        Bound {
            items: self.shared.items.load(Ordering::Relaxed) - items,
            bytes: self.shared.bytes.load(Ordering::Relaxed) - bytes,
        }
    }

    fn take_urgent(&self) -> Option<T> {
        if !self.shared.urgent.load(Ordering::Acquire) {
            return None;
        }
        let mut queue = lock(&self.shared.queue);
        let item = queue.urgent.pop_front();
        self.shared
            .urgent
            .store(!queue.urgent.is_empty(), Ordering::Release);
        item
    }

    fn take_front(&self) -> Option<T> {
        let item = self.front.borrow_mut().pop_front()?;
        let weight = item.weight();
        if weight > 0 {
            let (items, bytes) = self.taken.get();
            self.taken.set((items + 1, bytes + weight));
            if items + 1 >= GIVE_BACK.min(share(&self.shared.bound_items))
                || bytes + weight >= share(&self.shared.bound_bytes)
            {
                self.give_back();
            }
        }
        Some(item)
    }

    fn give_back(&self) {
        let (items, bytes) = self.taken.take();
        let items_before = self.shared.items.fetch_sub(items, Ordering::Relaxed);
        let bytes_before = self.shared.bytes.fetch_sub(bytes, Ordering::Relaxed);
        let half_items = self.shared.bound_items.load(Ordering::Relaxed) / 2;
        let half_bytes = self.shared.bound_bytes.load(Ordering::Relaxed) / 2;
        let was_low = items_before <= half_items && bytes_before <= half_bytes;
        let is_low = items_before - items <= half_items && bytes_before - bytes <= half_bytes;
        if is_low && !was_low {
            self.shared.room.notify_one();
        }
    }
}

impl<T> Receiver<T> {
    /// Drops what is in transit, shuts out the senders so far, and returns the next epoch.
    fn end_epoch(&self) -> u64 {
        let mut queue = lock(&self.shared.queue);
        queue.epoch += 1;
        let epoch = queue.epoch;
        let dropped = (
            std::mem::take(&mut queue.chunks),
            std::mem::take(&mut queue.urgent),
        );
        self.shared.items.store(0, Ordering::Relaxed);
        self.shared.bytes.store(0, Ordering::Relaxed);
        drop(queue);
        drop(dropped);
        self.shared.room.notify_one();
        epoch
    }
}

impl<T> Queue<T> {
    fn append(&mut self, batch: &mut Vec<T>) {
        let mut items = batch.drain(..);
        while items.len() > 0 {
            if self.chunks.back().is_none_or(|last| last.len() >= CHUNK) {
                self.chunks.push_back(std::mem::take(&mut self.spare));
            }
            if let Some(last) = self.chunks.back_mut() {
                last.extend(items.by_ref().take(CHUNK - last.len()));
            }
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.end_epoch();
    }
}

/// The part of a bound that may be taken without being given back. It is small, so that a sender
/// hears of room even if the receiver stops short of finding the mailbox empty.
fn share(bound: &AtomicUsize) -> usize {
    bound.load(Ordering::Relaxed) / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Item(usize, usize);

    impl Weight for Item {
        fn weight(&self) -> usize {
            self.1
        }
    }

    fn make(items: usize, bytes: usize) -> (Receiver<Item>, Arc<AtomicUsize>) {
        let wakes = Arc::new(AtomicUsize::new(0));
        let counted = wakes.clone();
        let wake = Box::new(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        (mailbox(Bound { items, bytes }, wake), wakes)
    }

    fn drain(receiver: &Receiver<Item>) -> Vec<usize> {
        std::iter::from_fn(|| receiver.take())
            .map(|item| item.0)
            .collect()
    }

    #[test]
    fn items_come_out_in_order_across_batches() {
        let (receiver, _) = make(100, 100);
        let sender = receiver.start_epoch();
        sender.send(&mut vec![Item(1, 0), Item(2, 0)]);
        assert_eq!(receiver.take().map(|item| item.0), Some(1));
        sender.send(&mut vec![Item(3, 0)]);
        assert_eq!(drain(&receiver), [2, 3]);
    }

    #[test]
    fn items_come_out_in_order_across_chunks() {
        let (receiver, _) = make(usize::MAX, usize::MAX);
        let sender = receiver.start_epoch();
        let items = 5 * CHUNK + 1;
        for first in (0..items).step_by(CHUNK - 1) {
            sender.send(
                &mut (first..items.min(first + CHUNK - 1))
                    .map(|n| Item(n, 1))
                    .collect(),
            );
        }
        assert!(drain(&receiver).into_iter().eq(0..items));
    }

    #[test]
    fn the_thread_is_woken_once_per_idle_spell() {
        let (receiver, wakes) = make(100, 100);
        let sender = receiver.start_epoch();
        sender.send(&mut vec![Item(1, 0)]);
        sender.send(&mut vec![Item(2, 0)]);
        assert_eq!(wakes.load(Ordering::Relaxed), 1);
        receiver.take();
        receiver.take();
        sender.send(&mut vec![Item(3, 0)]);
        assert_eq!(
            wakes.load(Ordering::Relaxed),
            1,
            "the receiver has not found it empty yet"
        );
        assert_eq!(drain(&receiver), [3]);
        sender.send(&mut vec![Item(4, 0)]);
        assert_eq!(wakes.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn an_old_epoch_leaves_nothing_behind() {
        let (receiver, _) = make(100, 100);
        let old = receiver.start_epoch();
        old.send(&mut vec![Item(1, 60), Item(2, 60), Item(3, 60)]);
        receiver.take();
        assert!(!old.has_room());
        let new = receiver.start_epoch();
        assert!(new.has_room());
        old.send(&mut vec![Item(4, 60)]);
        new.send(&mut vec![Item(5, 1)]);
        assert_eq!(drain(&receiver), [5]);
    }

    #[tokio::test]
    async fn room_is_announced_below_half_of_the_bound() {
        let (receiver, _) = make(1000, 100);
        let sender = receiver.start_epoch();
        sender.room().notified().await;
        sender.send(&mut (0..10).map(|n| Item(n, 10)).collect());
        assert!(!sender.has_room());
        for _ in 0..4 {
            receiver.take();
        }
        let room = sender.room();
        assert!(
            tokio::time::timeout(std::time::Duration::ZERO, room.notified())
                .await
                .is_err()
        );
        drain(&receiver);
        room.notified().await;
        assert!(sender.has_room());
    }

    #[tokio::test]
    async fn room_is_announced_before_the_receiver_finds_nothing_left() {
        for (items, bytes, weight) in [(10, 1000, 1), (1000, 10, 1), (1, 1, 5)] {
            let (receiver, _) = make(items, bytes);
            let sender = receiver.start_epoch();
            sender.room().notified().await;
            let count = items.min(bytes);
            sender.send(&mut (0..count).map(|n| Item(n, weight)).collect());
            assert!(!sender.has_room());
            for _ in 0..count {
                receiver.take();
            }
            let room = sender.room().notified();
            let heard = tokio::time::timeout(std::time::Duration::ZERO, room).await;
            assert!(heard.is_ok() && sender.has_room(), "bound {items}, {bytes}");
        }
    }

    #[tokio::test]
    async fn a_waiting_sender_wakes_when_the_receiver_goes_away() {
        let (receiver, _) = make(1, 1);
        let sender = receiver.start_epoch();
        sender.send(&mut vec![Item(1, 5)]);
        assert!(!sender.has_room());
        drop(receiver);
        sender.room().notified().await;
        assert!(sender.has_room());
        sender.send(&mut vec![Item(2, 5)]);
        assert!(sender.has_room(), "what nobody will take does not count");
    }

    #[test]
    fn an_urgent_item_goes_before_what_was_taken_over() {
        let (receiver, wakes) = make(100, 100);
        let sender = receiver.start_epoch();
        sender.send(&mut vec![Item(1, 1), Item(2, 1)]);
        assert_eq!(receiver.take().map(|item| item.0), Some(1));
        sender.send_first(Item(9, 0));
        sender.send(&mut vec![Item(3, 1)]);
        assert_eq!(drain(&receiver), [9, 2, 3]);
        sender.send_first(Item(8, 0));
        assert_eq!(wakes.load(Ordering::Relaxed), 2);
        receiver.start_epoch();
        sender.send_first(Item(7, 0));
        assert!(drain(&receiver).is_empty());
    }

    #[test]
    fn weightless_items_never_fill_it() {
        let (receiver, _) = make(2, 2);
        let sender = receiver.start_epoch();
        sender.send(&mut (0..50).map(|n| Item(n, 0)).collect());
        assert!(sender.has_room());
        assert_eq!(drain(&receiver).len(), 50);
    }
}
