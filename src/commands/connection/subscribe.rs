//! `subscribe` and `unsubscribe`, and the delivery of messages.

use std::cell::Cell;
use std::rc::Rc;

use super::{Connection, not_connected};
use crate::client::status::Status;
use crate::commands::message;
use crate::commands::options::{Kind, Spec, parse, spec};
use crate::protocol::Message;
use crate::protocol::subject::{check_queue, check_subscribe};
use crate::tcl::{Call, Error, Obj, Reply, Result, Work};

use super::publish::wire;

const SUBSCRIBE: &[Spec] = &[
    spec("queue", Kind::ValidStr),
    spec("callback", Kind::ValidStr),
    spec("dictmsg", Kind::Bool),
    spec("max_msgs", Kind::PosInt),
    spec("post", Kind::Bool),
];
const UNSUBSCRIBE: &[Spec] = &[spec("max_msgs", Kind::PosInt)];

/// The interpreter's side of a subscription: what was dispatched counts, not what was read.
pub struct Subscription {
    callback: Option<Callback>,
    dictmsg: bool,
    /// Messages until it ends; 0 for no limit.
    max: Cell<u64>,
    received: Cell<u64>,
}

/// A command prefix, split into words once.
#[derive(Clone)]
pub struct Callback {
    prefix: std::result::Result<Vec<Obj>, Error>,
}

impl Callback {
    /// A prefix that is no list makes every call of it a background error.
    pub fn new(connection: &Connection, prefix: &Obj) -> Callback {
        Callback {
            prefix: prefix.elements(&connection.interp),
        }
    }

    pub fn call<const N: usize>(&self, connection: &Connection, arguments: [Obj; N]) -> Work {
        let interp = connection.interp.clone();
        match &self.prefix {
            Ok(prefix) => {
                let mut words = Vec::with_capacity(prefix.len() + N);
                words.extend_from_slice(prefix);
                words.extend(arguments);
                Work::Call { interp, words }
            }
            Err(error) => Work::Fail {
                interp,
                error: error.clone(),
            },
        }
    }
}

pub fn subscribe(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    let [subject, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"subject ?args?"));
    };
    if connection.status.get() == Status::Closed {
        return Err(not_connected());
    }
    let values = parse(options, SUBSCRIBE)?;
    let strict = connection.check_subjects.get();
    let subject = wire(subject, |text| check_subscribe(text, strict))?;
    let queue = match values.get("queue") {
        Some(queue) => wire(queue, |text| check_queue(text, strict))?,
        None => Default::default(),
    };
    let max = values.count("max_msgs").unwrap_or(0);
    let subscription = Subscription {
        callback: values
            .get("callback")
            .map(|prefix| Callback::new(connection, prefix)),
        dictmsg: values
            .bool("dictmsg")
            .unwrap_or_else(|| connection.config.borrow().bool("dictmsg")),
        max: Cell::new(max),
        received: Cell::new(0),
    };
    let client = connection.client()?;
    let sid = connection.settings.next_sid();
    connection
        .subscriptions
        .borrow_mut()
        .insert(sid, Rc::new(subscription));
    client.subscribe(sid, &subject, &queue, max);
    Ok(Reply::Value(Obj::int(sid)))
}

pub fn unsubscribe(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    let [id, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"subID ?args?"));
    };
    if connection.status.get() == Status::Closed {
        return Err(not_connected());
    }
    let max = parse(options, UNSUBSCRIBE)?.count("max_msgs").unwrap_or(0);
    let known = id
        .to_int()
        .and_then(|sid| u64::try_from(sid).ok())
        .and_then(|sid| {
            let subscription = connection.subscriptions.borrow().get(&sid).cloned();
            subscription.map(|subscription| (sid, subscription))
        });
    let Some((sid, subscription)) = known else {
        return Err(Error::nats(
            "ErrBadSubscription",
            format!("Invalid subscription ID {}", id.to_text()),
        ));
    };
    if subscription.received.get() >= max {
        connection.subscriptions.borrow_mut().remove(&sid);
        connection.client()?.unsubscribe(sid, 0);
    } else {
        subscription.max.set(max);
        connection.client()?.unsubscribe(sid, max);
    }
    Ok(Reply::Empty)
}

impl Connection {
    /// A message arrived; `None` if nobody wants it any more.
    pub(super) fn deliver(&self, sid: u64, message: &Message) -> Option<Work> {
        let subscription = self.subscriptions.borrow().get(&sid).cloned()?;
        let received = subscription.received.get() + 1;
        subscription.received.set(received);
        if received == subscription.max.get() {
            self.subscriptions.borrow_mut().remove(&sid);
        }
        let callback = subscription.callback.as_ref()?;
        let content = self.content(message, subscription.dictmsg);
        Some(callback.call(
            self,
            [
                Obj::latin1(message.subject()),
                content,
                self.keys.reply_to(message),
            ],
        ))
    }

    /// A message as a dict, or just its payload.
    pub(super) fn content(&self, message: &Message, dictmsg: bool) -> Obj {
        if dictmsg {
            self.keys.dict(message, self.utf8.get())
        } else {
            message::payload(message, self.utf8.get())
        }
    }
}
