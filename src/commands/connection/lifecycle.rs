//! `connect`, `disconnect`, `destroy`, and the ends that run no script.

use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::Notify;

use super::notify::error_fields;
use super::request::Ending;
use super::{Connection, not_connected};
use crate::client::Client;
use crate::client::error::ConnectionError;
use crate::client::event::{Event, EventSink, LogLevel};
use crate::client::status::Status;
use crate::commands::advice;
use crate::commands::promise::Promise;
use crate::mailbox::{Sender, Weight};
use crate::tcl::{Call, Error, Obj, Reply, Result, Work, class};

/// One life's way into the mailbox.
struct LifeSink {
    sender: Sender<Event>,
    level: LogLevel,
}

impl Weight for Event {
    fn weight(&self) -> usize {
        Event::weight(self)
    }
}

impl EventSink for LifeSink {
    fn deliver(&self, batch: &mut Vec<Event>) {
        self.sender.send(batch);
    }

    fn ask(&self, question: Event) {
        self.sender.send_first(question);
    }

    fn has_room(&self) -> bool {
        self.sender.has_room()
    }

    fn room(&self) -> &Notify {
        self.sender.room()
    }

    fn wants_log(&self, level: LogLevel) -> bool {
        level <= self.level
    }
}

pub fn connect(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    let wait = match call.args() {
        [] => true,
        [option] if option.modified_utf8() == b"-async" => false,
        words => {
            let words: Vec<_> = words.iter().map(Obj::to_text).collect();
            return Err(advice::unknown_option(&words.join(" "), ["async"]));
        }
    };
    // While a life begins or ends, its traces run with the status still, or already, closed.
    if connection.status.get() != Status::Closed || connection.life.borrow().is_some() {
        return Ok(Reply::Empty);
    }
    if connection.pool().is_empty() {
        return Err(Error::nats("ErrNoServers", "Server pool is empty").advised(advice::NO_SERVERS));
    }
    let sink = LifeSink {
        sender: connection.mailbox.start_epoch(),
        level: connection.log.level(),
    };
    let client = Client::new(connection.settings.clone(), Arc::new(sink)).map_err(raise)?;
    *connection.life.borrow_mut() = Some(client.clone());
    connection.was_connected.set(false);
    let begun = connection.begin(client);
    let result = if wait {
        let promise = Promise::new();
        connection.connecting.borrow_mut().push(promise.clone());
        promise.wait()
    } else {
        Reply::Empty
    };
    Ok(Reply::Then(begun, Box::new(result)))
}

pub fn disconnect(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    call.no_args()?;
    Ok(Reply::Then(connection.disconnect().0, Box::new(Reply::Empty)))
}

pub fn force_reconnect(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    call.no_args()?;
    if connection.status.get() == Status::Closed {
        return Err(not_connected());
    }
    connection.client()?.force_reconnect();
    connection.break_promises(&Error::nats(
        "ErrConnectionClosed",
        "Connection dropped by force_reconnect",
    ));
    Ok(Reply::Empty)
}

/// `releaseRef child`: the child will not be destroyed together with the connection.
pub fn release_ref(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    let [child] = call.args() else {
        return Err(call.wrong_args(c"child"));
    };
    connection
        .children
        .release(&class::namespace_of(call.interp, child)?);
    Ok(Reply::Empty)
}

/// The destructor: children find the connection closed.
pub fn destroy(connection: &Rc<Connection>) -> Work {
    Work::Many(vec![connection.disconnect().0, connection.children.destroy()])
}

pub fn raise(error: ConnectionError) -> Error {
    advice::for_code(Error::nats(error.code, error.text))
}

impl Connection {
    /// Starts a life, unless a trace ends it before.
    fn begin(&self, client: Client) -> Work {
        let started = client.clone();
        Work::Many(vec![
            self.set_last_error(None),
            self.tell_of_tls_options(),
            self.then(move |connection| match connection.lives(&client) {
                true => connection.set_status(Status::Connecting),
                false => Work::none(),
            }),
            self.then(move |connection| {
                if connection.lives(&started) {
                    started.start();
                }
                Work::none()
            }),
        ])
    }

    fn lives(&self, client: &Client) -> bool {
        self.life.borrow().as_ref().is_some_and(|life| life.is(client))
    }

    /// Flushes and ends the life on purpose; also returns how many messages could not be sent.
    pub(super) fn disconnect(&self) -> (Work, usize) {
        let Some(client) = self.life.take() else {
            return (Work::none(), 0);
        };
        let report = client.close(true);
        self.forget();
        let mut steps = vec![self.set_last_error(None)];
        if let Some(peer) = &report.peer {
            steps.extend(self.log(LogLevel::Info, &format!("Closing connection to {peer}")));
        }
        (self.end(steps, report.unsent, Ending::Disconnect), report.unsent)
    }

    /// The engine has given up: the pool is exhausted.
    pub(super) fn lose(&self) -> Work {
        let Some(client) = self.life.take() else {
            return Work::none();
        };
        let discarded = client.end_of_life();
        self.forget();
        self.end(Vec::new(), discarded, Ending::Lost)
    }

    /// The connection does not last: what is on its way may be lost, which calls that wait have
    /// promised not to happen. Calls that come after this mean the next connection.
    pub(super) fn break_promises(&self, error: &Error) {
        self.break_flushes(error);
        self.break_drain(error);
    }

    /// Drops what is still on its way from the engine.
    fn forget(&self) {
        self.mailbox.start_epoch();
        let subscriptions = std::mem::take(&mut *self.subscriptions.borrow_mut());
        drop(subscriptions);
    }

    /// The end of a life, the same for all its reasons; `closed` is written last.
    fn end(&self, mut steps: Vec<Work>, discarded: usize, ending: Ending) -> Work {
        steps.extend(self.tell_discarded(discarded));
        steps.push(self.then(move |connection| connection.end_waits(discarded, ending)));
        Work::Many(steps)
    }

    /// Ends everything that waits for the life.
    fn end_waits(&self, discarded: usize, ending: Ending) -> Work {
        self.end_requests(ending);
        let ended = self.end_operations(ending);
        self.end_pings(&closed());
        self.drain_interrupted();
        let was_open = self.status.get() != Status::Closed;
        let work = Work::Many(vec![ended, self.set_status(Status::Closed)]);
        if was_open {
            let [code, text] = error_fields(self.last_error.borrow().as_ref());
            let discarded = ("discarded", Obj::int(discarded as u64));
            self.notify("closed", &[code, text, discarded]);
        }
        self.settle_connect();
        work
    }

    /// Ends the calls of `connect` that wait, once the first round of attempts is over.
    pub(super) fn settle_connect(&self) {
        if self.status.get() == Status::Connecting {
            return;
        }
        let outcome = if self.status.get() == Status::Closed {
            Err(self.failure())
        } else {
            Ok(Obj::empty())
        };
        let waiting = std::mem::take(&mut *self.connecting.borrow_mut());
        for promise in waiting {
            promise.settle(outcome.clone());
        }
    }

    /// Why `connect` failed.
    fn failure(&self) -> Error {
        match &*self.last_error.borrow() {
            Some(error) if self.pool().len() == 1 => raise(error.clone()),
            _ => advice::for_code(Error::nats("ErrNoServers", "No servers available for connection")),
        }
    }

    /// Flushes and ends the life where no callback and no trace may run any more. What was lost
    /// is worth a line, which is returned for whoever can still write it.
    pub(super) fn end_silently(&self) -> Option<Work> {
        let unsent = match self.life.take() {
            Some(client) => client.close(true).unsent,
            None if self.status.get() == Status::Closed => return None,
            // A trace has destroyed the object in the middle of an end.
            None => 0,
        };
        self.forget();
        *self.last_error.borrow_mut() = None;
        drop(self.end_waits(unsent, Ending::Disconnect));
        self.tell_discarded(unsent)
    }

    fn tell_discarded(&self, messages: usize) -> Option<Work> {
        if messages == 0 {
            return None;
        }
        self.log(LogLevel::Warn, &format!("Discarded {messages} buffered messages"))
    }
}

/// The error of a call that waited when the connection was closed on purpose.
pub fn closed() -> Error {
    Error::nats("ErrConnectionClosed", "Connection closed")
}
