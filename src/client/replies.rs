//! Requests to which several replies come, for the engine's own operations.

use std::time::Duration;

use super::background::{CallError, Listener};
use super::handle::{Client, publish_size};
use super::outbox::Pace;
use super::subscriptions::Receiver;
use crate::protocol::encode;

impl Client {
    /// Sends a request without a deadline whose replies, `max` at most and 0 for no limit, come to
    /// a listener of its own. It is written at once; a message that is refused leaves nothing.
    pub fn call_many(&self, subject: &[u8], payload: &[u8], max: u64) -> Result<Listener, CallError> {
        self.check_limits(None, payload)?;
        let sid = self.life().settings.next_sid();
        let inbox = self.new_inbox().into_bytes();
        let size = publish_size(subject, &inbox, None, payload);
        let mut tables = self.tables();
        let messages = tables.channels.add_listener(sid);
        tables
            .subscriptions
            .insert(sid, &inbox, b"", Receiver::Listener, max);
        let sent = self.life().outbox.publish_now(
            size,
            Pace::Single,
            |buf| tables.subscriptions.encode(buf, sid),
            |buf| encode::publish(buf, subject, &inbox, None, payload),
        );
        if let Err(error) = sent {
            tables.subscriptions.remove(sid);
            tables.channels.end_listener(sid);
            return Err(CallError::Refused(error));
        }
        drop(tables);
        Ok(Listener::new(self.clone(), sid, messages))
    }

    /// A number for a request, of those that scripts see.
    pub fn next_request_id(&self) -> u64 {
        self.life().settings.next_request_id()
    }

    /// Sleeps until messages have been read for this long: while the owner does not keep up, they
    /// lie unread, and silence says nothing about the server.
    pub async fn sleep_while_reading(&self, interval: Duration) {
        self.life()
            .settings
            .stats
            .pauses
            .sleep_while_reading(interval)
            .await;
    }
}
