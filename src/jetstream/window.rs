//! How much a continuous consumer has asked for, and when it asks for more.
//!
//! What was asked for stays on the account until a script has taken it, so a slow script does not
//! hoard. Statuses do not name the pull request that they end; that does not matter, since only
//! sums count. They are estimates: too low means that more comes than was wanted, too high lasts
//! until the heartbeats stop. Neither loses a message.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::sync::Notify;

use crate::client::lock::lock;
use crate::sync::{Mutex, MutexGuard};

/// Messages and their bytes, as the server counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    pub messages: u64,
    pub bytes: u64,
}

/// The account of one consumer.
///
/// Either messages count or bytes. Where bytes do, each request asks for as many messages as one
/// may: a request that came to its end by their number would leave bytes on the account without a
/// word of the server.
#[derive(Debug)]
pub struct Window {
    /// With `bytes` 0, messages count.
    max: Amount,
    /// Asked for and not come.
    requested: Amount,
    /// Come and not taken.
    held: Amount,
    /// The newest request.
    newest: Amount,
    /// Whether a message has come since.
    touched: bool,
    /// So many bytes are not enough for the next message.
    too_few: u64,
    /// Requests so far.
    pulls: u64,
}

impl Window {
    /// Holds up to `max`; with `bytes` 0 its messages count, otherwise they are what one request
    /// asks for.
    pub fn new(max: Amount) -> Window {
        Window {
            max,
            requested: Amount::default(),
            held: Amount::default(),
            newest: Amount::default(),
            touched: false,
            too_few: 0,
            pulls: 0,
        }
    }

    /// What to ask for now: all that is missing, once less than half is there or on its way, unless
    /// that is known to be too little.
    pub fn pull(&mut self) -> Option<Amount> {
        if !self.is_low() {
            return None;
        }
        if !self.is_waiting() {
            self.requested = Amount::default();
        }
        let pending = self.requested + self.held;
        let missing = if self.counts_bytes() {
            Amount {
                bytes: self.max.bytes.saturating_sub(pending.bytes),
                ..self.max
            }
        } else {
            self.max - pending
        };
        // To a server, 0 would mean one message, or any number of bytes.
        let count = self.count(missing);
        if count == 0 || (count <= self.too_few && missing != self.max) {
            return None;
        }
        self.requested = self.requested + missing;
        self.newest = missing;
        self.touched = false;
        self.pulls += 1;
        Some(missing)
    }

    /// A message of this size has come.
    pub fn came(&mut self, size: u64) {
        let message = self.one(size);
        self.requested = self.requested - message;
        self.held = self.held + message;
        self.touched = true;
        self.too_few = 0;
    }

    /// A message of this size was taken; returns whether it is time to pull.
    pub fn taken(&mut self, size: u64) -> bool {
        self.held = self.held - self.one(size);
        self.is_low()
    }

    /// A request has ended, and this much of it will not come.
    pub fn give_back(&mut self, rest: Amount) {
        self.requested = self.requested - rest;
    }

    /// A request has ended because the next message is larger than the rest of it.
    pub fn too_little(&mut self, rest: Amount) {
        self.give_back(rest);
        self.too_few = self.too_few.max(rest.bytes);
    }

    /// The newest request was refused.
    pub fn refused(&mut self) {
        self.requested = self.requested - std::mem::take(&mut self.newest);
    }

    /// Whether the newest request was for all that fits, and nothing of it came.
    pub fn is_untouched(&self) -> bool {
        !self.is_waiting() && !self.touched && self.newest == self.max
    }

    /// Nothing that was asked for will come.
    pub fn forget_requests(&mut self) {
        self.requested = Amount::default();
    }

    /// Whether the server owes something.
    pub fn is_waiting(&self) -> bool {
        self.count(self.requested) > 0
    }

    /// What was asked for and has not come.
    pub fn requested(&self) -> Amount {
        self.requested
    }

    /// What has come and was not taken.
    pub fn held(&self) -> Amount {
        self.held
    }

    /// Requests so far.
    pub fn pulls(&self) -> u64 {
        self.pulls
    }

    fn is_low(&self) -> bool {
        self.count(self.requested + self.held) < self.count(self.max).div_ceil(2)
    }

    /// The number that counts.
    fn count(&self, amount: Amount) -> u64 {
        if self.counts_bytes() {
            amount.bytes
        } else {
            amount.messages
        }
    }

    fn counts_bytes(&self) -> bool {
        self.max.bytes > 0
    }

    fn one(&self, size: u64) -> Amount {
        Amount {
            messages: 1,
            bytes: if self.counts_bytes() { size } else { 0 },
        }
    }
}

impl std::ops::Add for Amount {
    type Output = Amount;

    fn add(self, other: Amount) -> Amount {
        Amount {
            messages: self.messages.saturating_add(other.messages),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

/// Never below nothing.
impl std::ops::Sub for Amount {
    type Output = Amount;

    fn sub(self, other: Amount) -> Amount {
        Amount {
            messages: self.messages.saturating_sub(other.messages),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }
}

/// A window that the operation in the background and the owner share, and the owner's wishes.
pub struct Flow {
    window: Mutex<Window>,
    draining: AtomicBool,
    /// Wakes the operation.
    pub wake: Notify,
}

impl Flow {
    pub fn new(max: Amount) -> Flow {
        Flow {
            window: Mutex::new(Window::new(max)),
            draining: AtomicBool::new(false),
            wake: Notify::new(),
        }
    }

    pub fn window(&self) -> MutexGuard<'_, Window> {
        lock(&self.window)
    }

    /// The owner has taken a message of this size.
    pub fn taken(&self, size: u64) {
        let low = self.window().taken(size);
        if low {
            self.wake.notify_one();
        }
    }

    /// The owner wants no more than what is there and on its way.
    pub fn drain(&self) {
        self.draining.store(true, Relaxed);
        self.wake.notify_one();
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(messages: u64, bytes: u64) -> Amount {
        Amount { messages, bytes }
    }

    fn window(messages: u64) -> Window {
        Window::new(amount(messages, 0))
    }

    #[test]
    fn it_asks_for_what_is_missing_once_less_than_half_is_pending() {
        let mut window = window(10);
        assert_eq!(window.pull(), Some(amount(10, 0)));
        assert_eq!(window.pull(), None);
        for _ in 0..5 {
            window.came(1);
            assert!(!window.taken(1));
        }
        window.came(1);
        assert_eq!(window.pull(), None, "what was not taken counts");
        assert!(window.taken(1));
        assert_eq!(window.pull(), Some(amount(6, 0)));
    }

    #[test]
    fn a_window_of_one_message_goes_on() {
        let mut window = window(1);
        for _ in 0..3 {
            assert_eq!(window.pull(), Some(amount(1, 0)));
            window.came(1);
            assert_eq!(window.pull(), None);
            assert!(window.taken(1));
        }
    }

    #[test]
    fn bytes_count_if_they_are_bounded() {
        let mut window = Window::new(amount(1000, 100));
        assert_eq!(window.pull(), Some(amount(1000, 100)));
        window.came(40);
        assert!(!window.taken(40));
        window.came(20);
        assert!(window.taken(20));
        assert_eq!(window.pull(), Some(amount(1000, 60)));
    }

    #[test]
    fn a_request_that_bytes_have_used_up_is_over() {
        let mut window = Window::new(amount(1000, 100));
        window.pull();
        window.came(100);
        assert!(!window.is_waiting());
        assert!(window.taken(100));
        assert_eq!(window.pull(), Some(amount(1000, 100)));
        assert_eq!(window.requested(), amount(1000, 100));
    }

    #[test]
    fn what_was_too_little_is_not_asked_for_again() {
        let mut window = Window::new(amount(1000, 100));
        window.pull();
        window.came(40);
        window.came(15);
        window.too_little(amount(998, 45));
        assert!(!window.is_untouched());
        assert_eq!(window.pull(), None);
        assert!(window.taken(15));
        assert_eq!(window.pull(), Some(amount(1000, 60)));
        window.too_little(amount(1000, 60));
        assert_eq!(window.pull(), None);
        window.taken(40);
        assert_eq!(window.pull(), Some(amount(1000, 100)));
        window.too_little(amount(1000, 100));
        assert!(window.is_untouched());
        assert_eq!(
            window.pull(),
            Some(amount(1000, 100)),
            "there is no more than all"
        );
    }

    #[test]
    fn all_that_was_asked_for_and_came_is_not_too_little() {
        let mut window = Window::new(amount(1000, 100));
        window.pull();
        window.came(80);
        window.taken(80);
        window.too_little(amount(999, 20));
        assert!(!window.is_untouched());
    }

    #[test]
    fn what_ends_early_is_asked_for_again() {
        let mut window = window(10);
        window.pull();
        window.give_back(amount(4, 0));
        assert_eq!(window.pull(), None);
        window.give_back(amount(99, 99));
        assert!(!window.is_waiting());
        assert_eq!(window.pull(), Some(amount(10, 0)));
        window.refused();
        assert!(!window.is_untouched());
        assert_eq!(window.pull(), Some(amount(10, 0)));
        assert!(!window.is_untouched());
        window.give_back(amount(10, 0));
        assert!(window.is_untouched());
        assert_eq!(window.pull(), Some(amount(10, 0)));
        window.came(1);
        assert!(!window.is_untouched());
        window.forget_requests();
        assert_eq!((window.held(), window.pull()), (amount(1, 0), Some(amount(9, 0))));
    }

    #[test]
    fn a_full_window_asks_for_nothing() {
        let mut window = Window::new(amount(1000, 10));
        window.pull();
        window.came(50);
        assert_eq!(window.pull(), None);
    }
}
