//! The subscriptions of a life and the arithmetic of their limits.
//!
//! A limit counts from the creation of a subscription, over all sessions. A server counts from
//! the SUB that it got, so it is told the limit less what came in earlier sessions (D37). The
//! counts here are those of the wire; what the owner has dispatched is the owner's affair.

use std::collections::BTreeMap;

use bytes::BytesMut;

use crate::protocol::encode;

/// The highest limit that is told to a server: servers read nine digits and take a longer number
/// for zero, which would end the subscription at once.
const MAX_TOLD: u64 = 999_999_999;

/// Whose messages a subscription receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receiver {
    /// The owner's subscription.
    Owner,
    /// The shared inbox of new-style requests.
    SharedInbox,
    /// The inbox of one old-style request.
    Request(u64),
    /// An operation of ours.
    Listener,
}

/// What is subscribed on the wire, by ID.
#[derive(Default)]
pub(crate) struct Subscriptions {
    table: BTreeMap<u64, Subscription>,
}

struct Subscription {
    subject: Box<[u8]>,
    queue: Box<[u8]>,
    receiver: Receiver,
    /// Messages until it ends; 0 for no limit.
    max: u64,
    received: u64,
    /// `received` when the server of this session got its SUB.
    received_before: u64,
    /// The server was told to end it; what is on its way is still wanted.
    draining: bool,
}

impl Subscriptions {
    /// Enters a subscription; an empty `queue` means none. Returns nothing to write: see
    /// [`encode`](Self::encode).
    pub(crate) fn insert(&mut self, sid: u64, subject: &[u8], queue: &[u8], receiver: Receiver, max: u64) {
        let subscription = Subscription {
            subject: subject.into(),
            queue: queue.into(),
            receiver,
            max,
            received: 0,
            received_before: 0,
            draining: false,
        };
        self.table.insert(sid, subscription);
    }

    /// `SUB`, and `UNSUB` if there is a limit, for the current session.
    pub(crate) fn encode(&self, buf: &mut BytesMut, sid: u64) {
        if let Some(subscription) = self.table.get(&sid) {
            subscription.encode(buf, sid);
        }
    }

    /// Ends a subscription, or sets its limit to `max` messages in all if fewer have come.
    /// Returns how to tell the server: `None` for an unknown ID, else the argument of `UNSUB`.
    pub(crate) fn limit(&mut self, sid: u64, max: u64) -> Option<Option<u64>> {
        let subscription = self.table.get_mut(&sid)?;
        if max == 0 || subscription.received >= max {
            self.table.remove(&sid);
            return Some(None);
        }
        subscription.max = max;
        Some(Some(subscription.told()))
    }

    /// Ends a subscription; returns whether the server is to be told, which does not know it or
    /// was told already otherwise.
    pub(crate) fn remove(&mut self, sid: u64) -> bool {
        let removed = self.table.remove(&sid);
        removed.is_some_and(|subscription| !subscription.draining)
    }

    /// Tells the server to end all subscriptions of the owner and of operations without an end of
    /// their own, and keeps them for what is on its way.
    pub(crate) fn drain(&mut self, buf: &mut BytesMut) {
        for (&sid, subscription) in &mut self.table {
            let endless = subscription.receiver == Receiver::Listener && subscription.max == 0;
            if endless || subscription.receiver == Receiver::Owner {
                subscription.drain(buf, sid);
            }
        }
    }

    /// The same for one subscription.
    pub(crate) fn drain_one(&mut self, sid: u64, buf: &mut BytesMut) {
        if let Some(subscription) = self.table.get_mut(&sid) {
            subscription.drain(buf, sid);
        }
    }

    /// Whether there is such a subscription.
    pub(crate) fn contains(&self, sid: u64) -> bool {
        self.table.contains_key(&sid)
    }

    /// Messages that came in so far; `None` for an unknown ID.
    pub(crate) fn received(&self, sid: u64) -> Option<u64> {
        self.table.get(&sid).map(|subscription| subscription.received)
    }

    /// Counts a message that came in and says whose it is. The last one within the limit ends
    /// the subscription; the server has ended it as well.
    pub(crate) fn receive(&mut self, sid: u64) -> Option<Receiver> {
        let subscription = self.table.get_mut(&sid)?;
        subscription.received += 1;
        let receiver = subscription.receiver;
        if subscription.received == subscription.max {
            self.table.remove(&sid);
        }
        Some(receiver)
    }

    /// Everything that the server of a new session must know, in ascending order.
    pub(crate) fn restore(&mut self, buf: &mut BytesMut) {
        self.table.retain(|_, subscription| !subscription.draining);
        for (&sid, subscription) in &mut self.table {
            subscription.received_before = subscription.received;
            subscription.encode(buf, sid);
        }
    }
}

impl Subscription {
    fn drain(&mut self, buf: &mut BytesMut, sid: u64) {
        if !std::mem::replace(&mut self.draining, true) {
            encode::unsubscribe(buf, sid, None);
        }
    }

    fn encode(&self, buf: &mut BytesMut, sid: u64) {
        encode::subscribe(buf, &self.subject, &self.queue, sid);
        if self.max > 0 {
            encode::unsubscribe(buf, sid, Some(self.told()));
        }
    }

    /// The limit as the server of this session counts.
    fn told(&self) -> u64 {
        (self.max - self.received_before).min(MAX_TOLD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restored(subscriptions: &mut Subscriptions) -> String {
        let mut buf = BytesMut::new();
        subscriptions.restore(&mut buf);
        String::from_utf8_lossy(&buf).into_owned()
    }

    #[test]
    fn limits_are_told_less_what_came_in_earlier_sessions() {
        let mut subscriptions = Subscriptions::default();
        subscriptions.insert(7, b"b", b"q", Receiver::Owner, 0);
        subscriptions.insert(3, b"a", b"", Receiver::Owner, 5);
        assert_eq!(
            restored(&mut subscriptions),
            "SUB a  3\r\nUNSUB 3 5\r\nSUB b q 7\r\n"
        );
        for _ in 0..2 {
            assert_eq!(subscriptions.receive(3), Some(Receiver::Owner));
            assert_eq!(subscriptions.receive(7), Some(Receiver::Owner));
        }
        assert_eq!(
            restored(&mut subscriptions),
            "SUB a  3\r\nUNSUB 3 3\r\nSUB b q 7\r\n"
        );
        assert_eq!(subscriptions.limit(7, 6), Some(Some(4)));
        assert_eq!(subscriptions.limit(3, 2), Some(None), "two have come already");
        assert_eq!(subscriptions.limit(3, 9), None);
        assert_eq!(restored(&mut subscriptions), "SUB b q 7\r\nUNSUB 7 4\r\n");
    }

    #[test]
    fn limits_beyond_what_servers_read_are_told_as_the_highest() {
        let mut subscriptions = Subscriptions::default();
        subscriptions.insert(1, b"a", b"", Receiver::Owner, MAX_TOLD + 1);
        assert_eq!(restored(&mut subscriptions), "SUB a  1\r\nUNSUB 1 999999999\r\n");
        assert_eq!(subscriptions.limit(1, u64::MAX), Some(Some(MAX_TOLD)));
    }

    #[test]
    fn draining_ends_the_owners_subscriptions_but_takes_what_is_on_its_way() {
        let mut subscriptions = Subscriptions::default();
        subscriptions.insert(1, b"a", b"", Receiver::Owner, 0);
        subscriptions.insert(2, b"i.*", b"", Receiver::SharedInbox, 0);
        subscriptions.insert(3, b"b", b"", Receiver::Owner, 4);
        let mut buf = BytesMut::new();
        subscriptions.drain(&mut buf);
        assert_eq!(buf, "UNSUB 1\r\nUNSUB 3\r\n");
        assert_eq!(subscriptions.receive(1), Some(Receiver::Owner));
        assert_eq!(subscriptions.received(1), Some(1));
        buf.clear();
        subscriptions.drain(&mut buf);
        assert!(buf.is_empty(), "they are told only once");
        assert_eq!(restored(&mut subscriptions), "SUB i.*  2\r\n");
        assert_eq!(subscriptions.received(1), None);
    }

    #[test]
    fn the_last_message_within_the_limit_ends_a_subscription() {
        let mut subscriptions = Subscriptions::default();
        subscriptions.insert(1, b"a", b"", Receiver::Request(4), 2);
        assert_eq!(subscriptions.receive(1), Some(Receiver::Request(4)));
        assert_eq!(subscriptions.receive(1), Some(Receiver::Request(4)));
        assert_eq!(subscriptions.receive(1), None);
        assert!(!subscriptions.remove(1));
    }
}
