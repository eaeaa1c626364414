//! `ping`: proof that everything published before has reached the server.

use std::rc::Rc;

use super::{Connection, not_connected};
use crate::client::status::Status;
use crate::commands::options::{Kind, Spec, parse, spec};
use crate::commands::promise::Promise;
use crate::tcl::{Call, Error, Obj, Reply, Result};

const OPTIONS: &[Spec] = &[spec("timeout", Kind::Timeout)];
const DEFAULT_TIMEOUT: u64 = 10_000;

pub fn ping(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    let timeout = parse(call.args(), OPTIONS)?
        .count("timeout")
        .unwrap_or(DEFAULT_TIMEOUT);
    if connection.status.get() != Status::Connected {
        return Err(not_connected());
    }
    let id = connection.next_ping.get();
    connection.next_ping.set(id + 1);
    connection.client()?.ping(id, timeout);
    let promise = Promise::new();
    connection.pings.borrow_mut().insert(id, promise.clone());
    Ok(promise.wait())
}

impl Connection {
    pub(super) fn pong(&self, id: u64) {
        self.end_ping(id, Ok(Obj::text("true")));
    }

    pub(super) fn ping_timed_out(&self, id: u64) {
        self.end_ping(id, Err(Error::nats("ErrTimeout", "PING timeout")));
    }

    fn end_ping(&self, id: u64, outcome: Result<Obj>) {
        let promise = self.pings.borrow_mut().remove(&id);
        if let Some(promise) = promise {
            promise.settle(outcome);
        }
    }
}
