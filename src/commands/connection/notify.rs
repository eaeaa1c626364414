//! `-event_callback`: one place that hears of everything that happens to a connection.
//!
//! The callback gets the name of the event and a dict. Events that go with a change of `status` or
//! `last_error` are posted when that change is dispatched, so the callback runs right after it, as
//! an event of its own; the others come from the engine as items of the mailbox.

use super::Connection;
use super::subscribe::Callback;
use crate::client::error::ConnectionError;
use crate::tcl::{Obj, Work, notifier};

impl Connection {
    /// Posts the callback.
    pub(super) fn notify(&self, event: &str, fields: &[(&str, Obj)]) {
        if let Some(work) = self.notice(event, fields) {
            notifier::post(Box::new(move || work));
        }
    }

    /// The call of the callback, if there is one.
    pub(super) fn notice(&self, event: &str, fields: &[(&str, Obj)]) -> Option<Work> {
        let prefix = self.config.borrow().get("event_callback").cloned()?;
        if prefix.modified_utf8().is_empty() || !self.interp.is_alive() {
            return None;
        }
        let callback = Callback::new(self, &prefix);
        Some(callback.call(self, [Obj::text(event), Obj::record(fields)]))
    }
}

/// The fields `code` and `errorMessage`, as in `last_error`; empty without an error.
pub fn error_fields(error: Option<&ConnectionError>) -> [(&'static str, Obj); 2] {
    let (code, text) = match error {
        Some(error) => (
            Obj::list(&[Obj::text("NATS"), Obj::text(error.code)]),
            Obj::text(&error.text),
        ),
        None => (Obj::empty(), Obj::empty()),
    };
    [("code", code), ("errorMessage", text)]
}
