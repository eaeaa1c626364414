//! `drain`: the end of a connection that loses neither what came nor what goes.
//!
//! The engine tells the server to end all subscriptions and sends a PING behind that. Its PONG is
//! dispatched behind the last message; then everything was delivered, and what the callbacks have
//! published meanwhile goes out with the flush of an ordinary `disconnect`.

use std::rc::Rc;

use super::lifecycle::{closed, raise};
use super::{Connection, not_connected};
use crate::client::error::ConnectionError;
use crate::client::status::Status;
use crate::commands::options::{Kind, Spec, parse, spec};
use crate::commands::promise::Promise;
use crate::tcl::{Call, Error, Obj, Reply, Result, Work};

const OPTIONS: &[Spec] = &[spec("timeout", Kind::Timeout)];
const DEFAULT_TIMEOUT: u64 = 30_000;

/// A drain that has begun.
pub struct Drain {
    ping: u64,
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
    connection.client()?.drain(ping, timeout).map_err(raise)?;
    let promise = Promise::new();
    *connection.draining.borrow_mut() = Some(Drain {
        ping,
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

    /// If this PONG ends a drain, everything was delivered: closes.
    pub(super) fn drained(&self, ping: u64) -> Option<Work> {
        let is_ours = |drain: &mut Drain| drain.ping == ping;
        let drain = self.draining.borrow_mut().take_if(is_ours)?;
        let (work, unsent) = self.disconnect();
        drain.promise.settle(match drain.broken {
            Some(error) => Err(error),
            None if unsent > 0 => Err(timed_out(0, unsent)),
            None => Ok(Obj::empty()),
        });
        Some(work)
    }

    /// The time is up: closes with what is left undone.
    pub(super) fn drain_timed_out(&self) -> Work {
        let Some(drain) = self.draining.take() else {
            return Work::none();
        };
        let undelivered = self.mailbox.pending().items;
        let (work, unsent) = self.disconnect();
        drain.promise.settle(Err(timed_out(undelivered, unsent)));
        work
    }

    /// The connection was lost, for the moment, during a drain.
    pub(super) fn drain_broken(&self, error: Option<&ConnectionError>) {
        if let Some(drain) = &mut *self.draining.borrow_mut()
            && drain.broken.is_none()
        {
            drain.broken = Some(lost(error));
        }
    }

    /// The connection was closed during a drain, by whom- or whatever.
    pub(super) fn drain_interrupted(&self) {
        let Some(drain) = self.draining.take() else { return };
        let last_error = self.last_error.borrow().clone();
        drain.promise.settle(Err(last_error.map_or_else(closed, raise)));
    }
}

/// The error of a call that needed this very connection to last.
pub fn lost(error: Option<&ConnectionError>) -> Error {
    match error {
        Some(error) => raise(error.clone()),
        None => Error::nats("ErrConnectionClosed", "Connection dropped by force_reconnect"),
    }
}

fn timed_out(undelivered: usize, unsent: usize) -> Error {
    let text = format!("Drain timeout: {undelivered} messages not delivered, {unsent} not sent");
    Error::nats("ErrTimeout", text)
}
