//! What commands and methods get, and what they answer with.

use std::ffi::{CStr, c_int};
use std::mem::ManuallyDrop;

use super::error::{Error, Result};
use super::guard;
use super::interp::Interp;
use super::obj::Obj;
use super::sys::{self, RawObj, api};
use super::wait::{self, Wait};
use super::work::{self, Work};

/// One call of a command or method.
pub struct Call<'a> {
    pub interp: &'a Interp,
    words: &'a [Obj],
    /// How many words name the command or method.
    skip: usize,
}

/// What a handler answers with when it does not fail.
pub enum Reply {
    Empty,
    Value(Obj),
    /// Do the work, then answer.
    Then(Work, Box<Reply>),
    /// Find the answer only now, when the work before it is done.
    Later(Box<dyn FnOnce() -> Result<Reply>>),
    /// Wait, then answer.
    Wait(Wait),
}

impl<'a> Call<'a> {
    /// # Safety
    /// `objv` holds `objc` live values for the time of the call, at least `skip`.
    pub(super) unsafe fn new(
        interp: &'a Interp,
        objc: c_int,
        objv: *const *mut RawObj,
        skip: usize,
    ) -> Call<'a> {
        // SAFETY: `Obj` is transparent over a pointer that is never null; the slice is only
        // borrowed, so no reference is given back that was not taken.
        let words = unsafe { std::slice::from_raw_parts(objv.cast::<Obj>(), objc.max(0) as usize) };
        Call {
            interp,
            words,
            skip: skip.min(words.len()),
        }
    }

    /// The words after the command's or method's name.
    #[inline]
    pub fn args(&self) -> &'a [Obj] {
        &self.words[self.skip..]
    }

    /// # Errors
    /// There are arguments, which the method takes none of.
    pub fn no_args(&self) -> Result {
        if self.args().is_empty() {
            Ok(())
        } else {
            Err(self.wrong_args(c""))
        }
    }

    /// Tcl's own complaint about the number of words.
    pub fn wrong_args(&self, usage: &CStr) -> Error {
        // SAFETY: the words are alive; Tcl leaves the message in the interpreter.
        unsafe {
            let words = self.words.as_ptr().cast();
            // An empty text would leave a blank behind the words.
            let usage = if usage.is_empty() {
                std::ptr::null()
            } else {
                usage.as_ptr()
            };
            (api().wrong_num_args)(self.interp.raw(), self.skip as isize, words, usage);
        }
        Error::from_interp(self.interp)
    }
}

/// Gives the answer to Tcl. Called with no guarded frame above it, since it may run scripts.
pub(super) fn settle(interp: Interp, mut reply: Result<Reply>) -> c_int {
    loop {
        match reply {
            Ok(Reply::Empty) => return sys::TCL_OK,
            Ok(Reply::Value(value)) => {
                // SAFETY: a live value of which Tcl takes its own reference.
                unsafe { (api().set_obj_result)(interp.raw(), value.raw()) };
                return sys::TCL_OK;
            }
            Ok(Reply::Then(work, next)) => {
                // Given up if a script ends the thread; see `work`.
                let next = ManuallyDrop::new(next);
                work::run(work);
                if !interp.is_alive() {
                    return sys::TCL_ERROR;
                }
                // SAFETY: the interpreter is alive; what the work left behind is not our result.
                unsafe { (api().reset_result)(interp.raw()) };
                reply = Ok(*ManuallyDrop::into_inner(next));
            }
            Ok(Reply::Later(find)) => reply = guard::catch(find),
            Ok(Reply::Wait(wait)) => return wait::begin(interp, wait),
            Err(error) => return error.leave(&interp),
        }
    }
}
