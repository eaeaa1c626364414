//! The class `nats::ordered_consumer`, whose objects are children of a `jet_stream`.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::{Rc, Weak};

use tokio::sync::oneshot;

use super::consumer_config::DELIVER_POLICY;
use super::consumers::info as consumer_info;
use super::fields::{Field, Kind, Rules, field, parse};
use super::ordered_settings::settings;
use super::ordered_taker::{Receiver, Taker};
use super::reports::Reports;
use super::{JetStream, failure, stream_name};
use crate::client::background::Outlet;
use crate::client::event::LogLevel;
use crate::commands::children::Children;
use crate::commands::connection::Connection;
use crate::commands::connection::operations::{End, Handler};
use crate::commands::connection::subscribe::Callback;
use crate::commands::promise::Promise;
use crate::commands::timer::Timer;
use crate::jetstream::error::JetStreamError;
use crate::jetstream::ordered::{self, Backlog, Begun, Event};
use crate::jetstream::ordered_config::Settings;
use crate::tcl::class::{Birth, Constructor, Destructor, Instance, Metadata, Method, create, equip, find};
use crate::tcl::{Call, Error, Interp, Obj, Reply, Result, Work};

const CLASS: &str = "::nats::ordered_consumer";
static METADATA: Metadata<OrderedConsumer> = Metadata::new(c"nats::ordered_consumer");
static CONSTRUCTOR: Constructor<OrderedConsumer> = Constructor::new(construct);
static DESTRUCTOR: Destructor<OrderedConsumer> = Destructor::new(destroy);
static METHODS: &[Method<OrderedConsumer>] = &[Method::public(c"info", info), Method::public(c"name", name)];

/// The options, in the order in which they are checked.
pub const OPTIONS: &[Field] = &[
    field(
        "callback",
        Kind::ValidStr,
        "command prefix that gets each message as a dict",
    )
    .required(),
    field("description", Kind::ValidStr, "a text for people"),
    field("headers_only", Kind::Bool, "whether payloads are left out"),
    DELIVER_POLICY,
    field(
        "idle_heartbeat",
        Kind::Duration,
        "after which silence the server gives a sign of life; more than 0, servers want 100",
    )
    .or("5000"),
    field(
        "filter_subject",
        Kind::ValidStr,
        "the subjects to deliver; wildcards allowed",
    ),
    field("post", Kind::Bool, "has no effect; taken for old scripts").or("true"),
    field(
        "opt_start_seq",
        Kind::PosInt,
        "for `by_start_sequence`: the sequence",
    ),
    field(
        "opt_start_time",
        Kind::ValidStr,
        "for `by_start_time`: the time, RFC 3339",
    ),
    field(
        "filter_subjects",
        Kind::List,
        "several subjects to deliver; excludes `filter_subject`",
    )
    .since("2.10"),
];

/// Heartbeats that may be missing.
const MISSED_HEARTBEATS: u32 = 3;
/// Events that are handed over at once, at most.
const HANDFUL: usize = 256;

/// Gives the class its native parts.
pub fn define(interp: &Interp) -> Result {
    equip(interp, CLASS, &CONSTRUCTOR, &DESTRUCTOR, METHODS)
}

pub struct OrderedConsumer {
    this: Weak<OrderedConsumer>,
    interp: Interp,
    /// The object's own, fully qualified.
    pub namespace: String,
    /// The object's command, fully qualified.
    pub name_at_birth: String,
    jet_stream: Rc<JetStream>,
    /// The children of the parent, among which the object is while it lives.
    siblings: Rc<Children>,
    settings: Settings,
    taker: Taker,
    reports: Reports,
    /// Whoever waits for the consumer on the server.
    birth: Promise,
    /// What scripts see of the consumer on the server.
    name: RefCell<Obj>,
    info: RefCell<Obj>,
    /// The last message that was dispatched.
    stream_seq: Cell<u64>,
    backlog: Cell<Backlog>,
    /// What goes on in the background.
    operation: Cell<Option<u64>>,
    /// Runs while the connection is closed.
    alarm: RefCell<Option<Timer>>,
}

/// What comes from the background.
enum Item {
    /// The first consumer on the server, or none.
    Begun(std::result::Result<Begun, JetStreamError>),
    Event(Event),
}

/// `nats::ordered_consumer new jetStream stream ?option value …?`.
fn construct(birth: &Birth, call: &Call) -> Result<(Rc<OrderedConsumer>, Reply)> {
    let [jet_stream, stream, words @ ..] = call.args() else {
        return Err(call.wrong_args(c"jetStream stream ?args?"));
    };
    let jet_stream = find::<JetStream>(birth.interp, jet_stream)?;
    let stream = stream_name(stream)?;
    let given = parse(words, &[], OPTIONS, Rules::Strict)?;
    let settings = settings(birth.interp, stream, &given)?;
    let callback = given.get("callback").cloned().unwrap_or_else(Obj::empty);
    let taker = Taker::Callback(Callback::new(&jet_stream.connection, &callback));
    let siblings = jet_stream.children.clone();
    let object = OrderedConsumer::new(birth, jet_stream, siblings, settings, taker);
    let wait = object.start().inspect_err(|_| object.end())?;
    let begun = object.reports.begin();
    Ok((object, Reply::Then(begun, Box::new(wait))))
}

fn destroy(consumer: &Rc<OrderedConsumer>) -> Work {
    consumer.end();
    Work::none()
}

impl Instance for OrderedConsumer {
    fn metadata() -> &'static Metadata<OrderedConsumer> {
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

fn info(consumer: &Rc<OrderedConsumer>, call: &Call) -> Result<Reply> {
    call.no_args()?;
    Ok(Reply::Value(consumer.info.borrow().clone()))
}

fn name(consumer: &Rc<OrderedConsumer>, call: &Call) -> Result<Reply> {
    call.no_args()?;
    Ok(Reply::Value(consumer.name.borrow().clone()))
}

impl OrderedConsumer {
    /// An object whose messages another object of ours takes; [`start`](Self::start) comes next.
    pub fn create(
        interp: &Interp,
        jet_stream: &Rc<JetStream>,
        siblings: &Rc<Children>,
        settings: Settings,
        receiver: Weak<dyn Receiver>,
    ) -> Result<(Rc<OrderedConsumer>, Work)> {
        let (jet_stream, siblings) = (jet_stream.clone(), siblings.clone());
        let object = create(interp, CLASS, |birth| {
            OrderedConsumer::new(birth, jet_stream, siblings, settings, Taker::Object(receiver))
        })?;
        let begun = object.reports.begin();
        Ok((object, begun))
    }

    fn new(
        birth: &Birth,
        jet_stream: Rc<JetStream>,
        siblings: Rc<Children>,
        settings: Settings,
        taker: Taker,
    ) -> Rc<OrderedConsumer> {
        siblings.adopt(&birth.namespace);
        Rc::new_cyclic(|this| OrderedConsumer {
            this: this.clone(),
            interp: birth.interp.clone(),
            namespace: birth.namespace.clone(),
            name_at_birth: birth.name.clone(),
            siblings,
            settings,
            taker,
            reports: Reports::new(birth, &jet_stream.connection, "Ordered consumer"),
            birth: Promise::new(),
            name: RefCell::new(Obj::empty()),
            info: RefCell::new(Obj::empty()),
            stream_seq: Cell::new(0),
            backlog: Cell::new(Backlog::Coming),
            operation: Cell::default(),
            alarm: RefCell::default(),
            jet_stream,
        })
    }

    fn connection(&self) -> &Connection {
        &self.jet_stream.connection
    }

    /// Makes the consumer on the server, which the reply waits for, and goes on with it. Whoever
    /// waits has gone on before the first message comes.
    pub fn start(&self) -> Result<Reply> {
        let (go, gone) = oneshot::channel::<()>();
        self.open(|context, settings, outlet| async move {
            let (begun, consumer) = match ordered::OrderedConsumer::create(context, settings).await {
                Ok((consumer, begun)) => (Ok(begun), Some(consumer)),
                Err(error) => (Err(error), None),
            };
            outlet.send(Item::Begun(begun), 0);
            if let (Some(consumer), Ok(())) = (consumer, gone.await) {
                hand_over(consumer, outlet).await;
            }
        })?;
        let resumed = move || {
            // The connection may have ended, and the operation with it.
            let _ = go.send(());
        };
        Ok(self.birth.clone().wait_then(resumed))
    }

    /// Goes on in another life of the connection.
    fn resume(&self) -> Result {
        let (last, backlog) = (self.stream_seq.get(), self.backlog.get());
        self.open(move |context, settings, outlet| {
            let consumer = ordered::OrderedConsumer::resume(context, settings, last, backlog);
            hand_over(consumer, outlet)
        })
    }

    fn open<F: Future<Output = ()> + Send + 'static>(
        &self,
        make: impl FnOnce(crate::jetstream::Context, Settings, Outlet<Item>) -> F,
    ) -> Result {
        let handler = Consuming(self.this.clone());
        let settings = self.settings.clone();
        let run = |client, outlet| make(self.jet_stream.context(client), settings, outlet);
        self.operation.set(Some(self.connection().open(run, handler)?));
        Ok(())
    }

    /// Ends what goes on, and leaves the parent.
    fn end(&self) {
        self.close();
        self.alarm.take();
        self.siblings.release(&self.namespace);
        self.birth
            .settle(Err(Error::nats("ErrConnectionClosed", "Connection closed")));
    }

    /// Ends what goes on in the background.
    pub fn close(&self) {
        if let Some(operation) = self.operation.take() {
            self.connection().close_operation(operation);
        }
    }

    fn show(&self, begun: Begun) -> Option<Work> {
        let line = format!("consumer {} delivers", begun.name);
        self.name.replace(Obj::text(&begun.name));
        self.info.replace(consumer_info(begun.info));
        self.stream_seq.set(begun.stream_seq);
        self.reports.line(LogLevel::Debug, &line)
    }

    fn hide_name(&self) {
        self.name.replace(Obj::empty());
    }

    fn take(&self, event: Event) -> Option<Work> {
        match event {
            Event::Message { message, stream_seq } => {
                self.stream_seq.set(stream_seq);
                self.taker.message(self.connection(), &message)
            }
            Event::CaughtUp => {
                self.backlog.set(Backlog::Told);
                self.taker.caught_up()
            }
            Event::Flow(receipt) => {
                receipt.give();
                None
            }
            Event::Reset { cause, start } => {
                self.hide_name();
                let code = cause.code();
                let text = format!("reset with opt_start_seq = {start} due to {code}");
                Some(self.reports.warn(code, &text))
            }
            Event::Restarted(begun) => self.show(begun),
            Event::Failed(error) => {
                let (code, text) = failure::code_and_text(error);
                Some(self.reports.warn(&code, &format!("failed to reset: {text}")))
            }
            Event::Stopped(error) => {
                self.close();
                let (code, text) = failure::code_and_text(error);
                Some(self.reports.warn(&code, &format!("stopped due to {text}")))
            }
            Event::Odd(text) => Some(Work::Fail {
                interp: self.interp.clone(),
                error: Error::nats("ErrProtocol", text),
            }),
        }
    }

    /// The connection was closed. It may be connected again before the silence is noticed.
    fn connection_ended(&self) {
        let this = self.this.clone();
        let wake = move || match this.upgrade() {
            Some(consumer) => consumer.silence(),
            None => Work::none(),
        };
        let patience = self.settings.idle_heartbeat * MISSED_HEARTBEATS;
        self.alarm.replace(Some(Timer::after(patience, Box::new(wake))));
    }

    fn silence(&self) -> Work {
        match self.resume() {
            Ok(()) => Work::none(),
            Err(_) => {
                self.hide_name();
                self.reports.warn("ErrConnectionClosed", "stopped")
            }
        }
    }
}

/// Passes on what happens.
async fn hand_over(mut consumer: ordered::OrderedConsumer, outlet: Outlet<Item>) {
    while let Some(first) = consumer.next().await {
        let mut handful = vec![first];
        while handful.len() < HANDFUL
            && let Some(next) = consumer.next_now()
        {
            handful.push(next);
        }
        outlet.send_all(handful.into_iter().map(|event| {
            let weight = event.weight();
            (Item::Event(event), weight)
        }));
    }
}

/// The way back to the object, which may be gone.
struct Consuming(Weak<OrderedConsumer>);

impl Handler<Item> for Consuming {
    fn item(&self, _: &Connection, _: u64, item: Item) -> Option<Work> {
        let consumer = self.0.upgrade()?;
        match item {
            Item::Event(event) => consumer.take(event),
            Item::Begun(Ok(begun)) => {
                let line = consumer.show(begun);
                consumer.birth.settle(Ok(Obj::empty()));
                Some(line.unwrap_or_else(Work::none))
            }
            Item::Begun(Err(error)) => {
                consumer.close();
                consumer.birth.settle(Err(consumer.taker.failure(error)));
                Some(Work::none())
            }
        }
    }

    fn ended(&self, _: &Connection, end: End) -> Option<Work> {
        let consumer = self.0.upgrade()?;
        consumer.operation.take();
        if !consumer.birth.is_settled() {
            consumer.birth.settle(Err(end.error()));
            return None;
        }
        if end == End::Failed {
            consumer.hide_name();
            return Some(consumer.reports.warn("ErrInternal", "stopped"));
        }
        consumer.connection_ended();
        None
    }

    fn is_finite(&self) -> bool {
        !self
            .0
            .upgrade()
            .is_some_and(|consumer| consumer.birth.is_settled())
    }
}
