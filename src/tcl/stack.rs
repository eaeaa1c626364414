//! How much of the thread's C stack is left.
//!
//! Callbacks that wait nest event loops on the C stack. Tcl limits nesting by a count that
//! assumes the main thread's stack; a thread may have a far smaller one.

use std::cell::Cell;

/// What a nested event loop must leave for the scripts that it will run.
const RESERVE: usize = 96 * 1024;

thread_local! {
    /// The lowest address of the stack; 0 while it has not been asked, or cannot be known.
    static LOWEST: Cell<usize> = const { Cell::new(0) };
}

/// Whether another event loop may be nested.
pub(super) fn has_room() -> bool {
    let lowest = LOWEST.get();
    let lowest = if lowest == 0 { ask() } else { lowest };
    LOWEST.set(lowest);
    let here = std::ptr::from_ref(&lowest) as usize;
    here.saturating_sub(lowest) > RESERVE
}

#[cfg(target_os = "linux")]
fn ask() -> usize {
    let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
    let mut lowest = std::ptr::null_mut();
    let mut size = 0;
    // SAFETY: the attributes are filled before they are read and destroyed after.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return 0;
        }
        let known = libc::pthread_attr_getstack(attributes.as_ptr(), &mut lowest, &mut size) == 0;
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        if known { lowest as usize } else { 0 }
    }
}

/// Elsewhere Tcl's own limit on nesting is all there is.
#[cfg(not(target_os = "linux"))]
fn ask() -> usize {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_stack_runs_out_before_it_overflows() {
        fn descend(depth: usize) -> usize {
            let frame = std::hint::black_box([0u8; 1024]);
            if has_room() && depth < 10_000 {
                descend(depth + 1) + usize::from(frame[0])
            } else {
                depth
            }
        }
        let depth = std::thread::Builder::new()
            .stack_size(256 * 1024)
            .spawn(|| descend(0))
            .unwrap()
            .join()
            .unwrap();
        assert!((1..256).contains(&depth), "stopped at {depth}");
    }
}
