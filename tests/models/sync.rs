//! What `crate::sync` gives to the code under a model. Time passes only where a model lets it.

use std::cell::{Cell, RefCell};
use std::ops::{Add, Sub};
use std::sync::{Arc, LockResult, PoisonError, Weak};
use std::time::Duration;

pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicUsize};
pub(crate) use shuttle::sync::{Mutex, MutexGuard};

thread_local! {
    // All threads of a model run on one of the system's.
    static CLOCK: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    static WAITS: RefCell<Vec<Weak<shuttle::sync::Condvar>>> = const { RefCell::new(Vec::new()) };
}

/// A run begins.
pub(super) fn start_clock() {
    CLOCK.set(Duration::from_secs(1));
    WAITS.take();
}

/// Lets time pass; waits with a time limit look around.
pub(super) fn pass(time: Duration) {
    CLOCK.set(CLOCK.get() + time);
    let waits: Vec<_> = WAITS.with_borrow(|waits| waits.iter().filter_map(Weak::upgrade).collect());
    for wait in waits {
        wait.notify_all();
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(Duration);

impl Instant {
    /// Now and then a little later than before: code takes its time.
    pub(crate) fn now() -> Self {
        use shuttle::rand::Rng;
        if shuttle::rand::thread_rng().gen_bool(0.5) {
            CLOCK.set(CLOCK.get() + Duration::from_micros(100));
        }
        Instant(CLOCK.get())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        Instant::now() - *self
    }

    pub(crate) fn saturating_duration_since(&self, earlier: Instant) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, time: Duration) -> Instant {
        Instant(self.0 + time)
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Instant) -> Duration {
        self.0 - earlier.0
    }
}

/// A wait with a limit ends early only by [`pass`].
pub(crate) struct Condvar(Arc<shuttle::sync::Condvar>);

impl Condvar {
    pub(crate) fn new() -> Self {
        let condvar = Arc::new(shuttle::sync::Condvar::new());
        WAITS.with_borrow_mut(|waits| waits.push(Arc::downgrade(&condvar)));
        Condvar(condvar)
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }

    /// Whether the limit was reached is not told: nobody asks.
    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        _limit: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, ())> {
        match self.0.wait(guard) {
            Ok(guard) => Ok((guard, ())),
            Err(poisoned) => Err(PoisonError::new((poisoned.into_inner(), ()))),
        }
    }
}
