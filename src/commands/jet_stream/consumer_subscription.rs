//! The class `nats::consumer_subscription`: continuous consumption, for a callback or for `next`.
//!
//! Its objects are children of a `jet_stream`. Messages come from the background as they are
//! pulled; those that nobody waits for are kept, and count as taken only when a script gets them,
//! so that no more are pulled than the script can take.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use super::consumer_options::Wishes;
use super::reports::Reports;
use super::{JetStream, failure};
use crate::commands::connection::Connection;
use crate::commands::connection::operations::{End, Handler};
use crate::commands::connection::request::Ending;
use crate::commands::connection::subscribe::Callback;
use crate::commands::options::{Kind, Spec, invalid, parse, spec};
use crate::commands::promise::Promise;
use crate::commands::timer::Timer;
use crate::jetstream::consume::{self, Event};
use crate::jetstream::window::Flow;
use crate::protocol::Message;
use crate::tcl::class::{Birth, Constructor, Destructor, Instance, Metadata, Method, equip, find};
use crate::tcl::{Call, Error, Interp, Obj, Reply, Result, Work};

static METADATA: Metadata<ConsumerSubscription> = Metadata::new(c"nats::consumer_subscription");
static CONSTRUCTOR: Constructor<ConsumerSubscription> = Constructor::new(construct);
static DESTRUCTOR: Destructor<ConsumerSubscription> = Destructor::new(destroy);
static METHODS: &[Method<ConsumerSubscription>] = &[
    Method::public(c"drain", drain),
    Method::public(c"info", info),
    Method::public(c"last_error", last_error),
    Method::public(c"next", next),
    Method::public(c"stop", stop),
];

const NEXT: &[Spec] = &[spec("timeout", Kind::Timeout)];

/// Gives the class its native parts.
pub fn define(interp: &Interp) -> Result {
    equip(
        interp,
        "::nats::consumer_subscription",
        &CONSTRUCTOR,
        &DESTRUCTOR,
        METHODS,
    )
}

pub struct ConsumerSubscription {
    this: Weak<ConsumerSubscription>,
    interp: Interp,
    namespace: String,
    /// The parent, at which the object is registered while it lives.
    jet_stream: Rc<JetStream>,
    wishes: Wishes,
    callback: Option<Callback>,
    flow: Arc<Flow>,
    reports: Reports,
    /// The variable `status`.
    status: Obj,
    /// The constructor, which waits until the consumer is known to exist.
    birth: Promise,
    state: RefCell<State>,
    /// What goes on in the background.
    operation: Cell<Option<u64>>,
    /// Messages that nobody has asked for yet.
    kept: RefCell<VecDeque<Message>>,
    waiting: RefCell<VecDeque<Waiter>>,
    next_waiter: Cell<u64>,
    delivered: Cell<u64>,
}

enum State {
    Active,
    /// What is there is still handed out.
    Draining,
    /// Why there will be nothing more.
    Ended(Error),
}

/// A call of `next`.
struct Waiter {
    id: u64,
    promise: Promise,
    _timer: Option<Timer>,
}

/// `nats::consumer_subscription new jetStream stream consumer ?option value …?`.
fn construct(birth: &Birth, call: &Call) -> Result<(Rc<ConsumerSubscription>, Reply)> {
    let [jet_stream, stream, consumer, words @ ..] = call.args() else {
        return Err(call.wrong_args(c"jetStream stream consumer ?args?"));
    };
    let jet_stream = find::<JetStream>(birth.interp, jet_stream)?;
    let wishes = Wishes::read(stream, consumer, words)?;
    let connection = jet_stream.connection.clone();
    let promise = Promise::new();
    let object = Rc::new_cyclic(|this| ConsumerSubscription {
        this: this.clone(),
        interp: birth.interp.clone(),
        namespace: birth.namespace.clone(),
        callback: wishes
            .callback
            .as_ref()
            .map(|prefix| Callback::new(&connection, prefix)),
        flow: Arc::new(Flow::new(wishes.max)),
        wishes,
        reports: Reports::new(birth, &connection, "Consumer subscription"),
        status: Obj::text(&format!("{}::status", birth.namespace)),
        birth: promise.clone(),
        state: RefCell::new(State::Active),
        operation: Cell::default(),
        kept: RefCell::default(),
        waiting: RefCell::default(),
        next_waiter: Cell::new(1),
        delivered: Cell::new(0),
        jet_stream,
    });
    let (settings, flow) = (object.wishes.settings(), object.flow.clone());
    let run = |client, outlet| object.jet_stream.context(client).consume(settings, flow, outlet);
    let operation = connection.open(run, Consuming(Rc::downgrade(&object)))?;
    object.operation.set(Some(operation));
    object.jet_stream.children.adopt(&object.namespace);
    let begun = Work::Many(vec![object.reports.begin(), object.show("active")]);
    Ok((object, Reply::Then(begun, Box::new(promise.wait()))))
}

fn destroy(subscription: &Rc<ConsumerSubscription>) -> Work {
    subscription.end();
    Work::none()
}

impl Instance for ConsumerSubscription {
    fn metadata() -> &'static Metadata<ConsumerSubscription> {
        &METADATA
    }

    fn interp(&self) -> &Interp {
        &self.interp
    }

    fn deleted(&self) {
        // A destructor may have been skipped.
        self.end();
    }
}

/// The next message; waits for one if need be.
fn next(subscription: &Rc<ConsumerSubscription>, call: &Call) -> Result<Reply> {
    let timeout = parse(call.args(), NEXT)?.count("timeout");
    let timeout = timeout.unwrap_or_else(|| subscription.jet_stream.timeout());
    if subscription.callback.is_some() {
        return Err(invalid(
            "The messages go to the callback: next needs a subscription without -callback",
        ));
    }
    let kept = subscription.kept.borrow_mut().pop_front();
    if let Some(message) = kept {
        let content = subscription.hand_out(&message);
        return Ok(Reply::Then(
            subscription.settle_drain(),
            Box::new(Reply::Value(content)),
        ));
    }
    if let State::Ended(error) = &*subscription.state.borrow() {
        return Err(error.clone());
    }
    Ok(subscription.wait(timeout))
}

/// Ends it at once; messages that no script has got come again, if they must be acknowledged.
fn stop(subscription: &Rc<ConsumerSubscription>, call: &Call) -> Result<Reply> {
    call.no_args()?;
    subscription.kept.take();
    let work = subscription.finish(stopped());
    Ok(Reply::Then(work, Box::new(Reply::Empty)))
}

/// Pulls no more, and ends it when all that is there has been handed out.
fn drain(subscription: &Rc<ConsumerSubscription>, call: &Call) -> Result<Reply> {
    call.no_args()?;
    if !matches!(*subscription.state.borrow(), State::Active) {
        return Ok(Reply::Empty);
    }
    subscription.state.replace(State::Draining);
    subscription.flow.drain();
    Ok(Reply::Then(subscription.show("draining"), Box::new(Reply::Empty)))
}

fn last_error(subscription: &Rc<ConsumerSubscription>, call: &Call) -> Result<Reply> {
    call.no_args()?;
    Ok(Reply::Value(subscription.reports.last()))
}

fn info(subscription: &Rc<ConsumerSubscription>, call: &Call) -> Result<Reply> {
    call.no_args()?;
    let (requested, held, pulls) = {
        let window = subscription.flow.window();
        (window.requested(), window.held(), window.pulls())
    };
    let status = match &*subscription.state.borrow() {
        State::Active => "active",
        State::Draining => "draining",
        State::Ended(_) => "stopped",
    };
    let wishes = &subscription.wishes;
    Ok(Reply::Value(Obj::record(&[
        ("stream", Obj::text(&wishes.stream)),
        ("consumer", Obj::text(&wishes.consumer)),
        ("status", Obj::text(status)),
        ("max_messages", Obj::int(wishes.max.messages)),
        ("max_bytes", Obj::int(wishes.max.bytes)),
        ("expires", Obj::int(wishes.expires)),
        ("idle_heartbeat", Obj::int(wishes.idle_heartbeat)),
        ("delivered", Obj::int(subscription.delivered.get())),
        ("buffered", Obj::int(held.messages)),
        ("requested", Obj::int(requested.messages)),
        ("pulls", Obj::int(pulls)),
    ])))
}

impl ConsumerSubscription {
    /// A script gets a message.
    fn hand_out(&self, message: &Message) -> Obj {
        self.flow.taken(consume::size(message));
        self.delivered.set(self.delivered.get() + 1);
        self.jet_stream.connection.content(message, true)
    }

    fn wait(&self, timeout: u64) -> Reply {
        let promise = Promise::new();
        let id = self.next_waiter.get();
        self.next_waiter.set(id + 1);
        let this = self.this.clone();
        let wake = move || {
            if let Some(subscription) = this.upgrade() {
                subscription.time_out(id, timeout);
            }
            Work::none()
        };
        let timer = (timeout > 0).then(|| Timer::after(Duration::from_millis(timeout), Box::new(wake)));
        self.waiting.borrow_mut().push_back(Waiter {
            id,
            promise: promise.clone(),
            _timer: timer,
        });
        promise.wait()
    }

    fn time_out(&self, id: u64, timeout: u64) {
        let mut waiting = self.waiting.borrow_mut();
        let Some(at) = waiting.iter().position(|waiter| waiter.id == id) else {
            return;
        };
        let waiter = waiting.remove(at);
        drop(waiting);
        if let Some(waiter) = waiter {
            let text = format!("No message came within {timeout} ms");
            waiter.promise.settle(Err(Error::nats("ErrTimeout", text)));
        }
    }

    fn take(&self, message: Message) -> Option<Work> {
        if let Some(callback) = &self.callback {
            let content = self.hand_out(&message);
            return Some(callback.call(&self.jet_stream.connection, [content]));
        }
        loop {
            let waiter = self.waiting.borrow_mut().pop_front();
            match waiter {
                // A wait that was cut short wants nothing any more.
                Some(waiter) if waiter.promise.is_abandoned() => {}
                Some(waiter) => {
                    waiter.promise.settle(Ok(self.hand_out(&message)));
                    return Some(Work::none());
                }
                None => {
                    self.kept.borrow_mut().push_back(message);
                    return Some(Work::none());
                }
            }
        }
    }

    /// The end of what a drain has left to hand out, if it has come.
    fn settle_drain(&self) -> Work {
        let drained = matches!(*self.state.borrow(), State::Draining)
            && self.operation.get().is_none()
            && self.kept.borrow().is_empty();
        match drained {
            true => self.finish(stopped()),
            false => Work::none(),
        }
    }

    /// The background has nothing more to bring.
    fn exhausted(&self) -> Work {
        self.close();
        self.settle_drain()
    }

    /// There will be nothing more, for this reason; what is kept can still be had.
    fn finish(&self, reason: Error) -> Work {
        self.close();
        self.birth.settle(Err(reason.clone()));
        let ended = State::Ended(reason.clone());
        if matches!(self.state.replace(ended), State::Ended(_)) {
            return Work::none();
        }
        for waiter in self.waiting.take() {
            waiter.promise.settle(Err(reason.clone()));
        }
        self.show("stopped")
    }

    /// The object ends.
    fn end(&self) {
        drop(self.finish(stopped()));
        self.kept.take();
        self.jet_stream.children.release(&self.namespace);
    }

    fn close(&self) {
        if let Some(operation) = self.operation.take() {
            self.jet_stream.connection.close_operation(operation);
        }
    }

    fn show(&self, status: &str) -> Work {
        Work::Set {
            interp: self.interp.clone(),
            name: self.status.clone(),
            element: None,
            value: Obj::text(status),
        }
    }
}

fn stopped() -> Error {
    Error::nats("ErrConsumerStopped", "The consumer subscription was stopped")
}

/// The way back to the object, which may be gone.
struct Consuming(Weak<ConsumerSubscription>);

impl Handler<Event> for Consuming {
    fn item(&self, _: &Connection, _: u64, event: Event) -> Option<Work> {
        let subscription = self.0.upgrade()?;
        match event {
            Event::Message(message) => subscription.take(message),
            Event::Trouble(report) => Some(subscription.reports.warn(report.code, &report.text)),
            Event::Ended(None) => Some(subscription.exhausted()),
            Event::Ended(Some(report)) => {
                let told = subscription.reports.warn(report.code, &report.text);
                let ended = subscription.finish(Error::nats(report.code, report.text));
                Some(Work::Many(vec![told, ended]))
            }
            Event::Started => {
                subscription.birth.settle(Ok(Obj::empty()));
                Some(Work::none())
            }
            Event::Failed(error) => {
                subscription.close();
                subscription.birth.settle(Err(failure::to_tcl(error)));
                Some(Work::none())
            }
        }
    }

    fn ended(&self, _: &Connection, end: End) -> Option<Work> {
        let subscription = self.0.upgrade()?;
        let reason = end.error();
        // Nothing of it could be acknowledged.
        subscription.kept.take();
        let told = match end {
            End::Connection(Ending::Disconnect) => subscription
                .reports
                .keep("ErrConnectionClosed", "stopped: Connection closed"),
            End::Connection(Ending::Lost) => subscription
                .reports
                .warn("ErrConnectionClosed", "stopped: Connection lost"),
            End::Failed => subscription.reports.warn("ErrInternal", "stopped"),
        };
        let ended = subscription.finish(reason);
        Some(Work::Many(vec![told, ended]))
    }

    fn is_finite(&self) -> bool {
        !self
            .0
            .upgrade()
            .is_some_and(|subscription| subscription.birth.is_settled())
    }
}
