//! `drain`: the end of a connection that loses neither what came nor what goes.
//!
//! The engine tells the server to end all subscriptions and sends a PING behind that. Its PONG is
//! dispatched behind the last message; then everything was delivered. Callbacks may wait for
//! answers to requests of theirs, so these are waited for, too, with another PING behind them. What
//! was published meanwhile goes out with the flush of an ordinary `disconnect`.

use std::rc::Rc;

use super::lifecycle::{closed, raise};
use super::{Connection, not_connected};
use crate::client::status::Status;
use crate::commands::options::{Kind, Spec, parse, spec};
use crate::commands::promise::Promise;
use crate::tcl::{Call, Error, Obj, Reply, Result, Work};

const OPTIONS: &[Spec] = &[spec("timeout", Kind::Timeout)];
const DEFAULT_TIMEOUT: u64 = 30_000;

/// A drain that has begun.
pub struct Drain {
    /// The PING whose PONG is waited for; none while requests are.
    ping: Option<u64>,
    /// A further round trip has let operations in the background pass on what came before it.
    passed_on: bool,
    promise: Promise,
    /// The first loss of the connection meanwhile: what was on its way may have gone with it.
    broken: Option<Error>,
}

pub fn drain(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    let timeout = parse(call.args(), OPTIONS)?
        .count("timeout")
        .unwrap_or(DEFAULT_TIMEOUT);
    if connection.status.get() == Status::Closed {
        return Err(not_connected());
    }
    connection.refuse_while_draining()?;
    let ping = connection.next_ping_id();
    connection.client()?.drain(ping, timeout);
    let promise = Promise::new();
    *connection.draining.borrow_mut() = Some(Drain {
        ping: Some(ping),
        passed_on: false,
        promise: promise.clone(),
        broken: None,
    });
    Ok(promise.wait())
}

impl Connection {
    pub(super) fn refuse_while_draining(&self) -> Result {
        if self.draining.borrow().is_none() {
            return Ok(());
        }
        Err(Error::nats("ErrConnectionDraining", "The connection is draining"))
    }

    /// If this PONG is that of a drain, everything was delivered: closes, unless requests wait.
    pub(super) fn drained(&self, ping: u64) -> Option<Work> {
        if self.draining.borrow().as_ref()?.ping != Some(ping) {
            return None;
        }
        if self.pending() > 0 {
            self.draining.borrow_mut().as_mut()?.ping = None;
            return None;
        }
        if self.has_operations() && !self.draining.borrow().as_ref()?.passed_on {
            self.draining.borrow_mut().as_mut()?.passed_on = true;
            self.ping_for_drain();
            return None;
        }
        let drain = self.draining.take()?;
        let (work, unsent) = self.disconnect();
        drain.promise.settle(match drain.broken {
            Some(error) => Err(error),
            None if unsent > 0 => Err(timed_out(0, unsent, 0)),
            None => Ok(Obj::empty()),
        });
        Some(work)
    }

    /// A request has ended. If a drain waited for it, a round trip shows whether whoever got the
    /// answer is satisfied.
    pub(super) fn request_ended(&self) {
        if self.pending() > 0 {
            return;
        }
        if self
            .draining
            .borrow()
            .as_ref()
            .is_some_and(|drain| drain.ping.is_none())
        {
            self.ping_for_drain();
        }
    }

    fn ping_for_drain(&self) {
        if let Some(drain) = &mut *self.draining.borrow_mut()
            && let Some(client) = &*self.life.borrow()
        {
            let ping = self.next_ping_id();
            drain.ping = Some(ping);
            client.ping(ping, 0);
        }
    }

    /// The time is up: closes with what is left undone.
    pub(super) fn drain_timed_out(&self) -> Work {
        let Some(drain) = self.draining.take() else {
            return Work::none();
        };
        let undelivered = self.mailbox.pending().items;
        let pending = self.pending();
        let (work, unsent) = self.disconnect();
        drain.promise.settle(Err(timed_out(undelivered, unsent, pending)));
        work
    }

    /// Requests, and operations that end by themselves.
    fn pending(&self) -> usize {
        self.requests.borrow().len() + self.finite_operations()
    }

    /// Notes that a drain can no longer succeed; it goes on with what can still be done.
    pub(super) fn break_drain(&self, error: &Error) {
        if let Some(drain) = &mut *self.draining.borrow_mut()
            && drain.broken.is_none()
        {
            drain.broken = Some(error.clone());
        }
    }

    /// The connection was closed during a drain, by whom- or whatever.
    pub(super) fn drain_interrupted(&self) {
        let Some(drain) = self.draining.take() else { return };
        let last_error = self.last_error.borrow().clone();
        drain.promise.settle(Err(last_error.map_or_else(closed, raise)));
    }
}

fn timed_out(undelivered: usize, unsent: usize, requests: usize) -> Error {
    let text = format!(
        "Drain timeout: {undelivered} messages not delivered, {unsent} not sent, \
         {requests} requests not answered"
    );
    Error::nats("ErrTimeout", text)
}
