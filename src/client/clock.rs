//! Ends requests and pings whose time has passed, in every phase of a life.

use std::convert::Infallible;
use std::time::Instant;

use super::life::Life;
use super::lock::lock;

impl Life {
    /// Sleeps from deadline to deadline; woken early only for an earlier one.
    pub(crate) async fn run_clock(&self) -> Infallible {
        let mut events = Vec::new();
        loop {
            let next = lock(&self.tables).deadlines.sleep();
            match next {
                None => self.earlier_deadline.notified().await,
                Some(when) => tokio::select! {
                    () = tokio::time::sleep_until(when.into()) => {}
                    () = self.earlier_deadline.notified() => {}
                },
            }
            lock(&self.tables).expire(Instant::now(), &self.outbox, &mut events);
            self.gate.deliver(&mut events);
        }
    }
}
