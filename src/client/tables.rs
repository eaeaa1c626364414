//! Who gets what comes in: the one lock around subscriptions, requests, pings and deadlines.

use std::time::Instant;

use super::background::{CallError, Channels};
use super::deadlines::{Deadlines, Waiter};
use super::event::Event;
use super::outbox::Outbox;
use super::pings::{Answered, Pings};
use super::requests::{Requests, Verdict};
use super::subscriptions::{Receiver, Subscriptions};
use crate::protocol::{Message, encode};

/// The inline status of a message that says that nobody listens to the request's subject.
const NO_RESPONDERS: u16 = 503;

/// Everything that waits for the server or the clock. Operations that must reach the wire in the
/// order of these tables enter the outbox while the tables are locked.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) subscriptions: Subscriptions,
    pub(crate) requests: Requests,
    pub(crate) pings: Pings,
    pub(crate) channels: Channels,
    pub(crate) deadlines: Deadlines<Waiter>,
}

impl Tables {
    /// Turns a message into the event that it means to the owner, if any.
    pub(crate) fn message(&mut self, message: Message, outbox: &Outbox, events: &mut Vec<Event>) {
        let sid = message.sid();
        match self.subscriptions.receive(sid) {
            None => {}
            Some(Receiver::Owner) => events.push(Event::Message { sid, message }),
            Some(Receiver::SharedInbox) => {
                if let Some(id) = self.requests.addressee(message.subject()) {
                    self.reply(id, message, outbox, events);
                }
            }
            Some(Receiver::Request(id)) => self.reply(id, message, outbox, events),
            Some(Receiver::Listener) => {
                self.channels.pass(sid, message);
                if !self.subscriptions.contains(sid) {
                    self.channels.end_listener(sid);
                }
            }
        }
    }

    /// A PONG has come.
    pub(crate) fn pong(&mut self, events: &mut Vec<Event>) {
        if let Some(Answered { id, deadline, rtt }) = self.pings.answer() {
            self.deadlines.remove(deadline, Waiter::Ping(id));
            events.push(Event::Pong { id, rtt });
        }
    }

    /// Ends what is due at `now`.
    pub(crate) fn expire(&mut self, now: Instant, outbox: &Outbox, events: &mut Vec<Event>) {
        while let Some(waiter) = self.deadlines.take_due(now) {
            match waiter {
                Waiter::Ping(id) => {
                    if self.pings.time_out(id) {
                        events.push(Event::PingTimeout { id });
                    }
                }
                Waiter::Request(id) => {
                    if !self.requests.contains(id) {
                        continue;
                    }
                    let call = self.channels.take_call(id);
                    self.forget_request(id, outbox);
                    if let Some(call) = call {
                        // Nobody may wait for it any more.
                        let _ = call.send(Err(CallError::Timeout));
                    } else {
                        events.push(Event::RequestTimeout { id });
                    }
                }
            }
        }
    }

    /// Forgets a request with its deadline and subscription; returns whether it was pending.
    pub(crate) fn forget_request(&mut self, id: u64, outbox: &Outbox) -> bool {
        let Some(pending) = self.requests.remove(id) else {
            return false;
        };
        self.channels.take_call(id);
        self.deadlines.remove(pending.deadline, Waiter::Request(id));
        self.end_subscription(pending.own_sid, outbox);
        true
    }

    fn reply(&mut self, id: u64, message: Message, outbox: &Outbox, events: &mut Vec<Event>) {
        let no_responders = message.status() == Some(NO_RESPONDERS);
        let Some(verdict) = self.requests.reply(id, no_responders) else {
            return;
        };
        if let Verdict::Last { deadline, sid } = verdict {
            self.deadlines.remove(deadline, Waiter::Request(id));
            self.end_subscription(sid, outbox);
        }
        if let Some(call) = self.channels.take_call(id) {
            let answer = if no_responders {
                Err(CallError::NoResponders)
            } else {
                Ok(message)
            };
            let _ = call.send(answer);
            return;
        }
        events.push(Event::Reply {
            id,
            message,
            last: verdict != Verdict::More,
        });
    }

    fn end_subscription(&mut self, sid: Option<u64>, outbox: &Outbox) {
        if let Some(sid) = sid.filter(|&sid| self.subscriptions.remove(sid)) {
            outbox.control(|buf| encode::unsubscribe(buf, sid, None));
        }
    }
}
