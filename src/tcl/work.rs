//! Things to do in the interpreter once none of our frames is on the stack.
//!
//! A handler that Tcl calls returns the scripts it wants run instead of running them. So no lock
//! and no borrow can be held while a script runs, and a script may do anything: re-enter, destroy
//! the object, delete the interpreter, end the thread.

use std::mem::ManuallyDrop;

use super::error::{Error, PLACE, Result};
use super::guard;
use super::interp::Interp;
use super::obj::Obj;
use super::sys::{self, api};

/// One step, or several in order.
pub enum Work {
    /// Evaluates the words at global level. An error becomes a background error.
    Call {
        interp: Interp,
        words: Vec<Obj>,
    },
    /// Writes a variable given by its full name (and array element), which runs its traces. An
    /// error of a trace becomes a background error; a variable whose namespace is gone is skipped.
    Set {
        interp: Interp,
        name: Obj,
        element: Option<Obj>,
        value: Obj,
    },
    /// Makes a variable an array, empty if it is new.
    Array {
        interp: Interp,
        name: Obj,
    },
    /// Removes an element of an array, if it is there.
    Unset {
        interp: Interp,
        name: Obj,
        element: Obj,
    },
    /// Evaluates the words at global level and hands the outcome on. The trace of an error does not
    /// show the last word: it may hold a secret.
    Ask {
        interp: Interp,
        words: Vec<Obj>,
        then: Box<dyn FnOnce(Result<Obj>) -> Work>,
    },
    /// Work that is only known when it is its turn.
    Later {
        interp: Interp,
        find: Box<dyn FnOnce() -> Work>,
    },
    /// Raises a background error.
    Fail {
        interp: Interp,
        error: Error,
    },
    Many(Vec<Work>),
}

impl Work {
    pub fn none() -> Work {
        Work::Many(Vec::new())
    }
}

/// Does the work. Called with no guarded frame above it.
///
/// What it owns while a script runs sits in `ManuallyDrop`: when the script ends the thread, it
/// is given up, since after that moment no value of the thread may be touched.
pub(super) fn run(work: Work) {
    match work {
        Work::Call { interp, words } => call(interp, words),
        Work::Set {
            interp,
            name,
            element,
            value,
        } => set(interp, name, element, value),
        Work::Array { interp, name } => make_array(interp, name),
        Work::Unset {
            interp,
            name,
            element,
        } => unset(interp, name, element),
        Work::Ask { interp, words, then } => ask(interp, words, then),
        Work::Later { interp, find } => {
            run(guard::catch(|| Ok(find())).unwrap_or_else(|error| Work::Fail { interp, error }));
        }
        Work::Fail { interp, error } => raise(&interp, error),
        Work::Many(steps) => {
            let mut rest = ManuallyDrop::new(steps.into_iter());
            for step in rest.by_ref() {
                run(step);
            }
            drop(ManuallyDrop::into_inner(rest));
        }
    }
}

fn call(interp: Interp, words: Vec<Obj>) {
    let (interp, words) = (ManuallyDrop::new(interp), ManuallyDrop::new(words));
    if interp.is_alive() {
        let raw = interp.raw();
        // SAFETY: the words are counted, the interpreter is preserved across the evaluation.
        unsafe {
            (api().preserve)(raw.cast());
            let status = (api().eval_objv)(
                raw,
                words.len() as isize,
                words.as_ptr().cast(),
                sys::TCL_EVAL_GLOBAL,
            );
            if status != sys::TCL_OK && interp.is_alive() {
                let place = Obj::text(PLACE);
                (api().append_obj_to_error_info)(raw, place.raw());
                (api().background_exception)(raw, status);
            }
            (api().release)(raw.cast());
        }
    }
    drop(ManuallyDrop::into_inner(words));
    drop(ManuallyDrop::into_inner(interp));
}

fn set(interp: Interp, name: Obj, element: Option<Obj>, value: Obj) {
    let held = ManuallyDrop::new((interp, name, element, value));
    let (interp, name, element, value) = &*held;
    if interp.is_alive() {
        let element = element.as_ref().map_or(std::ptr::null_mut(), Obj::raw);
        let raw = interp.raw();
        // SAFETY: live values; the interpreter is preserved while traces run.
        unsafe {
            (api().preserve)(raw.cast());
            let flags = sys::TCL_GLOBAL_ONLY | sys::TCL_LEAVE_ERR_MSG;
            let written = (api().obj_set_var2)(raw, name.raw(), element, value.raw(), flags);
            if written.is_null() && interp.is_alive() && !variable_is_gone(interp) {
                (api().background_exception)(raw, sys::TCL_ERROR);
            }
            (api().release)(raw.cast());
        }
    }
    drop(ManuallyDrop::into_inner(held));
}

fn make_array(interp: Interp, name: Obj) {
    call(
        interp,
        vec![Obj::text("::array"), Obj::text("set"), name, Obj::empty()],
    );
}

/// Whether the failure in the interpreter says that the variable's namespace does not exist.
fn variable_is_gone(interp: &Interp) -> bool {
    let Error::Raised { message, .. } = Error::from_interp(interp) else {
        return false;
    };
    let message = message.to_text();
    ["parent namespace doesn't exist", "variable in deleted namespace"]
        .iter()
        .any(|reason| message.ends_with(reason))
}

fn unset(interp: Interp, name: Obj, element: Obj) {
    let names = (name.to_c_string(), element.to_c_string());
    drop((name, element));
    let held = ManuallyDrop::new((interp, names));
    let (interp, (name, element)) = &*held;
    if interp.is_alive() {
        let raw = interp.raw();
        // SAFETY: texts that end in NUL; the interpreter is preserved while traces run, whose
        // errors Tcl does not report.
        unsafe {
            (api().preserve)(raw.cast());
            (api().unset_var2)(raw, name.as_ptr(), element.as_ptr(), sys::TCL_GLOBAL_ONLY);
            (api().release)(raw.cast());
        }
    }
    drop(ManuallyDrop::into_inner(held));
}

fn ask(interp: Interp, words: Vec<Obj>, then: Box<dyn FnOnce(Result<Obj>) -> Work>) {
    let held = ManuallyDrop::new((interp, words, then));
    let (interp, words, _) = &*held;
    if !interp.is_alive() {
        drop(ManuallyDrop::into_inner(held));
        return;
    }
    let raw = interp.raw();
    // SAFETY: as in `call`.
    let outcome = unsafe {
        (api().preserve)(raw.cast());
        let status = (api().eval_objv)(
            raw,
            words.len() as isize,
            words.as_ptr().cast(),
            sys::TCL_EVAL_GLOBAL,
        );
        let outcome = if status == sys::TCL_OK {
            Ok(Obj::from_raw((api().get_obj_result)(raw)))
        } else {
            let error = Error::from_interp(interp);
            Err(match words.last() {
                Some(word) => error.without_trace_of(interp, word),
                None => error,
            })
        };
        (api().release)(raw.cast());
        outcome
    };
    let (interp, words, then) = ManuallyDrop::into_inner(held);
    drop(words);
    run(guard::catch(|| Ok(then(outcome))).unwrap_or_else(|error| Work::Fail { interp, error }));
}

fn raise(interp: &Interp, error: Error) {
    if interp.is_alive() {
        let status = error.leave(interp);
        // SAFETY: the interpreter holds the error; its handler runs later, as an event.
        unsafe { (api().background_exception)(interp.raw(), status) };
    }
}
