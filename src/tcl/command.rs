//! Plain commands.

use std::ffi::{CStr, c_int, c_void};

use super::call::{Call, Reply, settle};
use super::error::Result;
use super::guard;
use super::hooks;
use super::interp::Interp;
use super::sys::{RawInterp, RawObj, api};

/// A command: its full name and what it does. Must live in a `static`.
pub struct Command {
    name: &'static CStr,
    run: fn(&Call) -> Result<Reply>,
}

impl Command {
    pub const fn new(name: &'static CStr, run: fn(&Call) -> Result<Reply>) -> Command {
        Command { name, run }
    }

    /// Makes the command in an interpreter.
    pub fn define(&'static self, interp: &Interp) {
        let data = std::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: `entry` gets this static back.
        unsafe { (api().create_obj_command)(interp.raw(), self.name.as_ptr(), entry, data, None) };
    }
}

unsafe extern "C-unwind" fn entry(
    data: *mut c_void,
    raw: *mut RawInterp,
    objc: c_int,
    objv: *const *mut RawObj,
) -> c_int {
    // SAFETY: `define` passed a static command; Tcl passes its live interpreter.
    let (command, interp) = unsafe { (&*data.cast::<Command>(), Interp::from_raw(raw)) };
    let reply = guard::catch(|| {
        hooks::refuse_fork()?;
        // SAFETY: Tcl passes the words of the call.
        (command.run)(&unsafe { Call::new(&interp, objc, objv, 1) })
    });
    settle(interp, reply)
}
