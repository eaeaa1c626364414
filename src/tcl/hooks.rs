//! The ends that come from outside: of the process, and of being the process at all (fork).

use std::ffi::c_void;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::{Error, Result};
use super::guard;
use super::notifier;
use super::sys::api;

static AT_EXIT: OnceLock<fn()> = OnceLock::new();
static FORKED: AtomicBool = AtomicBool::new(false);

/// Arranges that `finish` runs once when the process exits through Tcl, after interpreter threads
/// have stopped being woken. Further calls change nothing.
pub fn at_exit(finish: fn()) {
    if AT_EXIT.set(finish).is_ok() {
        // SAFETY: the procs live as long as the library, which cannot be unloaded.
        unsafe {
            (api().create_exit_handler)(process_exit, std::ptr::null_mut());
            #[cfg(unix)]
            libc::pthread_atfork(None, None, Some(mark_forked));
        }
    }
}

/// Whether this process is a fork of the one that loaded the library. The threads that do the
/// work stayed behind in the parent, and so did its connections.
#[inline]
pub fn forked() -> bool {
    FORKED.load(Ordering::Relaxed)
}

/// The error for a call in a forked child.
#[inline]
pub(super) fn refuse_fork() -> Result {
    if forked() {
        return Err(Error::nats(
            "ErrForked",
            "package nats was loaded before this process was forked and does not work in the child: \
             fork first, then load the package, or start the child with exec",
        ));
    }
    Ok(())
}

#[cfg(unix)]
unsafe extern "C" fn mark_forked() {
    FORKED.store(true, Ordering::Relaxed);
}

unsafe extern "C-unwind" fn process_exit(_: *mut c_void) {
    guard::contain(|| {
        if !forked() {
            notifier::stop_all();
            if let Some(finish) = AT_EXIT.get() {
                finish();
            }
        }
    });
}
