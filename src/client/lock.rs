//! Locks that outlive a panic.
//!
//! Three locks of a life nest, always in this order: tables, writer, queue. The locks of
//! [`Settings`](super::settings::Settings) are leaves: whoever holds one takes no other. None is
//! held across an await or while events are delivered, but the gate's own, which has that very
//! purpose.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex`, also after a panic in another holder.
///
/// A panic of the life task ends that life; what it left behind must still be countable and
/// closable by the owner.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
