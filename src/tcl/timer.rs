//! Something to do later, in the thread of an interpreter.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::rc::Rc;
use std::time::Duration;

use super::guard;
use super::hooks;
use super::notifier::Task;
use super::sys::{RawTimer, api};
use super::work;

/// Runs a task once its time has come; dropping it before cancels it.
pub struct Timer {
    pending: Rc<Pending>,
    token: RawTimer,
}

/// What the timer and Tcl share; Tcl holds a count as long as it can still fire.
struct Pending {
    task: RefCell<Option<Task>>,
    fired: Cell<bool>,
}

impl Timer {
    /// Times beyond some 24 days count as that: as far as Tcl can look ahead.
    pub fn after(delay: Duration, task: Task) -> Timer {
        let pending = Rc::new(Pending {
            task: RefCell::new(Some(task)),
            fired: Cell::new(false),
        });
        let milliseconds = c_int::try_from(delay.as_millis()).unwrap_or(c_int::MAX);
        let data = Rc::into_raw(pending.clone()).cast_mut().cast();
        // SAFETY: `fire` takes over the count, unless the timer is deleted before.
        let token = unsafe { (api().create_timer_handler)(milliseconds, fire, data) };
        Timer { pending, token }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if self.pending.fired.replace(true) || hooks::forked() {
            return;
        }
        // SAFETY: the timer has not fired, so its token is valid, and Tcl's count of the data is
        // given back here.
        unsafe {
            (api().delete_timer_handler)(self.token);
            Rc::decrement_strong_count(Rc::as_ptr(&self.pending));
        }
    }
}

unsafe extern "C-unwind" fn fire(data: *mut c_void) {
    if hooks::forked() {
        return;
    }
    let work = guard::catch(|| {
        // SAFETY: the count that `after` gave to Tcl.
        let pending = unsafe { Rc::from_raw(data.cast::<Pending>().cast_const()) };
        pending.fired.set(true);
        let task = pending.task.take();
        Ok(task.map(|task| task()))
    });
    if let Ok(Some(work)) = work {
        work::run(work);
    }
}
