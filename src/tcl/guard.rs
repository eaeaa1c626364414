//! Where panics end.
//!
//! A panic must not cross into C. Everything of ours that Tcl calls runs in [`catch`], and
//! nothing that runs in `catch` evaluates a callback: `thread::exit` ends a thread by unwinding its
//! C stack, which no Rust frame that catches panics survives. Scripts run between two guarded
//! parts, as [`Work`](super::Work). The one exception are the handlers of limits and signals that
//! a `publish` waiting for room lets run (see `Interp::interruption`): they must not end the thread.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::error::{Error, Result};

/// Runs our code; a panic becomes an error that asks for a report.
#[inline]
pub(super) fn catch<T>(run: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(internal(panic.as_ref())))
}

/// The same where Tcl expects no outcome, and nobody is there to hear of an error.
pub(super) fn contain(run: impl FnOnce()) {
    // The default hook has already printed the panic's message and place.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_default();
}

fn internal(panic: &(dyn std::any::Any + Send)) -> Error {
    let what = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    Error::nats(
        "ErrInternal",
        format!("internal error in package nats, please report it: {what}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let outcome: Result<()> = catch(|| panic!("number {}", 7));
        let Err(Error::Nats { code, message }) = outcome else {
            panic!("no error")
        };
        assert_eq!(code, "ErrInternal");
        assert!(message.ends_with("number 7"), "{message}");
    }
}
