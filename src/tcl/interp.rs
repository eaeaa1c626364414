//! An interpreter, as the thread that owns it sees it.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void};
use std::rc::Rc;

use super::error::{Error, Result};
use super::obj::Obj;
use super::sys::{self, RawInterp, api};

/// A handle to an interpreter that knows whether it still exists.
///
/// It is not `Send`: only the interpreter's own thread can hold one.
#[derive(Clone)]
pub struct Interp {
    raw: *mut RawInterp,
    alive: Rc<Cell<bool>>,
}

/// The key of our data in an interpreter.
const ASSOC_KEY: *const c_char = c"nats".as_ptr();

impl Interp {
    /// The handle of an interpreter that calls us; the first call for an interpreter makes the
    /// record that [`Interp::is_alive`] asks.
    ///
    /// # Safety
    /// `raw` is a live interpreter of this thread.
    pub(super) unsafe fn from_raw(raw: *mut RawInterp) -> Interp {
        // SAFETY: the key's data is only ever the box made here, freed by `forget_interp`.
        unsafe {
            let data = (api().get_assoc_data)(raw, ASSOC_KEY, std::ptr::null_mut());
            if let Some(alive) = data.cast::<Rc<Cell<bool>>>().as_ref() {
                return Interp {
                    raw,
                    alive: alive.clone(),
                };
            }
            let alive = Rc::new(Cell::new((api().interp_deleted)(raw) == 0));
            let data = Box::into_raw(Box::new(alive.clone()));
            (api().set_assoc_data)(raw, ASSOC_KEY, forget_interp, data.cast());
            Interp { raw, alive }
        }
    }

    #[inline]
    pub(super) fn raw(&self) -> *mut RawInterp {
        self.raw
    }

    /// Whether scripts can run in it.
    pub fn is_alive(&self) -> bool {
        // SAFETY: while `alive` holds, the interpreter has not been freed.
        self.alive.get() && unsafe { (api().interp_deleted)(self.raw) == 0 }
    }

    pub fn is_safe(&self) -> bool {
        // SAFETY: handles are used by code that the interpreter calls.
        unsafe { (api().is_safe)(self.raw) != 0 }
    }

    /// Whether Tcl can be woken from other threads (8.6 can be built without threads, 9 cannot).
    pub(super) fn is_threaded(&self) -> bool {
        api().major > 8
            || self
                .eval_script("if {!$::tcl_platform(threaded)} {error unthreaded}")
                .is_ok()
    }

    /// Evaluates one of our own scripts at global level.
    pub fn eval_script(&self, script: &str) -> Result {
        // SAFETY: Tcl copies what it keeps of the script.
        let status = unsafe {
            (api().eval_ex)(
                self.raw,
                script.as_ptr().cast(),
                script.len() as isize,
                sys::TCL_EVAL_GLOBAL,
            )
        };
        self.check(status)
    }

    /// Calls one of our own script commands, which runs nothing but our own scripts.
    pub fn call_own(&self, words: &[Obj]) -> Result {
        // SAFETY: the words are counted for the time of the call; `Obj` is transparent over the
        // pointer.
        let status = unsafe {
            (api().eval_objv)(
                self.raw,
                words.len() as isize,
                words.as_ptr().cast(),
                sys::TCL_EVAL_GLOBAL,
            )
        };
        self.check(status)
    }

    /// Makes `alias` another name for the variable that the caller knows by `name`.
    ///
    /// # Errors
    /// Tcl's own, if the variable is local to a procedure.
    pub fn link_variable(&self, name: &Obj, alias: &Obj) -> Result {
        let words = [Obj::text("::upvar"), Obj::int(0), name.clone(), alias.clone()];
        // SAFETY: as above, but where the caller's variables are; the command runs no script.
        let status = unsafe { (api().eval_objv)(self.raw, words.len() as isize, words.as_ptr().cast(), 0) };
        self.check(status)
    }

    /// Makes a package known to `package require`.
    pub fn provide(&self, name: &str, version: &str) -> Result {
        let (name, version) = (Obj::text(name).to_c_string(), Obj::text(version).to_c_string());
        // SAFETY: Tcl copies both texts.
        let status =
            unsafe { (api().pkg_provide_ex)(self.raw, name.as_ptr(), version.as_ptr(), std::ptr::null()) };
        self.check(status)
    }

    /// Loads TclOO and takes over its function table.
    pub fn require_oo(&self) -> Result {
        let mut table: *const c_void = std::ptr::null();
        // SAFETY: on success Tcl stores TclOO's stub table in `table`.
        unsafe {
            let version = (api().pkg_require_ex)(self.raw, c"TclOO".as_ptr(), c"1.0".as_ptr(), 0, &mut table);
            if version.is_null() {
                return Err(Error::from_interp(self));
            }
            if table.is_null() || sys::init_oo(table).is_err() {
                return Err(Error::nats(
                    "ErrUnsupported",
                    "this Tcl offers no TclOO that we know to extensions",
                ));
            }
        }
        Ok(())
    }

    /// Tcl's own error if the running script was cancelled or is out of its time or commands, for
    /// waits that serve no events.
    pub fn interruption(&self) -> Result {
        // SAFETY: the interpreter is alive while it calls us; cancellation from another thread
        // arrives as an asynchronous mark that only these calls see.
        unsafe {
            if (api().async_ready)() != 0 {
                (api().async_invoke)(self.raw, sys::TCL_OK);
            }
            self.check((api().canceled)(self.raw, sys::TCL_LEAVE_ERR_MSG))?;
            // Tcl looks at the clock only once in so many times that it is asked.
            let times = (api().limit_get_granularity)(self.raw, sys::TCL_LIMIT_TIME);
            if (0..times).any(|_| (api().limit_ready)(self.raw) != 0) {
                self.check((api().limit_check)(self.raw))?;
            }
        }
        Ok(())
    }

    pub(super) fn check(&self, status: c_int) -> Result {
        if status == sys::TCL_OK {
            Ok(())
        } else {
            Err(Error::from_interp(self))
        }
    }
}

unsafe extern "C-unwind" fn forget_interp(data: *mut c_void, _: *mut RawInterp) {
    // SAFETY: the box that `from_raw` stored; Tcl calls this once.
    let alive = unsafe { Box::from_raw(data.cast::<Rc<Cell<bool>>>()) };
    alive.set(false);
}
