//! `ping`, `flush` and `rtt`: one PING each, and its PONG.

use std::rc::Rc;
use std::time::Duration;

use super::{Connection, not_connected};
use crate::client::status::Status;
use crate::commands::options::{Kind, Spec, parse, spec};
use crate::commands::promise::Promise;
use crate::tcl::{Call, Error, Obj, Reply, Result};

const OPTIONS: &[Spec] = &[spec("timeout", Kind::Timeout)];
const DEFAULT_TIMEOUT: u64 = 10_000;

/// A call that waits for its PONG.
pub struct Asked {
    purpose: Purpose,
    promise: Promise,
}

/// What the PONG is good for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Ping,
    Flush,
    Rtt,
}

/// Proves that everything published before has reached the server.
pub fn ping(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    connection.ask(Purpose::Ping, call)
}

/// The same for every state but closed, and only for one and the same connection: it fails when
/// that is lost.
pub fn flush(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    connection.ask(Purpose::Flush, call)
}

/// The time that the PONG took, in milliseconds.
pub fn rtt(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    connection.ask(Purpose::Rtt, call)
}

impl Connection {
    fn ask(&self, purpose: Purpose, call: &Call) -> Result<Reply> {
        let timeout = parse(call.args(), OPTIONS)?
            .count("timeout")
            .unwrap_or(DEFAULT_TIMEOUT);
        let ready = match purpose {
            Purpose::Flush => self.status.get() != Status::Closed,
            Purpose::Ping | Purpose::Rtt => self.status.get() == Status::Connected,
        };
        if !ready {
            return Err(not_connected());
        }
        let id = self.next_ping_id();
        self.client()?.ping(id, timeout);
        let promise = Promise::new();
        let asked = Asked {
            purpose,
            promise: promise.clone(),
        };
        self.pings.borrow_mut().insert(id, asked);
        Ok(promise.wait())
    }

    pub(super) fn next_ping_id(&self) -> u64 {
        let id = self.next_ping.get();
        self.next_ping.set(id + 1);
        id
    }

    pub(super) fn pong(&self, id: u64, rtt: Duration) {
        self.end_ping(id, |purpose| match purpose {
            Purpose::Ping => Ok(Obj::text("true")),
            Purpose::Flush => Ok(Obj::empty()),
            Purpose::Rtt => Ok(Obj::text(&format!("{:.3}", rtt.as_secs_f64() * 1000.0))),
        });
    }

    pub(super) fn ping_timed_out(&self, id: u64) {
        self.end_ping(id, |purpose| {
            let text = if purpose == Purpose::Flush {
                "Flush timeout"
            } else {
                "PING timeout"
            };
            Err(Error::nats("ErrTimeout", text))
        });
    }

    /// Ends the flushes.
    pub(super) fn break_flushes(&self, error: &Error) {
        let mut pings = self.pings.borrow_mut();
        pings.retain(|_, asked| {
            let broken = asked.purpose == Purpose::Flush;
            if broken {
                asked.promise.settle(Err(error.clone()));
            }
            !broken
        });
    }

    /// Ends all that wait.
    pub(super) fn end_pings(&self, error: &Error) {
        let pings = std::mem::take(&mut *self.pings.borrow_mut());
        for asked in pings.into_values() {
            asked.promise.settle(Err(error.clone()));
        }
    }

    fn end_ping(&self, id: u64, outcome: impl FnOnce(Purpose) -> Result<Obj>) {
        let asked = self.pings.borrow_mut().remove(&id);
        if let Some(asked) = asked {
            asked.promise.settle(outcome(asked.purpose));
        }
    }
}
