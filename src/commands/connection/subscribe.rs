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

use super::publish::{checked, wire};

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
    subject: Obj,
    queue: Option<Obj>,
    callback: Option<Callback>,
    dictmsg: bool,
    /// Messages until it ends; 0 for no limit.
    max: Cell<u64>,
    received: Cell<u64>,
}

/// A command prefix, split into words once.
#[derive(Clone)]
pub struct Callback {
    given: Obj,
    prefix: std::result::Result<Vec<Obj>, Error>,
}

impl Callback {
    /// A prefix that is no list makes every call of it a background error.
    pub fn new(connection: &Connection, prefix: &Obj) -> Callback {
        Callback {
            given: prefix.clone(),
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
    connection.refuse_while_draining()?;
    let values = parse(options, SUBSCRIBE)?;
    let strict = connection.check_subjects.get();
    let wire_subject = wire(subject, |text| check_subscribe(text, strict))?;
    let wire_queue = match values.get("queue") {
        Some(queue) => checked(queue, |text| check_queue(text, strict))?,
        None => Default::default(),
    };
    let max = values.count("max_msgs").unwrap_or(0);
    let subscription = Subscription {
        subject: subject.clone(),
        queue: values.get("queue").cloned(),
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
    client.subscribe(sid, &wire_subject, &wire_queue, max);
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
    let (sid, subscription) = connection.find_subscription(id)?;
    if subscription.received.get() >= max {
        connection.subscriptions.borrow_mut().remove(&sid);
        connection.client()?.unsubscribe(sid, 0);
    } else {
        subscription.max.set(max);
        connection.client()?.unsubscribe(sid, max);
    }
    Ok(Reply::Empty)
}

/// What there is to know of a subscription, as a dict.
pub fn sub_info(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    let [id] = call.args() else {
        return Err(call.wrong_args(c"subID"));
    };
    if connection.status.get() == Status::Closed {
        return Err(not_connected());
    }
    let (sid, subscription) = connection.find_subscription(id)?;
    let (max, received) = (subscription.max.get(), subscription.received.get());
    // The engine forgets a subscription whose last message it has read.
    let read = connection.client()?.received(sid).unwrap_or(max);
    let wanted = if max > 0 { read.min(max) } else { read };
    let callback = subscription.callback.as_ref();
    let truth = |value| Obj::text(if value { "true" } else { "false" });
    Ok(Reply::Value(Obj::record(&[
        ("subject", subscription.subject.clone()),
        ("queue", subscription.queue.clone().unwrap_or_else(Obj::empty)),
        (
            "callback",
            callback.map_or_else(Obj::empty, |callback| callback.given.clone()),
        ),
        ("dictmsg", truth(subscription.dictmsg)),
        ("max_msgs", Obj::int(max)),
        ("received", Obj::int(received)),
        ("pending", Obj::int(wanted.saturating_sub(received))),
    ])))
}

impl Connection {
    fn find_subscription(&self, id: &Obj) -> Result<(u64, Rc<Subscription>)> {
        let sid = id.to_int().and_then(|sid| u64::try_from(sid).ok());
        let known = sid.and_then(|sid| {
            let subscription = self.subscriptions.borrow().get(&sid).cloned()?;
            Some((sid, subscription))
        });
        known.ok_or_else(|| {
            Error::nats(
                "ErrBadSubscription",
                format!("Invalid subscription ID {}", id.to_text()),
            )
        })
    }

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
            [self.keys.subject(message), content, self.keys.reply_to(message)],
        ))
    }

    /// A message as a dict, or just its payload.
    pub fn content(&self, message: &Message, dictmsg: bool) -> Obj {
        if dictmsg {
            self.keys.dict(message, self.utf8.get())
        } else {
            message::payload(message, self.utf8.get())
        }
    }
}
