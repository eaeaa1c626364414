//! Waiting without blocking the interpreter.
//!
//! A method that must wait returns a [`Wait`]. Outside of coroutines the thread then serves its
//! events until the [`Gate`] opens, as `vwait` does; inside a coroutine the coroutine yields, and
//! an event resumes it.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::mem::ManuallyDrop;
use std::rc::Rc;

use super::error::{Error, Result};
use super::guard;
use super::hooks;
use super::interp::Interp;
use super::notifier;
use super::obj::Obj;
use super::stack;
use super::sys::{self, RawCommand, RawInterp, api};
use super::work::Work;

/// What a waiting method waits for: closed at first, opened once.
#[derive(Default)]
pub struct Gate {
    open: Cell<bool>,
    sleeper: RefCell<Option<Sleeper>>,
}

/// Who waits at a gate other than by a nested event loop.
enum Sleeper {
    Coroutine {
        interp: Interp,
        command: RawCommand,
    },
    /// The coroutine was deleted while it waited.
    Deleted {
        interp: Interp,
        name: String,
    },
}

impl Sleeper {
    fn interp(&self) -> Interp {
        match self {
            Sleeper::Coroutine { interp, .. } | Sleeper::Deleted { interp, .. } => interp.clone(),
        }
    }
}

/// A wait and how it ends.
pub struct Wait {
    pub gate: Rc<Gate>,
    /// Makes the method's result once the gate is open.
    pub finish: Box<dyn FnOnce() -> Result<Obj>>,
}

impl Gate {
    pub fn new() -> Rc<Gate> {
        Rc::default()
    }

    /// Ends the wait. A coroutine is resumed by a later event, never from here.
    pub fn open(self: &Rc<Gate>) {
        if self.open.replace(true) || self.sleeper.borrow().is_none() {
            return;
        }
        let gate = self.clone();
        notifier::post(Box::new(move || gate.wake()));
    }

    /// Ends the wait in an event that does nothing else: the work resumes a coroutine, which spares
    /// an event of its own.
    pub fn open_now(self: &Rc<Gate>) -> Work {
        self.open.set(true);
        let Some(interp) = self.sleeper.borrow().as_ref().map(Sleeper::interp) else {
            return Work::none();
        };
        let gate = self.clone();
        Work::Later {
            interp,
            find: Box::new(move || gate.wake()),
        }
    }

    pub fn is_open(&self) -> bool {
        self.open.get()
    }

    fn wake(&self) -> Work {
        match self.sleeper.take() {
            Some(Sleeper::Coroutine { interp, command }) => {
                let name = Obj::empty();
                // SAFETY: the token is valid until the coroutine is deleted, which replaces the
                // sleeper; the coroutine may have been renamed meanwhile. Nobody shares `name`.
                unsafe { (api().get_command_full_name)(interp.raw(), command, name.raw()) };
                *self.sleeper.borrow_mut() = Some(Sleeper::Coroutine {
                    interp: interp.clone(),
                    command,
                });
                Work::Call {
                    interp,
                    words: vec![name],
                }
            }
            Some(Sleeper::Deleted { interp, name }) => {
                let error = Error::nats("ErrInvalidCoroutine", format!("Invalid coroutine {name}"));
                Work::Fail { interp, error }
            }
            None => Work::none(),
        }
    }
}

/// Waits, from within a method. Returns the method's status.
pub(super) fn begin(interp: Interp, wait: Wait) -> c_int {
    if !wait.gate.is_open() {
        let name = match current_coroutine(&interp) {
            Ok(name) => name,
            Err(Interrupted) => return sys::TCL_ERROR,
        };
        // SAFETY: the name is a live value.
        let find = |name: Obj| unsafe { (api().get_command_from_obj)(interp.raw(), name.raw()) };
        if let Some(command) = name.map(find).filter(|command| !command.is_null()) {
            *wait.gate.sleeper.borrow_mut() = Some(Sleeper::Coroutine {
                interp: interp.clone(),
                command,
            });
            return sleep(Box::new((interp, wait)));
        }
    }
    serve_until_open(interp, wait)
}

/// Tcl was told to stop evaluating, and has left the reason in the interpreter.
struct Interrupted;

/// The name of the running coroutine. To ask is to evaluate, which is when a cancellation shows,
/// and it shows only once.
fn current_coroutine(interp: &Interp) -> std::result::Result<Option<Obj>, Interrupted> {
    let words = [Obj::text("::tcl::info::coroutine")];
    // SAFETY: a command of Tcl that runs no script.
    let name = unsafe {
        if (api().eval_objv)(interp.raw(), 1, words.as_ptr().cast(), 0) != sys::TCL_OK {
            return Err(Interrupted);
        }
        let name = Obj::from_raw((api().get_obj_result)(interp.raw()));
        (api().reset_result)(interp.raw());
        name
    };
    Ok(Some(name).filter(|name| !name.modified_utf8().is_empty()))
}

/// Yields; [`resumed`] runs when the coroutine goes on, in whatever way.
fn sleep(asleep: Box<Asleep>) -> c_int {
    // A list is evaluated as the command that it is, without being compiled.
    let command = Obj::list(&[Obj::text("::yield")]);
    let (raw, null) = (asleep.0.raw(), std::ptr::null_mut());
    // SAFETY: `resumed` takes the box over; Tcl counts the command as long as it needs it.
    unsafe {
        (api().reset_result)(raw);
        (api().nr_add_callback)(raw, resumed, Box::into_raw(asleep).cast(), null, null, null);
        (api().nr_eval_obj)(raw, command.raw(), 0)
    }
}

/// What a sleeping coroutine's C side keeps.
type Asleep = (Interp, Wait);

unsafe extern "C-unwind" fn resumed(data: *mut *mut c_void, _: *mut RawInterp, status: c_int) -> c_int {
    // SAFETY: `sleep` gave us the box.
    let asleep = unsafe { Box::from_raw((*data).cast::<Asleep>()) };
    if status == sys::TCL_OK && !asleep.1.gate.is_open() {
        // Somebody else resumed the coroutine: what it waits for is still to come.
        return sleep(asleep);
    }
    let (interp, wait) = *asleep;
    // A coroutine that is deleted between the end of its wait and its resumption comes by, too.
    if status == sys::TCL_OK && is_in_coroutine(&interp) {
        wait.gate.sleeper.take();
        return finish(&interp, wait);
    }
    if status != sys::TCL_OK && cannot_yield(&interp) {
        wait.gate.sleeper.take();
        return serve_until_open(interp, wait);
    }
    if status != sys::TCL_OK && is_in_coroutine(&interp) {
        // Somebody made the coroutine's `yield` fail: it goes on, without what it waited for.
        wait.gate.sleeper.take();
        return status;
    }
    if let Some(Sleeper::Coroutine { interp, command }) = wait.gate.sleeper.take() {
        let name = Obj::empty();
        // SAFETY: the command is being deleted, not yet freed.
        unsafe { (api().get_command_full_name)(interp.raw(), command, name.raw()) };
        let name = name.to_text().into_owned();
        let deleted = Sleeper::Deleted { interp, name };
        *wait.gate.sleeper.borrow_mut() = Some(deleted);
    }
    status
}

/// Whether a coroutine runs that is not being deleted. Leaves the interpreter's result alone.
fn is_in_coroutine(interp: &Interp) -> bool {
    if !interp.is_alive() {
        return false;
    }
    // SAFETY: the state that is saved is restored.
    unsafe {
        let state = (api().save_interp_state)(interp.raw(), sys::TCL_OK);
        let coroutine = current_coroutine(interp);
        (api().restore_interp_state)(interp.raw(), state);
        matches!(coroutine, Ok(Some(_)))
    }
}

/// Whether a C function stands between the coroutine and us (as in `lsort -command`).
fn cannot_yield(interp: &Interp) -> bool {
    let Error::Raised { options, .. } = Error::from_interp(interp) else {
        return false;
    };
    let code = options.get(interp, &Obj::text("-errorcode")).ok().flatten();
    code.is_some_and(|code| code.modified_utf8() == b"TCL COROUTINE CANT_YIELD")
}

/// Serves events until the gate opens. Called with no guarded frame above it: the events run
/// scripts, and what this function owns meanwhile sits in `ManuallyDrop` (see `work`).
fn serve_until_open(interp: Interp, wait: Wait) -> c_int {
    let held = ManuallyDrop::new((interp, wait));
    let (interp, wait) = &*held;
    let raw = interp.raw();
    // SAFETY: the interpreter is preserved while events run.
    let interrupted = unsafe {
        (api().preserve)(raw.cast());
        let interrupted = loop {
            if wait.gate.is_open() {
                break None;
            }
            if let Some(status) = interruption(interp) {
                break Some(status);
            }
            (api().do_one_event)(sys::TCL_ALL_EVENTS);
        };
        (api().release)(raw.cast());
        interrupted
    };
    let (interp, wait) = ManuallyDrop::into_inner(held);
    match interrupted {
        None => finish(&interp, wait),
        Some(status) => status,
    }
}

/// The reason to stop serving events, left in the interpreter.
fn interruption(interp: &Interp) -> Option<c_int> {
    if !interp.is_alive() {
        return Some(sys::TCL_ERROR);
    }
    if let Err(error) = hooks::refuse_fork() {
        return Some(error.leave(interp));
    }
    if !stack::has_room() {
        let message = "too many nested waits (infinite loop?): the thread's C stack is used up";
        return Some(Error::tcl(["TCL", "LIMIT", "STACK"], message).leave(interp));
    }
    let raw = interp.raw();
    // SAFETY: both leave their message in the interpreter.
    unsafe {
        if (api().canceled)(raw, sys::TCL_LEAVE_ERR_MSG) != sys::TCL_OK {
            return Some(sys::TCL_ERROR);
        }
        if (api().limit_exceeded)(raw) != 0 {
            let status = (api().limit_check)(raw);
            if status != sys::TCL_OK {
                return Some(status);
            }
        }
    }
    None
}

fn finish(interp: &Interp, wait: Wait) -> c_int {
    if !interp.is_alive() {
        return sys::TCL_ERROR;
    }
    match guard::catch(wait.finish) {
        // SAFETY: a live value.
        Ok(value) => unsafe {
            (api().set_obj_result)(interp.raw(), value.raw());
            sys::TCL_OK
        },
        Err(error) => {
            // What the served events left behind is not ours.
            // SAFETY: the interpreter is alive.
            unsafe { (api().reset_result)(interp.raw()) };
            error.leave(interp)
        }
    }
}
