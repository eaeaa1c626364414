//! When reading stands still because the owner does not keep up.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::lock::lock;

/// The pauses of all sessions of an owner.
#[derive(Debug, Default)]
pub struct Pauses {
    count: AtomicU64,
    /// The time of those that are over, and the begin of the one that lasts.
    time: Mutex<(Duration, Option<Instant>)>,
    /// Messages may be piling up at the server: set by a pause, until a read has to wait again.
    behind: AtomicBool,
}

impl Pauses {
    pub fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// The time in all, with the pause that lasts.
    pub fn total(&self) -> Duration {
        let (past, since) = *lock(&self.time);
        past + since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Until the result is dropped, reading stands still.
    pub(crate) fn begin(&self) -> Pause<'_> {
        lock(&self.time).1 = Some(Instant::now());
        self.count.fetch_add(1, Relaxed);
        Pause(self)
    }

    /// Whether a pause has made the owner fall behind, and nothing has shown since that it has
    /// caught up.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind.load(Relaxed)
    }

    /// Returns what `is_behind` was.
    pub(crate) fn set_behind(&self, behind: bool) -> bool {
        self.behind.swap(behind, Relaxed)
    }

    /// Sleeps until reading has gone on for `interval`.
    pub(crate) async fn sleep_while_reading(&self, interval: Duration) {
        let mut known = self.total();
        let mut left = interval;
        while !left.is_zero() {
            tokio::time::sleep(left).await;
            let total = self.total();
            left = total - known;
            known = total;
        }
    }
}

/// Reading stands still.
pub(crate) struct Pause<'a>(&'a Pauses);

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        let mut time = lock(&self.0.time);
        if let Some(since) = time.1.take() {
            time.0 += since.elapsed();
        }
    }
}
