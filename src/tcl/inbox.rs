//! What other threads tell an interpreter's thread: which of its sources have become ready.
//!
//! The thread is alerted at the first announcement since it has collected them; the later ones it
//! finds then, too. Nothing here knows Tcl, so that a model can try the orders.
//!
//! Ends: a thread id may be reused, so the alert happens under the lock that the thread's exit
//! handler takes to mark the thread dead.

use crate::sync::{Mutex, lock};

/// Announcements for the thread `T`.
pub struct Inbox<T>(Mutex<State<T>>);

struct State<T> {
    /// Cleared under the lock when the thread ends; nobody alerts it after that.
    alive: bool,
    thread: T,
    /// Sources that have become ready and that the thread has not seen yet.
    ready: Vec<u64>,
}

impl<T> Inbox<T> {
    pub fn new(thread: T) -> Self {
        Inbox(Mutex::new(State {
            alive: true,
            thread,
            ready: Vec::new(),
        }))
    }

    /// Tells that a source is ready, from any thread. `alert` is called only while the thread lives.
    pub fn announce(&self, key: u64, alert: impl FnOnce(&T)) {
        let mut state = lock(&self.0);
        if !state.alive {
            return;
        }
        state.ready.push(key);
        if state.ready.len() == 1 {
            alert(&state.thread);
        }
    }

    /// What has been announced since the last call.
    pub fn collect(&self) -> Vec<u64> {
        std::mem::take(&mut lock(&self.0).ready)
    }

    /// Whether there is something to collect.
    pub fn has_news(&self) -> bool {
        !lock(&self.0).ready.is_empty()
    }

    /// The thread ends: it is not alerted once this has returned.
    pub fn close(&self) {
        lock(&self.0).alive = false;
    }

    pub fn is_alive(&self) -> bool {
        lock(&self.0).alive
    }
}
