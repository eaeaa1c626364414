//! Where `load` enters the library.

use std::ffi::c_int;

use super::error::{Error, Result};
use super::guard;
use super::interp::Interp;
use super::sys::{self, InitError, RawInterp};

/// Exports the function that `load` looks for.
///
/// There is no entry for safe interpreters, which have no business on the network, and none for
/// unloading: the runtime's threads run the library's code.
macro_rules! package_entry {
    ($symbol:ident => $define:path) => {
        /// Loads the package into an interpreter; called by Tcl's `load`.
        ///
        /// # Safety
        /// `interp` is a live interpreter of the calling thread.
        #[allow(unsafe_code, non_snake_case)]
        #[unsafe(no_mangle)]
        pub unsafe extern "C-unwind" fn $symbol(interp: *mut std::ffi::c_void) -> std::ffi::c_int {
            // SAFETY: Tcl passes the interpreter that loads the library.
            unsafe { $crate::tcl::load(interp, $define) }
        }
    };
}
pub(crate) use package_entry;

/// Prepares the interpreter's Tcl and runs `define` in it. Returns a Tcl status.
///
/// # Safety
/// `interp` points to a live interpreter of the calling thread.
pub unsafe fn load(interp: *mut std::ffi::c_void, define: fn(&Interp) -> Result) -> c_int {
    let raw: *mut RawInterp = interp.cast();
    // SAFETY: the caller vouches for the interpreter.
    match unsafe { sys::init(raw) } {
        Ok(()) => {}
        // Without a table that we can read there is no way to leave a message.
        Err(InitError::UnknownTcl) => return sys::TCL_ERROR,
        Err(InitError::SecondTcl(other)) => {
            let message = c"package nats already serves another Tcl library in this process";
            // SAFETY: the other Tcl's own functions, for its own interpreter.
            unsafe { (other.set_obj_result)(raw, (other.new_string_obj)(message.as_ptr(), -1)) };
            return sys::TCL_ERROR;
        }
    }
    // SAFETY: as above, and the function table is there.
    let interp = unsafe { Interp::from_raw(raw) };
    match guard::catch(|| prepare(&interp).and_then(|()| define(&interp))) {
        Ok(()) => sys::TCL_OK,
        Err(error) => error.leave(&interp),
    }
}

fn prepare(interp: &Interp) -> Result {
    if interp.is_safe() {
        return Err(unsupported(
            "package nats does not load into a safe interpreter: it reaches the network",
        ));
    }
    if !interp.is_threaded() {
        return Err(unsupported(
            "package nats needs a Tcl that was built with threads",
        ));
    }
    interp.require_oo()
}

fn unsupported(message: &str) -> Error {
    Error::nats("ErrUnsupported", message)
}
