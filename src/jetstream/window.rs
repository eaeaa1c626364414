//! How much a continuous consumer has asked for, and when it asks for more.
//!
//! What was asked for stays on the account until a script has taken it, so a slow script does not
//! hoard. Statuses do not name the pull request that they end; that does not matter, since only
//! sums count. They are estimates: too low means that more comes than was wanted, too high lasts
//! until the heartbeats stop. Neither loses a message.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;

use crate::client::lock::lock;

/// Messages and their bytes, as the server counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    pub messages: u64,
    pub bytes: u64,
}

/// The account of one consumer.
#[derive(Debug)]
pub struct Window {
    /// `bytes` 0 means that they do not count.
    max: Amount,
    /// Asked for and not come.
    requested: Amount,
    /// Come and not taken.
    held: Amount,
    /// The newest request.
    newest: Amount,
    /// Requests so far.
    pulls: u64,
}

impl Window {
    /// Holds up to `max`; its `bytes` 0 means that they do not count.
    pub fn new(max: Amount) -> Window {
        Window {
            max,
            requested: Amount::default(),
            held: Amount::default(),
            newest: Amount::default(),
            pulls: 0,
        }
    }

    /// What to ask for now: all that is missing, once less than half is there or on its way.
    pub fn pull(&mut self) -> Option<Amount> {
        if !self.is_low() {
            return None;
        }
        let pending = self.requested + self.held;
        let missing = Amount {
            messages: self.max.messages.saturating_sub(pending.messages),
            bytes: self.max.bytes.saturating_sub(pending.bytes),
        };
        // To a server, 0 would mean one message, or any number of bytes.
        if missing.messages == 0 || (missing.bytes == 0 && self.max.bytes > 0) {
            return None;
        }
        self.requested = self.requested + missing;
        self.newest = missing;
        self.pulls += 1;
        Some(missing)
    }

    /// A message of this size has come.
    pub fn came(&mut self, size: u64) {
        let message = self.one(size);
        self.requested = self.requested - message;
        self.held = self.held + message;
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

    /// The newest request was refused.
    pub fn refused(&mut self) {
        self.requested = self.requested - std::mem::take(&mut self.newest);
    }

    /// Whether the newest request was for all that fits, and nothing of it came.
    pub fn is_untouched(&self) -> bool {
        let nothing = self.requested.messages == 0 && self.held.messages == 0;
        nothing && self.newest == self.max
    }

    /// Nothing that was asked for will come.
    pub fn forget_requests(&mut self) {
        self.requested = Amount::default();
    }

    /// Whether the server owes something.
    pub fn is_waiting(&self) -> bool {
        self.requested.messages > 0
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
        let pending = self.requested + self.held;
        pending.messages < self.max.messages.div_ceil(2) || pending.bytes < self.max.bytes.div_ceil(2)
    }

    fn one(&self, size: u64) -> Amount {
        Amount {
            messages: 1,
            bytes: if self.max.bytes > 0 { size } else { 0 },
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
        assert_eq!(window.pull(), Some(amount(2, 60)));
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
