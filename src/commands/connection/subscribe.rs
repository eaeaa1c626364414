//! `subscribe` and `unsubscribe`, and the delivery of messages.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

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
///
/// With very many subscriptions each message finds its own outside of the caches, so what a delivery
/// needs lies together, and equal callbacks are one.
#[derive(Clone)]
pub struct Subscription {
    callback: Option<Rc<Callback>>,
    dictmsg: bool,
    /// Messages until it ends; 0 for no limit.
    max: u64,
    received: u64,
    names: Rc<Names>,
}

/// What only `sub_info` asks for.
struct Names {
    subject: Obj,
    queue: Option<Obj>,
}

/// The callback of the latest subscription, for the next one to share.
#[derive(Default)]
pub struct LatestCallback(RefCell<Weak<Callback>>);

impl LatestCallback {
    fn of(&self, connection: &Connection, prefix: &Obj) -> Rc<Callback> {
        let latest = self.0.borrow().upgrade();
        if let Some(callback) = latest.filter(|latest| latest.given.is(prefix)) {
            return callback;
        }
        let callback = Rc::new(Callback::new(connection, prefix));
        self.0.replace(Rc::downgrade(&callback));
        callback
    }
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
        callback: values
            .get("callback")
            .map(|prefix| connection.latest_callback.of(connection, prefix)),
        dictmsg: values.bool("dictmsg").unwrap_or(connection.dictmsg.get()),
        max,
        received: 0,
        names: Rc::new(Names {
            subject: subject.clone(),
            queue: values.get("queue").cloned(),
        }),
    };
    let client = connection.client()?;
    let sid = connection.settings.next_sid();
    connection.subscriptions.borrow_mut().insert(sid, subscription);
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
    let sid = connection.find_subscription(id)?;
    let ended = connection.limit_subscription(sid, max);
    connection
        .client()?
        .unsubscribe(sid, if ended.is_some() { 0 } else { max });
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
    let sid = connection.find_subscription(id)?;
    let subscription = connection.subscriptions.borrow().get(&sid).cloned();
    let Some(Subscription {
        callback,
        dictmsg,
        max,
        received,
        names,
    }) = subscription
    else {
        return Err(bad_subscription(id));
    };
    // The engine forgets a subscription whose last message it has read.
    let read = connection.client()?.received(sid).unwrap_or(max);
    let wanted = if max > 0 { read.min(max) } else { read };
    let truth = |value| Obj::text(if value { "true" } else { "false" });
    Ok(Reply::Value(Obj::record(&[
        ("subject", names.subject.clone()),
        ("queue", names.queue.clone().unwrap_or_else(Obj::empty)),
        (
            "callback",
            callback.map_or_else(Obj::empty, |callback| callback.given.clone()),
        ),
        ("dictmsg", truth(dictmsg)),
        ("max_msgs", Obj::int(max)),
        ("received", Obj::int(received)),
        ("pending", Obj::int(wanted.saturating_sub(received))),
    ])))
}

impl Connection {
    fn find_subscription(&self, id: &Obj) -> Result<u64> {
        let sid = id.to_int().and_then(|sid| u64::try_from(sid).ok());
        sid.filter(|sid| self.subscriptions.borrow().contains_key(sid))
            .ok_or_else(|| bad_subscription(id))
    }

    /// Sets the limit of a subscription, or ends one that has got so many messages and returns it.
    fn limit_subscription(&self, sid: u64, max: u64) -> Option<Subscription> {
        let mut subscriptions = self.subscriptions.borrow_mut();
        let subscription = subscriptions.get_mut(&sid)?;
        if subscription.received >= max {
            return subscriptions.remove(&sid);
        }
        subscription.max = max;
        None
    }

    /// Counts a message for a subscription; the last one within its limit ends it. Returns the
    /// callback and whether that wants a dict.
    fn receive(&self, sid: u64) -> Option<(Rc<Callback>, bool)> {
        let mut subscriptions = self.subscriptions.borrow_mut();
        let subscription = subscriptions.get_mut(&sid)?;
        subscription.received += 1;
        let receiver = subscription.callback.clone().zip(Some(subscription.dictmsg));
        let ended = if subscription.received == subscription.max {
            subscriptions.remove(&sid)
        } else {
            None
        };
        drop(subscriptions);
        drop(ended);
        receiver
    }

    /// A message arrived; `None` if nobody wants it any more.
    pub(super) fn deliver(&self, sid: u64, message: &Message) -> Option<Work> {
        let (callback, dictmsg) = self.receive(sid)?;
        let content = self.content(message, dictmsg);
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

fn bad_subscription(id: &Obj) -> Error {
    Error::nats(
        "ErrBadSubscription",
        format!("Invalid subscription ID {}", id.to_text()),
    )
}
