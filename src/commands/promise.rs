//! The result of something that takes its time.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use crate::tcl::{Error, Gate, Obj, Reply, Result, Wait, Work};

/// Settled once; whoever waits for it then goes on with the outcome.
#[derive(Clone)]
pub struct Promise {
    gate: Rc<Gate>,
    outcome: Rc<RefCell<Option<Result<Obj>>>>,
}

/// A promise as long as somebody else holds it: who keeps this does not count as waiting.
pub struct WeakPromise {
    gate: Weak<Gate>,
    outcome: Weak<RefCell<Option<Result<Obj>>>>,
}

impl WeakPromise {
    pub fn upgrade(&self) -> Option<Promise> {
        Some(Promise {
            gate: self.gate.upgrade()?,
            outcome: self.outcome.upgrade()?,
        })
    }
}

impl Promise {
    pub fn new() -> Promise {
        Promise {
            gate: Gate::new(),
            outcome: Rc::default(),
        }
    }

    /// Ends the wait; later calls change nothing.
    pub fn settle(&self, outcome: Result<Obj>) {
        if !self.is_settled() {
            *self.outcome.borrow_mut() = Some(outcome);
            self.gate.open();
        }
    }

    /// The same in an event that does nothing else: a coroutine that waits is resumed by the work.
    pub fn settle_now(&self, outcome: Result<Obj>) -> Work {
        if self.is_settled() {
            return Work::none();
        }
        *self.outcome.borrow_mut() = Some(outcome);
        self.gate.open_now()
    }

    pub fn is_settled(&self) -> bool {
        self.gate.is_open()
    }

    /// Whether whoever waited was cut short, so that nobody wants the outcome.
    pub fn is_abandoned(&self) -> bool {
        Rc::strong_count(&self.outcome) == 1
    }

    pub fn downgrade(&self) -> WeakPromise {
        WeakPromise {
            gate: Rc::downgrade(&self.gate),
            outcome: Rc::downgrade(&self.outcome),
        }
    }

    /// Makes a method wait for the outcome.
    pub fn wait(self) -> Reply {
        self.wait_then(|| ())
    }

    /// The same; `resumed` is called when the method goes on.
    pub fn wait_then(self, resumed: impl FnOnce() + 'static) -> Reply {
        let outcome = self.outcome;
        let finish = Box::new(move || {
            resumed();
            let unsettled = || Err(Error::nats("ErrInternal", "a wait ended without an outcome"));
            outcome.take().unwrap_or_else(unsettled)
        });
        Reply::Wait(Wait {
            gate: self.gate,
            finish,
        })
    }
}
