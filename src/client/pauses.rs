//! When reading stands still because the owner does not keep up.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::lock::lock;
use crate::sync::Mutex;

/// Pauses with less than this between them belong to one episode; and a server that ends a
/// connection this soon after a pause, or in one, had messages for us that it could not get rid of.
const EPISODE: Duration = Duration::from_secs(1);

/// The pauses of all sessions of an owner.
#[derive(Debug, Default)]
pub struct Pauses {
    count: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The time of the pauses that are over.
    past: Duration,
    /// The begin of the one that lasts.
    since: Option<Instant>,
    /// The end of the last one of this session.
    ended: Option<Instant>,
}

impl Pauses {
    pub fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// The time in all, with the pause that lasts.
    pub fn total(&self) -> Duration {
        let state = lock(&self.state);
        state.past + state.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// A session begins.
    pub(crate) fn start_session(&self) {
        lock(&self.state).ended = None;
    }

    /// Until the result is dropped, reading stands still. The flag says whether an episode begins.
    pub(crate) fn begin(&self) -> (Pause<'_>, bool) {
        self.count.fetch_add(1, Relaxed);
        let begins = lock(&self.state).begin(Instant::now());
        (Pause(self), begins)
    }

    /// Whether an episode lasts.
    pub(crate) fn is_behind(&self) -> bool {
        lock(&self.state).is_behind(Instant::now())
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

impl State {
    fn begin(&mut self, now: Instant) -> bool {
        let begins = !self.is_behind(now);
        self.since = Some(now);
        begins
    }

    fn end(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.past += now - since;
            self.ended = Some(now);
        }
    }

    fn is_behind(&self, now: Instant) -> bool {
        self.since.is_some() || self.ended.is_some_and(|ended| now - ended < EPISODE)
    }
}

/// Reading stands still.
pub(crate) struct Pause<'a>(&'a Pauses);

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).end(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_in_quick_succession_are_one_episode() {
        let mut state = State::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert!(!state.is_behind(at(0)));
        assert!(state.begin(at(0)));
        assert!(state.is_behind(at(50_000)), "as long as the pause lasts");
        state.end(at(50_000));
        assert!(state.is_behind(at(50_999)));
        assert!(!state.begin(at(50_999)));
        state.end(at(51_000));
        assert!(!state.is_behind(at(52_000)));
        assert!(state.begin(at(52_000)));
        state.end(at(52_001));
        assert_eq!(state.past, Duration::from_millis(50_002));
    }
}
