//! Requests that other commands send: one reply, which is theirs to read.
//!
//! Like the requests of scripts they have an ID, end by their deadline and with the connection, and
//! are waited for by a drain.

use std::future::Future;

use super::Connection;
use super::operations::{End, Handler};
use super::publish::{Draft, Outgoing, refused};
use super::request::{Ending, Pending, no_responders, timed_out};
use crate::client::Client;
use crate::client::background::{CallError, Outlet};
use crate::client::error::PublishError;
use crate::commands::promise::Promise;
use crate::protocol::Message;
use crate::tcl::{Error, Obj, Reply, Result, Work};

/// What a command does with the outcome of its request.
pub type Then = Box<dyn FnOnce(&Connection, Outcome) -> Option<Work>>;

/// How a request of a command ended.
pub type Outcome<'a> = std::result::Result<&'a Message, Failure>;

/// Why a request brought no reply.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    NoResponders,
    TimedOut,
    /// It was not accepted when it was to be sent again.
    Refused(PublishError),
    Ended(Ending),
}

/// A request that another command has sent.
pub struct Commanded {
    /// Whether a script knows its ID.
    pub cancellable: bool,
    /// The operation that sends it again if need be.
    pub operation: Option<u64>,
    pub then: Then,
}

impl Connection {
    /// Sends a request for one reply on behalf of another command, which gets the outcome. It costs
    /// no more than a request of a script. Returns its ID, which scripts may cancel if
    /// `cancellable`; then `then` is dropped.
    pub fn request_then(&self, draft: &Draft, timeout: u64, cancellable: bool, then: Then) -> Result<u64> {
        let message = self.check(draft)?;
        let id = self.settings.next_request_id();
        let header = message.header.as_deref();
        self.client()?
            .request(id, &message.subject, header, &message.payload, timeout)
            .map_err(refused)?;
        Ok(self.enter(id, draft, cancellable, None, then))
    }

    /// As [`request_then`](Self::request_then), for a request that an operation makes: `make` sends
    /// it and returns its ID and what will come of it.
    pub fn request_by<F>(
        &self,
        draft: &Draft,
        make: impl FnOnce(Client, &Outgoing) -> (u64, F),
        cancellable: bool,
        then: Then,
    ) -> Result<u64>
    where
        F: Future<Output = std::result::Result<Message, CallError>> + Send + 'static,
    {
        let message = self.check(draft)?;
        let (id, outcome) = make(self.client()?, &message);
        let run = |_, outlet: Outlet<_>| async move { outlet.send(outcome.await, 0) };
        let operation = self.open(run, Resent { request: id })?;
        Ok(self.enter(id, draft, cancellable, Some(operation), then))
    }

    /// Makes a method wait for the reply to a request of a command, and read it.
    pub fn request_reply(
        &self,
        draft: &Draft,
        send: impl FnOnce(&Self, Then) -> Result<u64>,
        read: impl FnOnce(&Connection, &Message) -> Result<Obj> + 'static,
    ) -> Result<Reply> {
        let promise = Promise::new();
        let (settled, subject) = (promise.clone(), draft.subject.clone());
        let then = move |connection: &Connection, outcome: Outcome| {
            Some(settled.settle_now(match outcome {
                Ok(message) => read(connection, message),
                Err(failure) => Err(failure.error(&subject)),
            }))
        };
        send(self, Box::new(then))?;
        Ok(promise.wait())
    }

    fn enter(&self, id: u64, draft: &Draft, cancellable: bool, operation: Option<u64>, then: Then) -> u64 {
        let command = Commanded {
            cancellable,
            operation,
            then,
        };
        let pending = Pending::of_command(draft.subject, command);
        self.requests.borrow_mut().insert(id, pending);
        id
    }

    /// Takes the request of a command out of the table.
    pub(super) fn take_command(&self, id: u64) -> Option<Then> {
        let mut requests = self.requests.borrow_mut();
        requests.get(&id)?.command()?;
        Some(requests.remove(&id)?.into_command()?.then)
    }
}

impl Failure {
    /// The error of a call that waited for the reply from this subject.
    fn error(self, subject: &Obj) -> Error {
        match self {
            Failure::NoResponders => no_responders(),
            Failure::TimedOut => timed_out(&subject.to_text()),
            Failure::Refused(error) => refused(error),
            Failure::Ended(ending) => End::Connection(ending).error(),
        }
    }
}

/// Brings the outcome of a request that an operation made to whoever waits for it.
struct Resent {
    request: u64,
}

impl Handler<std::result::Result<Message, CallError>> for Resent {
    fn item(
        &self,
        connection: &Connection,
        id: u64,
        outcome: std::result::Result<Message, CallError>,
    ) -> Option<Work> {
        let then = connection.take_command(self.request)?;
        connection.close_operation(id);
        let failure = |error: &CallError| match error {
            CallError::NoResponders => Failure::NoResponders,
            CallError::Refused(error) => Failure::Refused(*error),
            _ => Failure::TimedOut,
        };
        then(connection, outcome.as_ref().map_err(failure))
    }

    fn ended(&self, connection: &Connection, end: End) -> Option<Work> {
        // With the connection all requests end; a panic ends this one only.
        if let End::Connection(_) = end {
            return None;
        }
        connection.take_command(self.request)?(connection, Err(Failure::TimedOut))
    }

    fn is_finite(&self) -> bool {
        true
    }
}
