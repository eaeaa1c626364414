//! What a life remembers of the sessions that it had, and what follows for the next attempt.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::abandon::Abandon;
use super::pool::{Limits, Next, Round};
use super::settings::Options;

/// A session that lasts at least this long, or as long as the reconnect delay, is no sign of a
/// server that accepts clients only to drop them.
const SHORT_SESSION: Duration = Duration::from_secs(1);

/// How the life has gone so far.
pub(crate) struct Course {
    pub(crate) abandon: Abandon,
    /// A session was established: from now on, reconnecting.
    pub(crate) was_connected: bool,
    /// Sessions in a row that ended soon after their handshake (D50).
    short_sessions: u32,
    /// When the last session ended, until the next attempt.
    lost_at: Option<u64>,
    /// The delay of the current server runs.
    pub(crate) awaiting: bool,
    /// The owner wants a connection at once: the next attempt has no delay.
    hurried: bool,
}

impl Course {
    pub(crate) fn new(abandon: Abandon) -> Self {
        Course {
            abandon,
            was_connected: false,
            short_sessions: 0,
            lost_at: None,
            awaiting: false,
            hurried: false,
        }
    }

    pub(crate) fn round(&self, options: &Options) -> Round {
        if !self.was_connected && !options.retry_on_initial_connect {
            return Round::First;
        }
        // Without any reconnecting a first round still tries every server once.
        let least = u64::from(!self.was_connected);
        let attempts: Option<u64> = options.max_reconnect_attempts.try_into().ok();
        Round::Reconnect(Limits {
            attempts: attempts.map(|max| max.max(least)),
            auth_errors: Some(options.auth_error_limit).filter(|&max| max > 0),
        })
    }

    /// The moment (epoch ms) from which the delay of the next server counts, if it has one: its
    /// own failure, and after the second short session in a row also the loss of that.
    pub(crate) fn delay_begins(&mut self, next: Next) -> Option<u64> {
        let lost_at = self.lost_at.take().filter(|_| self.short_sessions >= 2);
        if std::mem::take(&mut self.hurried) {
            return None;
        }
        match next {
            Next::AttemptAfter { last_attempt } => Some(last_attempt.max(lost_at.unwrap_or(0))),
            _ => lost_at,
        }
    }

    pub(crate) fn session_lost(&mut self, lasted: Duration, options: &Options) {
        let threshold = SHORT_SESSION.max(Duration::from_millis(options.reconnect_time_wait));
        self.was_connected = true;
        self.short_sessions = if lasted < threshold {
            self.short_sessions + 1
        } else {
            0
        };
        self.lost_at = Some(epoch_ms());
    }

    pub(crate) fn session_abandoned(&mut self) {
        self.was_connected = true;
        self.hurried = true;
    }
}

/// What is left of a delay in ms that began at `since`. A clock set back must not make the wait
/// longer than the delay.
pub(crate) fn time_left(since: u64, delay: u64) -> Duration {
    Duration::from_millis(delay.saturating_sub(epoch_ms().saturating_sub(since)))
}

pub(crate) fn epoch_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
