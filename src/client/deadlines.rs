//! Everything that ends by the clock, in order of time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// What a deadline ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Waiter {
    Request(u64),
    Ping(u64),
}

/// Deadlines of one clock, each of somebody `W`.
pub(crate) struct Deadlines<W> {
    set: BTreeSet<(Instant, W)>,
    /// What the clock sleeps on. It is not woken for later deadlines, nor when this one goes.
    slept_on: Option<Instant>,
}

/// The moment `ms` milliseconds from now; none for 0 and for times beyond the clock.
pub(crate) fn deadline_in(ms: u64) -> Option<Instant> {
    if ms == 0 {
        None
    } else {
        Instant::now().checked_add(Duration::from_millis(ms))
    }
}

impl<W: Copy + Ord> Deadlines<W> {
    pub(crate) const fn new() -> Self {
        Deadlines {
            set: BTreeSet::new(),
            slept_on: None,
        }
    }

    /// Sets a deadline; returns whether the clock must be woken for it.
    #[must_use]
    pub(crate) fn insert(&mut self, when: Instant, who: W) -> bool {
        self.set.insert((when, who));
        self.slept_on.is_none_or(|slept_on| when < slept_on)
    }

    pub(crate) fn remove(&mut self, when: Option<Instant>, who: W) {
        if let Some(when) = when {
            self.set.remove(&(when, who));
        }
    }

    /// The next moment to wake at. The caller goes to sleep on it.
    pub(crate) fn sleep(&mut self) -> Option<Instant> {
        self.slept_on = self.set.first().map(|&(when, _)| when);
        self.slept_on
    }

    /// Takes the first deadline that is not after `now`.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<W> {
        let &(when, who) = self.set.first()?;
        if when > now {
            return None;
        }
        self.set.pop_first();
        Some(who)
    }
}

impl<W: Copy + Ord> Default for Deadlines<W> {
    fn default() -> Self {
        Deadlines::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_earlier_deadline_wakes_the_clock() {
        let mut deadlines = Deadlines::new();
        let now = Instant::now();
        let at = |ms| now + Duration::from_millis(ms);
        assert!(deadlines.insert(at(50), Waiter::Request(1)));
        assert_eq!(deadlines.sleep(), Some(at(50)));
        assert!(!deadlines.insert(at(60), Waiter::Ping(2)));
        deadlines.remove(Some(at(50)), Waiter::Request(1));
        assert!(
            !deadlines.insert(at(55), Waiter::Request(3)),
            "it wakes at 50 anyway"
        );
        assert!(deadlines.insert(at(40), Waiter::Request(4)));
        assert_eq!(deadlines.take_due(at(57)), Some(Waiter::Request(4)));
        assert_eq!(deadlines.take_due(at(57)), Some(Waiter::Request(3)));
        assert_eq!(deadlines.take_due(at(57)), None);
        assert_eq!(deadlines.sleep(), Some(at(60)));
    }

    #[test]
    fn zero_and_boundless_times_are_no_deadline() {
        assert_eq!(deadline_in(0), None);
        assert!(deadline_in(1).is_some());
        let _ = deadline_in(u64::MAX);
    }
}
