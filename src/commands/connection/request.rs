//! `request`, `request_msg`, `cancel_request`, and how requests end.

use std::rc::Rc;

use super::Connection;
use super::command_request::{Commanded, Failure};
use super::lifecycle::closed;
use super::publish::{Draft, Fields, refused};
use super::subscribe::Callback;
use crate::client::event::LogLevel;
use crate::commands::advice;
use crate::commands::options::{Kind, Spec, Values, invalid, parse, spec};
use crate::commands::promise::Promise;
use crate::protocol::Message;
use crate::tcl::{Call, Error, Obj, Reply, Result, Work, notifier};

const REQUEST: &[Spec] = &[
    spec("timeout", Kind::Timeout),
    spec("callback", Kind::Str),
    spec("dictmsg", Kind::Bool),
    spec("header", Kind::Dict),
    spec("max_msgs", Kind::PosInt),
    spec("check_subj", Kind::Bool),
];
const REQUEST_MSG: &[Spec] = &[
    spec("timeout", Kind::Timeout),
    spec("callback", Kind::Str),
    spec("dictmsg", Kind::Bool),
];

/// What an error says when nobody listens to the subject of a request.
const NO_RESPONDERS: &str = "No responders available for request";

/// A request that has not ended.
pub struct Pending {
    subject: Obj,
    dictmsg: bool,
    /// An old-style request, which collects several replies.
    many: bool,
    /// Whether a reply has come.
    replied: bool,
    /// Replies so far, of an old-style request that a caller waits for.
    replies: Vec<Obj>,
    answer: Answer,
}

/// Who gets the replies.
enum Answer {
    Caller(Promise),
    Callback(Callback),
    /// Another command.
    Command(Commanded),
}

/// Why all requests end at once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// `disconnect` or the end of the object.
    Disconnect,
    /// The connection is lost for good.
    Lost,
}

pub fn request(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    let [subject, payload, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"subject message ?args?"));
    };
    let values = parse(options, REQUEST)?;
    let many = values.get("max_msgs").is_some();
    let draft = Draft {
        subject,
        payload,
        reply: None,
        header: values.get("header"),
        check_subject: many || values.bool("check_subj").unwrap_or(true),
    };
    connection.start_request(&draft, &values, values.count("max_msgs"))
}

pub fn request_msg(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    let [message, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"msg ?args?"));
    };
    let values = parse(options, REQUEST_MSG)?;
    let fields = Fields::of(&connection.interp, message)?;
    let reply = connection.start_request(&fields.draft(), &values, None)?;
    Ok(connection.without_reply(&fields, reply))
}

pub fn cancel_request(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    let [word] = call.args() else {
        return Err(call.wrong_args(c"reqID"));
    };
    let id = word.to_int().and_then(|id| u64::try_from(id).ok());
    let known = id.filter(|id| {
        let requests = connection.requests.borrow();
        requests
            .get(id)
            .is_some_and(|pending| pending.answer.is_cancellable())
    });
    let Some(id) = known else {
        return Err(invalid(format!("Invalid request ID {}", word.to_text())));
    };
    let cancelled = connection.requests.borrow_mut().remove(&id);
    if let Some(operation) = cancelled.and_then(|pending| pending.into_command()?.operation) {
        connection.close_operation(operation);
    }
    // While a connection ends, a trace may still cancel what the end has not come to.
    if let Some(client) = &*connection.life.borrow() {
        client.cancel(id);
    }
    connection.request_ended();
    let line = connection.log(LogLevel::Debug, &format!("Cancelled request {id}"));
    Ok(Reply::Then(
        Work::Many(line.into_iter().collect()),
        Box::new(Reply::Empty),
    ))
}

impl Connection {
    /// The reply of a method that sends a message as a request, with a warning if the message has
    /// a reply subject, for which there is no use.
    pub fn without_reply(&self, message: &Fields, reply: Reply) -> Reply {
        let ignored = message.reply.to_text();
        if ignored.is_empty() {
            return reply;
        }
        let text = format!("request_msg: the reply {ignored} will be ignored");
        let warning = self.log(LogLevel::Warn, &text);
        Reply::Then(Work::Many(warning.into_iter().collect()), Box::new(reply))
    }

    fn start_request(&self, draft: &Draft, values: &Values, max: Option<u64>) -> Result<Reply> {
        let message = self.check(draft)?;
        let client = self.client()?;
        let timeout = values.count("timeout").unwrap_or(self.request_timeout.get());
        let dictmsg = values.bool("dictmsg").unwrap_or(self.dictmsg.get());
        let id = self.settings.next_request_id();
        let header = message.header.as_deref();
        match max {
            None => client.request(id, &message.subject, header, &message.payload, timeout),
            Some(max) => client.request_many(id, &message.subject, header, &message.payload, max, timeout),
        }
        .map_err(refused)?;
        let callback = values.get("callback").filter(|callback| !callback.is_empty());
        let (answer, reply) = match callback {
            Some(callback) => (
                Answer::Callback(Callback::new(self, callback)),
                Reply::Value(Obj::int(id)),
            ),
            None => {
                let promise = Promise::new();
                (Answer::Caller(promise.clone()), promise.wait())
            }
        };
        let many = max.is_some();
        let pending = Pending {
            subject: draft.subject.clone(),
            dictmsg: dictmsg || many,
            many,
            replied: false,
            replies: Vec::new(),
            answer,
        };
        self.requests.borrow_mut().insert(id, pending);
        Ok(reply)
    }

    /// A reply was read; `last` if the engine expects no more.
    pub(super) fn reply(&self, id: u64, message: &Message, last: bool) -> Option<Work> {
        if let Some(then) = self.take_command(id) {
            let outcome = match message.status() {
                Some(503) => Err(Failure::NoResponders),
                _ => Ok(message),
            };
            return then(self, outcome);
        }
        let mut requests = self.requests.borrow_mut();
        let pending = requests.get_mut(&id)?;
        let content = self.content(message, pending.dictmsg);
        let first = !std::mem::replace(&mut pending.replied, true);
        let unanswered = first && message.status() == Some(503);
        let work = match &pending.answer {
            Answer::Callback(callback) => Some(callback.call(self, [Obj::int(unanswered.into()), content])),
            Answer::Caller(promise) => {
                if unanswered {
                    Some(promise.settle_now(Err(pending.no_responders())))
                } else if !pending.many {
                    Some(promise.settle_now(Ok(content)))
                } else {
                    pending.replies.push(content);
                    last.then(|| promise.settle_now(Ok(Obj::list(&pending.replies))))
                }
            }
            Answer::Command(_) => None,
        };
        if last {
            let ended = requests.remove(&id);
            drop(requests);
            drop(ended);
        }
        work
    }

    /// The deadline passed.
    pub(super) fn request_timed_out(&self, id: u64) -> Option<Work> {
        let pending = self.requests.borrow_mut().remove(&id)?;
        match pending.answer {
            Answer::Command(command) => (command.then)(self, Err(Failure::TimedOut)),
            Answer::Callback(callback) => Some(callback.call(self, [Obj::int(1), Obj::empty()])),
            Answer::Caller(promise) => {
                promise.settle(if pending.replies.is_empty() {
                    Err(timed_out(&pending.subject.to_text()))
                } else {
                    Ok(Obj::list(&pending.replies))
                });
                None
            }
        }
    }

    /// Ends all requests. Callbacks run as events of their own, after the caller's.
    pub(super) fn end_requests(&self, ending: Ending) {
        let requests = std::mem::take(&mut *self.requests.borrow_mut());
        for pending in requests.into_values() {
            match pending.answer {
                Answer::Caller(promise) => promise.settle(Err(match ending {
                    Ending::Disconnect => closed(),
                    Ending::Lost => Error::nats("ErrTimeout", "Connection lost"),
                })),
                Answer::Callback(callback) if pending.many || ending == Ending::Lost => {
                    let work = callback.call(self, [Obj::int(1), Obj::empty()]);
                    notifier::post(Box::new(move || work));
                }
                Answer::Callback(_) => {}
                Answer::Command(command) => {
                    if let Some(work) = (command.then)(self, Err(Failure::Ended(ending))) {
                        notifier::post(Box::new(move || work));
                    }
                }
            }
        }
    }
}

impl Answer {
    /// Whether a script knows the request's ID.
    fn is_cancellable(&self) -> bool {
        match self {
            Answer::Caller(_) => false,
            Answer::Callback(_) => true,
            Answer::Command(command) => command.cancellable,
        }
    }
}

impl Pending {
    /// A request for one reply, which another command reads.
    pub fn of_command(subject: &Obj, command: Commanded) -> Pending {
        Pending {
            subject: subject.clone(),
            dictmsg: false,
            many: false,
            replied: false,
            replies: Vec::new(),
            answer: Answer::Command(command),
        }
    }

    pub fn command(&self) -> Option<&Commanded> {
        match &self.answer {
            Answer::Command(command) => Some(command),
            _ => None,
        }
    }

    pub fn into_command(self) -> Option<Commanded> {
        match self.answer {
            Answer::Command(command) => Some(command),
            _ => None,
        }
    }

    fn no_responders(&self) -> Error {
        if self.many {
            let text = format!("{NO_RESPONDERS} to {}", self.subject.to_text());
            advice::for_code(Error::nats("ErrNoResponders", text))
        } else {
            no_responders()
        }
    }
}

/// Nobody listens to the subject of a request for one reply.
pub fn no_responders() -> Error {
    advice::for_code(Error::nats("ErrNoResponders", NO_RESPONDERS))
}

/// No reply came in time.
pub fn timed_out(subject: &str) -> Error {
    Error::nats("ErrTimeout", format!("Request to {subject} timed out"))
}
