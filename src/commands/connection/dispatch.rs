//! What the engine has told takes effect: one item of the mailbox per event of the event loop.

use super::Connection;
use crate::client::event::Event;
use crate::client::status::Status;
use crate::tcl::Work;
use crate::tcl::notifier::Source;

/// Items that lead to no callback and are taken in one event, at most; so a pile of messages that
/// nobody wants any more goes quickly and still cannot hold up the event loop.
const SILENT_ITEMS: usize = 1000;

impl Source for Connection {
    fn waiting(&self) -> usize {
        self.mailbox.len()
    }

    fn next(&self) -> Option<Work> {
        for _ in 0..SILENT_ITEMS {
            if let Some(work) = self.dispatch(self.mailbox.take()?) {
                return Some(work);
            }
        }
        Some(Work::none())
    }

    fn thread_ends(&self) {
        self.end_silently();
    }
}

impl Connection {
    /// Lets an event take effect; `None` if there is nothing for a script to see.
    fn dispatch(&self, event: Event) -> Option<Work> {
        match event {
            Event::Message { sid, message } => self.deliver(sid, &message),
            Event::Reply { id, message, last } => {
                Some(self.reply(id, &message, last).unwrap_or_else(Work::none))
            }
            Event::RequestTimeout { id } => Some(self.request_timed_out(id).unwrap_or_else(Work::none)),
            Event::Pong { id } => {
                self.pong(id);
                Some(Work::none())
            }
            Event::PingTimeout { id } => {
                self.ping_timed_out(id);
                Some(Work::none())
            }
            Event::LastError(error) => Some(self.set_last_error(error)),
            Event::Status(status) => Some(self.change_status(status)),
            Event::Info { info, replace } => Some(self.show_info(&info, replace)),
            Event::Log { level, time, text } => self.log.line(&self.interp, level, time, &text),
            Event::Lost => Some(self.lose()),
        }
    }

    fn change_status(&self, status: Status) -> Work {
        let work = self.set_status(status);
        self.settle_connect();
        work
    }
}
