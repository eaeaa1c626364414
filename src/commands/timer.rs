//! Something to do later, in the thread of an interpreter.
//!
//! Tcl's own timers follow the time of day: when somebody sets the clock they fire at once, or never.
//! The time here is that of the engine.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::client::alarms::Alarm;
use crate::tcl::Work;
use crate::tcl::notifier::{self, Source, Task, Waker};

/// Runs a task once its time has come; dropping it before cancels it.
pub struct Timer {
    waker: Waker,
    _alarm: Option<Alarm>,
}

impl Timer {
    /// Runs `task` as an event of its own in this thread.
    pub fn after(delay: Duration, task: Task) -> Timer {
        let waker = notifier::add(Rc::new(Once(RefCell::new(Some(task)))));
        let alert = waker.clone();
        Timer {
            waker,
            _alarm: Alarm::after(delay, move || alert.wake()),
        }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        notifier::remove(&self.waker);
    }
}

/// The one item of a source that is woken when it is due.
struct Once(RefCell<Option<Task>>);

impl Source for Once {
    fn next(&self) -> Option<Work> {
        let task = self.0.take()?;
        Some(task())
    }

    fn thread_ends(&self) -> Work {
        Work::none()
    }
}
