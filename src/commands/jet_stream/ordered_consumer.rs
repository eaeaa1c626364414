//! The class `nats::ordered_consumer`, whose objects are children of a `jet_stream`.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::{Rc, Weak};
use std::time::Duration;

use serde_json::{Map, Value};

use super::consumers::info as consumer_info;
use super::fields::{Field, Given, Kind, Rules, field, parse};
use super::reports::Reports;
use super::{JetStream, failure, stream_name};
use crate::client::background::Outlet;
use crate::client::event::LogLevel;
use crate::commands::connection::Connection;
use crate::commands::connection::operations::{End, Handler};
use crate::commands::connection::subscribe::Callback;
use crate::commands::options::{invalid, invalid_value};
use crate::commands::promise::Promise;
use crate::jetstream::error::JetStreamError;
use crate::jetstream::ordered::{self, Begun, Event};
use crate::jetstream::ordered_config::{Deliver, Settings};
use crate::tcl::class::{Birth, Constructor, Destructor, Instance, Metadata, Method, equip, find};
use crate::tcl::{Call, Error, Interp, Obj, Reply, Result, Timer, Work};

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
    field(
        "deliver_policy",
        Kind::Enum(&[
            "all",
            "last",
            "new",
            "by_start_sequence",
            "by_start_time",
            "last_per_subject",
        ]),
        "with which message it begins",
    )
    .or("all"),
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
    equip(
        interp,
        "::nats::ordered_consumer",
        &CONSTRUCTOR,
        &DESTRUCTOR,
        METHODS,
    )
}

pub struct OrderedConsumer {
    this: Weak<OrderedConsumer>,
    interp: Interp,
    namespace: String,
    /// The parent, at which the object is registered while it lives.
    jet_stream: Rc<JetStream>,
    settings: Settings,
    callback: Callback,
    reports: Reports,
    /// The constructor, which waits for the consumer on the server.
    birth: Promise,
    /// What scripts see of the consumer on the server.
    name: RefCell<Obj>,
    info: RefCell<Obj>,
    /// The last message that was dispatched.
    stream_seq: Cell<u64>,
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
    let connection = jet_stream.connection.clone();
    let promise = Promise::new();
    let callback = given.get("callback").cloned().unwrap_or_else(Obj::empty);
    let object = Rc::new_cyclic(|this| OrderedConsumer {
        this: this.clone(),
        interp: birth.interp.clone(),
        namespace: birth.namespace.clone(),
        settings,
        callback: Callback::new(&connection, &callback),
        reports: Reports::new(birth, &connection, "Ordered consumer"),
        birth: promise.clone(),
        name: RefCell::new(Obj::empty()),
        info: RefCell::new(Obj::empty()),
        stream_seq: Cell::new(0),
        operation: Cell::default(),
        alarm: RefCell::default(),
        jet_stream,
    });
    object.start()?;
    object.jet_stream.children.adopt(&object.namespace);
    let begun = object.reports.begin();
    Ok((object, Reply::Then(begun, Box::new(promise.wait()))))
}

fn settings(interp: &Interp, stream: String, given: &Given) -> Result<Settings> {
    // All checks are those of a configuration.
    let config: Map<String, Value> = serde_json::from_str(&given.json(interp)?)
        .map_err(|error| Error::nats("ErrInternal", error.to_string()))?;
    let text = |name: &str| config.get(name).and_then(Value::as_str).map(str::to_owned);
    let heartbeat = config
        .get("idle_heartbeat")
        .and_then(Value::as_u64)
        .filter(|&ns| ns > 0);
    let Some(heartbeat) = heartbeat else {
        let value = given.text("idle_heartbeat").unwrap_or_default();
        return Err(invalid_value("ns", "idle_heartbeat", &value));
    };
    let filters = match (text("filter_subject"), config.get("filter_subjects")) {
        (Some(_), Some(_)) => {
            return Err(invalid(
                "-filter_subject and -filter_subjects are mutually exclusive",
            ));
        }
        (Some(filter), None) => vec![filter],
        (None, Some(Value::Array(filters))) => {
            let filters = filters.iter().filter_map(Value::as_str);
            filters.map(str::to_owned).collect()
        }
        (None, _) => Vec::new(),
    };
    Ok(Settings {
        stream,
        description: text("description"),
        deliver: deliver(&config)?,
        filters,
        headers_only: config.get("headers_only").and_then(Value::as_bool),
        idle_heartbeat: Duration::from_nanos(heartbeat),
    })
}

fn deliver(config: &Map<String, Value>) -> Result<Deliver> {
    let text = |name: &str| config.get(name).and_then(Value::as_str);
    let missing = |option: &str| invalid(format!("Option {option} is required"));
    Ok(match text("deliver_policy").unwrap_or("all") {
        "last" => Deliver::Last,
        "new" => Deliver::New,
        "last_per_subject" => Deliver::LastPerSubject,
        "by_start_sequence" => {
            let sequence = config.get("opt_start_seq").and_then(Value::as_u64);
            Deliver::BySequence(sequence.ok_or_else(|| missing("opt_start_seq"))?)
        }
        "by_start_time" => {
            let time = text("opt_start_time").ok_or_else(|| missing("opt_start_time"))?;
            Deliver::ByTime(time.to_owned())
        }
        _ => Deliver::All,
    })
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
    fn connection(&self) -> &Connection {
        &self.jet_stream.connection
    }

    /// Makes the consumer on the server, and goes on with it.
    fn start(&self) -> Result {
        self.open(|context, settings, outlet| async move {
            let (begun, consumer) = match ordered::OrderedConsumer::create(context, settings).await {
                Ok((consumer, begun)) => (Ok(begun), Some(consumer)),
                Err(error) => (Err(error), None),
            };
            outlet.send(Item::Begun(begun), 0);
            if let Some(consumer) = consumer {
                hand_over(consumer, outlet).await;
            }
        })
    }

    /// Goes on in another life of the connection.
    fn resume(&self) -> Result {
        let last = self.stream_seq.get();
        self.open(move |context, settings, outlet| {
            hand_over(ordered::OrderedConsumer::resume(context, settings, last), outlet)
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
        self.jet_stream.children.release(&self.namespace);
        self.birth
            .settle(Err(Error::nats("ErrConnectionClosed", "Connection closed")));
    }

    fn close(&self) {
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
                let connection = self.connection();
                let content = connection.content(&message, true);
                Some(self.callback.call(connection, [content]))
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
                consumer.birth.settle(Err(failure::to_tcl(error)));
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
