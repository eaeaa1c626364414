//! Operations of ours that run in the background: what they are to the interpreter's thread.
//!
//! This is the one mechanism of every synchronous method that takes more than a single request, and
//! of everything that goes on and leads to callbacks: [`Connection::start`] for a result that is
//! waited for, [`Connection::open`] for a stream of items. The operation itself is async Rust on the
//! runtime; items come through the mailbox, in order, one event each.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use super::lifecycle::closed;
use super::request::Ending;
use super::{Connection, not_connected};
use crate::client::Client;
use crate::client::background::{Items, Outlet};
use crate::client::status::Status;
use crate::client::task::Task;
use crate::commands::promise::Promise;
use crate::tcl::{Error, Obj, Reply, Result, Work};

/// Takes what an operation brings.
pub trait Handler<T> {
    /// An item of the operation `id` came; `None` if there is nothing for a script to see.
    fn item(&self, connection: &Connection, id: u64, item: T) -> Option<Work>;

    /// The operation is over before its time, and already forgotten.
    fn ended(&self, connection: &Connection, end: End) -> Option<Work>;

    /// Whether the operation ends by itself, so that a drain waits for it.
    fn is_finite(&self) -> bool;
}

/// Why an operation is over before its time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The connection ended.
    Connection(Ending),
    /// The operation panicked.
    Failed,
}

impl End {
    /// The error of a call that waited.
    pub fn error(self) -> Error {
        match self {
            End::Connection(Ending::Disconnect) => closed(),
            End::Connection(Ending::Lost) => Error::nats("ErrTimeout", "Connection lost"),
            End::Failed => Error::nats("ErrInternal", "An operation in the background failed"),
        }
    }
}

/// An operation that has not ended. Dropping it ends it.
pub struct Operation {
    face: Rc<dyn Face>,
    _task: Task,
}

impl Connection {
    /// Makes a method wait for the outcome of an operation.
    ///
    /// `make` is called at once, so what it does before its future is polled (a request that is
    /// written, say) happens on this thread. `settle` turns the outcome into the method's result.
    pub fn start<T, F>(
        &self,
        make: impl FnOnce(Client) -> F,
        settle: impl FnOnce(T) -> Result<Obj> + 'static,
    ) -> Result<Reply>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        self.start_or(make, settle, End::error)
    }

    /// The same, with another error if the operation is over before its time.
    pub fn start_or<T, F>(
        &self,
        make: impl FnOnce(Client) -> F,
        settle: impl FnOnce(T) -> Result<Obj> + 'static,
        ended: fn(End) -> Error,
    ) -> Result<Reply>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (_, promise) = self.start_operation(make, settle, ended)?;
        Ok(promise.wait())
    }

    /// The same for a wait that something else may end, too: the ID of the operation and what its
    /// outcome goes to.
    pub fn start_operation<T, F>(
        &self,
        make: impl FnOnce(Client) -> F,
        settle: impl FnOnce(T) -> Result<Obj> + 'static,
        ended: fn(End) -> Error,
    ) -> Result<(u64, Promise)>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let promise = Promise::new();
        let waiting = Waiting {
            promise: promise.clone(),
            settle: RefCell::new(Some(settle)),
            ended,
        };
        let run = |client: Client, outlet: Outlet<T>| {
            let outcome = make(client);
            async move { outlet.send(outcome.await, 0) }
        };
        let id = self.open(run, waiting)?;
        Ok((id, promise))
    }

    /// Starts an operation whose items go to `handler`; returns its ID. An operation is forgotten
    /// by [`close_operation`](Self::close_operation) or when the connection ends, not when its
    /// future does.
    pub fn open<T, F>(
        &self,
        make: impl FnOnce(Client, Outlet<T>) -> F,
        handler: impl Handler<T> + 'static,
    ) -> Result<u64>
    where
        T: Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        if self.status.get() == Status::Closed {
            return Err(not_connected());
        }
        let client = self.client()?;
        let id = self.next_operation.get();
        self.next_operation.set(id + 1);
        let items = Items::default();
        let future = make(client.clone(), Outlet::new(client.clone(), id, items.clone()));
        let operation = Operation {
            face: Rc::new(Handled { id, items, handler }),
            _task: client.spawn(id, future),
        };
        self.operations.borrow_mut().insert(id, operation);
        Ok(id)
    }

    /// Ends an operation; nothing of it is dispatched any more. Unknown IDs are ignored.
    pub fn close_operation(&self, id: u64) {
        let ended = self.operations.borrow_mut().remove(&id);
        drop(ended);
        self.request_ended();
    }

    /// An operation has put an item into its outlet.
    pub(super) fn operation_item(&self, id: u64) -> Option<Work> {
        let face = self.operations.borrow().get(&id)?.face.clone();
        face.item(self)
    }

    /// An operation has panicked.
    pub(super) fn operation_failed(&self, id: u64) -> Option<Work> {
        let operation = self.operations.borrow_mut().remove(&id)?;
        operation.face.ended(self, End::Failed)
    }

    /// The connection ends, and all operations with it.
    pub(super) fn end_operations(&self, ending: Ending) -> Work {
        let operations = std::mem::take(&mut *self.operations.borrow_mut());
        let faces: Vec<_> = operations.into_values().map(|operation| operation.face).collect();
        let steps = faces
            .iter()
            .filter_map(|face| face.ended(self, End::Connection(ending)));
        Work::Many(steps.collect())
    }

    /// Operations that end by themselves.
    pub(super) fn finite_operations(&self) -> usize {
        let operations = self.operations.borrow();
        operations
            .values()
            .filter(|operation| operation.face.is_finite())
            .count()
    }

    pub(super) fn has_operations(&self) -> bool {
        !self.operations.borrow().is_empty()
    }
}

/// A call that waits for an outcome.
struct Waiting<S> {
    promise: Promise,
    settle: RefCell<Option<S>>,
    ended: fn(End) -> Error,
}

impl<T, S: FnOnce(T) -> Result<Obj>> Handler<T> for Waiting<S> {
    fn item(&self, connection: &Connection, id: u64, outcome: T) -> Option<Work> {
        let settle = self.settle.borrow_mut().take()?;
        // What it would do (send a message, say) is for a caller that still waits.
        let work = self.promise.settle_now(match self.promise.is_abandoned() {
            false => settle(outcome),
            true => Ok(Obj::empty()),
        });
        connection.close_operation(id);
        Some(work)
    }

    fn ended(&self, _: &Connection, end: End) -> Option<Work> {
        self.promise.settle(Err((self.ended)(end)));
        None
    }

    fn is_finite(&self) -> bool {
        true
    }
}

/// What the connection sees of an operation, whatever its items are.
trait Face {
    fn item(&self, connection: &Connection) -> Option<Work>;
    fn ended(&self, connection: &Connection, end: End) -> Option<Work>;
    fn is_finite(&self) -> bool;
}

struct Handled<T, H> {
    id: u64,
    items: Items<T>,
    handler: H,
}

impl<T, H: Handler<T>> Face for Handled<T, H> {
    fn item(&self, connection: &Connection) -> Option<Work> {
        let item = self
            .items
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .pop_front()?;
        self.handler.item(connection, self.id, item)
    }

    fn ended(&self, connection: &Connection, end: End) -> Option<Work> {
        self.handler.ended(connection, end)
    }

    fn is_finite(&self) -> bool {
        self.handler.is_finite()
    }
}
