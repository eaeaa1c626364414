//! What the engine has told takes effect: one item of the mailbox per event of the event loop.

use super::Connection;
use super::info::server_dict;
use super::lifecycle::raise;
use super::notify::error_fields;
use crate::client::error::ConnectionError;
use crate::client::event::{Answer, Event};
use crate::client::pool::Server;
use crate::client::status::Status;
use crate::commands::options::{invalid, to_count};
use crate::tcl::notifier::Source;
use crate::tcl::{Obj, Result, Work};

/// Items that lead to no callback and are taken in one event, at most; so a pile of messages that
/// nobody wants any more goes quickly and still cannot hold up the event loop.
const SILENT_ITEMS: usize = 1000;

impl Source for Connection {
    fn next(&self) -> Option<Work> {
        for _ in 0..SILENT_ITEMS {
            let Some(event) = self.mailbox.take() else {
                self.let_go();
                return None;
            };
            self.hold(self.mailbox.has_next());
            if let Some(work) = self.dispatch(event) {
                return Some(work);
            }
        }
        Some(Work::none())
    }

    fn thread_ends(&self) -> Work {
        Work::Many(self.end_silently().into_iter().collect())
    }
}

impl Connection {
    /// Says whether more publishes are likely to come soon, so that they go out together.
    pub fn hold(&self, more: bool) {
        if let Some(client) = &*self.life.borrow() {
            client.hold(more);
        }
    }

    fn let_go(&self) {
        if let Some(client) = &*self.life.borrow() {
            client.let_go();
        }
    }

    /// Lets an event take effect; `None` if there is nothing for a script to see.
    fn dispatch(&self, event: Event) -> Option<Work> {
        match event {
            Event::Message { sid, message } => self.deliver(sid, &message),
            Event::Reply { id, message, last } => {
                let work = self.reply(id, &message, last);
                if last {
                    self.request_ended();
                }
                Some(work.unwrap_or_else(Work::none))
            }
            Event::Item { operation, .. } => self.operation_item(operation),
            Event::OperationFailed { operation } => self.operation_failed(operation),
            Event::RequestTimeout { id } => {
                let work = self.request_timed_out(id);
                self.request_ended();
                Some(work.unwrap_or_else(Work::none))
            }
            Event::Pong { id, rtt } => {
                self.pong(id, rtt);
                Some(self.drained(id).unwrap_or_else(Work::none))
            }
            Event::PingTimeout { id } => {
                self.ping_timed_out(id);
                Some(Work::none())
            }
            Event::DrainTimeout => Some(self.drain_timed_out()),
            Event::LastError(error) => {
                if error.is_some() {
                    self.notify("error", &error_fields(error.as_ref()));
                }
                Some(self.set_last_error(error))
            }
            Event::Connected { server } => Some(self.connected(&server)),
            Event::Disconnected { server, error } => Some(self.disconnected(&server, error.as_ref())),
            Event::Discovered { urls } => {
                let urls: Vec<Obj> = urls.iter().map(|url| Obj::text(url)).collect();
                self.notice("discovered_servers", &[("servers", Obj::list(&urls))])
            }
            Event::LameDuck { server } => self.notice("lame_duck", &[("server", Obj::text(&server))]),
            Event::SlowConsumer { server } => self.slow_consumer(&server),
            Event::Info { info, replace } => Some(self.show_info(&info, replace)),
            Event::Log { level, time, text } => self.log.line(&self.interp, level, time, &text),
            Event::AskDelay { server, answer } => Some(self.ask_delay(&server, answer)),
            Event::AskTls { answer } => Some(self.ask_tls(answer)),
            Event::AskIdentity { server, answer } => Some(self.ask_identity(&server, answer)),
            Event::AskSignature { nonce, answer } => Some(self.ask_signature(&nonce, answer)),
            Event::Lost => Some(self.lose()),
        }
    }

    /// Asks the script how long to wait. Whatever is no number of milliseconds is a background
    /// error, and the engine goes on with its own delay.
    fn ask_delay(&self, server: &Server, answer: Answer<u64>) -> Work {
        let interp = self.interp.clone();
        let words = match self.callback_words("custom_reconnect_delay", server_dict(server)) {
            Ok(Some(words)) => words,
            Ok(None) => return Work::none(),
            Err(error) => return Work::Fail { interp, error },
        };
        let failed = interp.clone();
        let then = move |result: Result<Obj>| {
            let error = match result {
                Ok(value) => match to_count(&value) {
                    Some(ms) => {
                        answer.give(ms);
                        return Work::none();
                    }
                    // Not quoted: it may hold the login that the callback got.
                    None => invalid("Invalid result of -custom_reconnect_delay : should be milliseconds"),
                },
                Err(error) => error,
            };
            Work::Fail {
                interp: failed,
                error,
            }
        };
        Work::Ask {
            interp,
            words,
            then: Box::new(then),
        }
    }

    /// The call of a callback that an option names, if it does.
    ///
    /// # Errors
    /// The option's value is no list.
    pub(super) fn callback_words(&self, option: &str, argument: Obj) -> Result<Option<Vec<Obj>>> {
        let config = self.config.borrow();
        let Some(prefix) = config.get(option).filter(|_| config.is_set(option)) else {
            return Ok(None);
        };
        let mut words = prefix.elements(&self.interp)?;
        words.push(argument);
        Ok(Some(words))
    }

    fn connected(&self, server: &str) -> Work {
        let work = self.set_status(Status::Connected);
        let again = self.was_connected.replace(true);
        let event = if again { "reconnected" } else { "connected" };
        self.notify(event, &[("server", Obj::text(server))]);
        self.settle_connect();
        work
    }

    fn disconnected(&self, server: &str, error: Option<&ConnectionError>) -> Work {
        let work = self.set_status(Status::Reconnecting);
        let [code, text] = error_fields(error);
        self.notify("disconnected", &[("server", Obj::text(server)), code, text]);
        if let Some(error) = error {
            self.break_promises(&raise(error.clone()));
        }
        work
    }

    fn slow_consumer(&self, server: &str) -> Option<Work> {
        let pending = self.mailbox.pending();
        let fields = [
            ("server", Obj::text(server)),
            ("pending_msgs", Obj::int(pending.items as u64)),
            ("pending_bytes", Obj::int(pending.bytes as u64)),
        ];
        self.notice("slow_consumer", &fields)
    }
}
