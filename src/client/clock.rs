//! Ends requests and pings whose time has passed, in every phase of a life.

use std::convert::Infallible;
use std::time::Instant;

use tokio::sync::Notify;

use super::life::Life;
use super::lock::lock;

impl Life {
    /// Sleeps from deadline to deadline; woken early only for an earlier one.
    pub(crate) async fn run_clock(&self) -> Infallible {
        let mut events = Vec::new();
        loop {
            let next = lock(&self.tables).deadlines.sleep();
            sleep(next, &self.earlier_deadline).await;
            lock(&self.tables).expire(Instant::now(), &self.outbox, &mut events);
            self.gate.deliver(&mut events);
        }
    }
}

/// Sleeps until the moment, if there is one, or until somebody tells of an earlier one.
pub(super) async fn sleep(until: Option<Instant>, earlier: &Notify) {
    match until {
        None => earlier.notified().await,
        Some(when) => tokio::select! {
            () = tokio::time::sleep_until(when.into()) => {}
            () = earlier.notified() => {}
        },
    }
}
