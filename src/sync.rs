//! What threads share is made of these: the standard library's, and in the models of `tests/models`
//! those that let a model decide who runs next and how time passes.

#[cfg(not(all(test, feature = "models")))]
pub(crate) use std::{
    sync::atomic::{AtomicBool, AtomicUsize},
    sync::{Condvar, Mutex, MutexGuard},
    time::Instant,
};

use std::sync::PoisonError;

#[cfg(all(test, feature = "models"))]
pub(crate) use crate::client::models::sync::{AtomicBool, AtomicUsize, Condvar, Instant, Mutex, MutexGuard};

/// Locks `mutex`, also after a panic in another holder: what it left behind must still be countable
/// and closable.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
