//! The class `nats::kv_watcher`, whose objects are children of a `jet_stream`: they follow keys of a
//! bucket by an ordered consumer of their own.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::entry::EntryForm;
use super::{KeyValue, failure, patterns};
use crate::commands::children::Children;
use crate::commands::connection::subscribe::Callback;
use crate::commands::jet_stream::JetStream;
use crate::commands::jet_stream::fields::{Field, Given, Kind, Rules, field, parse};
use crate::commands::jet_stream::ordered_consumer::OrderedConsumer;
use crate::commands::jet_stream::ordered_settings::{config, idle_heartbeat};
use crate::commands::jet_stream::ordered_taker::Receiver;
use crate::commands::message::payload_value;
use crate::commands::options::{invalid, invalid_value, is_true, to_count};
use crate::jetstream::error::JetStreamError;
use crate::jetstream::ordered_config::{Deliver, Settings};
use crate::kv::bucket::Bucket;
use crate::kv::error::KvError;
use crate::kv::watch::{Update, Watch};
use crate::protocol::Message;
use crate::tcl::class::{Birth, Constructor, Destructor, Instance, Metadata, Method, equip, find};
use crate::tcl::{Call, Error, Interp, Obj, Reply, Result, Work, notifier};

static METADATA: Metadata<Watcher> = Metadata::new(c"nats::kv_watcher");
static CONSTRUCTOR: Constructor<Watcher> = Constructor::new(construct);
static DESTRUCTOR: Destructor<Watcher> = Destructor::new(destroy);
static METHODS: &[Method<Watcher>] = &[Method::public(c"consumer", consumer)];

/// The options of `watch`.
pub const OPTIONS: &[Field] = &[
    field(
        "callback",
        Kind::Str,
        "gets each entry, and an empty string behind those that were there at first",
    ),
    field(
        "values_array",
        Kind::Str,
        "array variable that is kept in step with the keys",
    ),
    field(
        "include_history",
        Kind::Bool,
        "whether to begin with all entries that are kept",
    )
    .or("false"),
    field(
        "updates_only",
        Kind::Bool,
        "whether to begin with what changes from now on",
    )
    .or("false"),
    field(
        "ignore_deletes",
        Kind::Bool,
        "whether to leave out deleted and purged keys",
    )
    .or("false"),
    field("meta_only", Kind::Bool, "whether to leave out values").or("false"),
    field(
        "idle_heartbeat",
        Kind::Duration,
        "after which silence the server gives a sign of life",
    )
    .or("5000"),
    field(
        "resume_from",
        Kind::PosInt,
        "revision to begin with, 1 or more; excludes `include_history` and `updates_only`",
    ),
];

/// Gives the class its native parts.
pub fn define(interp: &Interp) -> Result {
    equip(interp, "::nats::kv_watcher", &CONSTRUCTOR, &DESTRUCTOR, METHODS)
}

pub struct Watcher {
    interp: Interp,
    namespace: String,
    /// The parent, at which the object is registered while it lives.
    jet_stream: Rc<JetStream>,
    /// The ordered consumer is the only child.
    children: Rc<Children>,
    consumer: RefCell<Option<Rc<OrderedConsumer>>>,
    bucket: Bucket,
    form: EntryForm,
    callback: Option<Callback>,
    array: Option<Array>,
    ignore_deletes: bool,
    ended: Rc<Cell<bool>>,
}

/// The script's variable of `-values_array`.
struct Array {
    /// As it was given.
    given: String,
    /// Our own name for it.
    alias: Obj,
}

/// `nats::kv_watcher new key_value patterns ?option value …?`, which `$key_value watch` calls where
/// it was called.
fn construct(birth: &Birth, call: &Call) -> Result<(Rc<Watcher>, Reply)> {
    let [key_value, wanted, words @ ..] = call.args() else {
        return Err(call.wrong_args(c"key_value patterns ?option value ...?"));
    };
    let key_value = find::<KeyValue>(birth.interp, key_value)?;
    let given = parse(words, &[], OPTIONS, Rules::Strict)?;
    let watch = Watch {
        patterns: patterns(birth.interp, wanted)?,
        deliver: deliver(&given)?,
        meta_only: flag(&given, "meta_only"),
        idle_heartbeat: idle_heartbeat(&given, &config(birth.interp, &given)?)?,
    };
    let present = |name: &str| given.get(name).filter(|value| !value.modified_utf8().is_empty());
    let array = present("values_array")
        .map(|name| Array::link(birth, name))
        .transpose()?;
    let jet_stream = key_value.jet_stream.clone();
    let settings = key_value.bucket.consumer(watch);
    let watcher = Rc::new(Watcher {
        interp: birth.interp.clone(),
        namespace: birth.namespace.clone(),
        children: Children::new(birth.interp),
        consumer: RefCell::default(),
        bucket: key_value.bucket.clone(),
        form: EntryForm::new(&key_value.bucket.name),
        callback: present("callback").map(|prefix| Callback::new(&jet_stream.connection, prefix)),
        array,
        ignore_deletes: flag(&given, "ignore_deletes"),
        ended: Rc::default(),
        jet_stream,
    });
    watcher.jet_stream.children.adopt(&watcher.namespace);
    let reply = watcher.begin(settings);
    Ok((watcher, reply))
}

fn deliver(given: &Given) -> Result<Deliver> {
    let choices = ["include_history", "updates_only", "resume_from"];
    let chosen = |name: &&str| match given.get(name) {
        Some(_) if *name == "resume_from" => true,
        _ => flag(given, name),
    };
    let chosen: Vec<&str> = choices.into_iter().filter(chosen).collect();
    match chosen[..] {
        [] => Ok(Deliver::LastPerSubject),
        ["include_history"] => Ok(Deliver::All),
        ["updates_only"] => Ok(Deliver::New),
        ["resume_from"] => match given.get("resume_from").and_then(to_count) {
            Some(revision) if revision > 0 => Ok(Deliver::BySequence(revision)),
            _ => Err(invalid_value("pos_int", "resume_from", "0")),
        },
        [first, second, ..] => Err(invalid(format!("-{first} conflicts with -{second}"))),
        [_] => Ok(Deliver::LastPerSubject),
    }
}

fn flag(given: &Given, name: &str) -> bool {
    given.get(name).is_some_and(is_true)
}

impl Array {
    /// Finds the variable where the caller is. It follows what becomes of it: should the script
    /// unset it, the next value makes it again.
    fn link(birth: &Birth, name: &Obj) -> Result<Array> {
        let alias = Obj::text(&format!("{}::values", birth.namespace));
        birth.interp.link_variable(name, &alias)?;
        Ok(Array {
            given: name.to_text().into_owned(),
            alias,
        })
    }
}

fn destroy(watcher: &Rc<Watcher>) -> Work {
    watcher.end();
    let consumer = watcher.consumer.borrow();
    let Some(consumer) = consumer.as_ref().filter(|_| !watcher.children.is_empty()) else {
        return Work::none();
    };
    let end = format!("{}::my", consumer.namespace);
    Work::Ask {
        interp: watcher.interp.clone(),
        words: vec![Obj::text(&end), Obj::text("destroy")],
        // In a coroutine that is being deleted nothing can be evaluated; `deleted` sees to it.
        then: Box::new(|_| Work::none()),
    }
}

fn consumer(watcher: &Rc<Watcher>, call: &Call) -> Result<Reply> {
    call.no_args()?;
    let consumer = watcher.consumer.borrow();
    let name = consumer
        .as_ref()
        .map(|consumer| Obj::text(&consumer.name_at_birth));
    Ok(Reply::Value(name.unwrap_or_else(Obj::empty)))
}

impl Instance for Watcher {
    fn metadata() -> &'static Metadata<Watcher> {
        &METADATA
    }

    fn interp(&self) -> &Interp {
        &self.interp
    }

    fn deleted(&self) {
        self.end();
        // A destructor may have been skipped.
        if let Some(consumer) = self.consumer.take().filter(|_| !self.children.is_empty()) {
            consumer.close();
            let children = self.children.clone();
            notifier::post(Box::new(move || children.destroy()));
        }
    }
}

impl Watcher {
    /// Makes the variable an array, if it is to be kept, then the consumer, and waits for it.
    fn begin(self: &Rc<Watcher>, settings: Settings) -> Reply {
        let watcher = self.clone();
        let Some(array) = &self.array else {
            return Reply::Later(Box::new(move || watcher.start(settings)));
        };
        let words = ["::array", "set"].map(Obj::text);
        let refused = Rc::new(Cell::new(false));
        let seen = refused.clone();
        let make_array = Work::Ask {
            interp: self.interp.clone(),
            words: words
                .into_iter()
                .chain([array.alias.clone(), Obj::empty()])
                .collect(),
            then: Box::new(move |outcome| {
                seen.set(outcome.is_err());
                Work::none()
            }),
        };
        let fault = format!("The variable {} of -values_array cannot be an array", array.given);
        let start = move || match refused.get() {
            true => Err(invalid(fault)),
            false => watcher.start(settings),
        };
        Reply::Then(make_array, Box::new(Reply::Later(Box::new(start))))
    }

    fn start(self: &Rc<Watcher>, settings: Settings) -> Result<Reply> {
        if self.ended.get() {
            return Err(Error::nats("ErrConnectionClosed", "Connection closed"));
        }
        let weak = Rc::downgrade(self);
        let create = OrderedConsumer::create;
        let (consumer, begun) = create(&self.interp, &self.jet_stream, &self.children, settings, weak)?;
        self.consumer.replace(Some(consumer.clone()));
        let wait = consumer.start()?;
        Ok(Reply::Then(begun, Box::new(wait)))
    }

    /// Leaves the parent; nothing is called any more.
    fn end(&self) {
        self.ended.set(true);
        self.jet_stream.children.release(&self.namespace);
    }

    fn utf8(&self) -> bool {
        self.jet_stream.connection.converts_utf8()
    }

    /// Brings the array in step.
    fn keep(&self, update: &Update) -> Option<Work> {
        let (interp, name) = (self.interp.clone(), self.array.as_ref()?.alias.clone());
        let element = Obj::text(&update.entry.key);
        Some(match update.entry.is_marker() {
            true => Work::Unset {
                interp,
                name,
                element,
            },
            false => Work::Set {
                interp,
                name,
                element: Some(element),
                value: payload_value(&update.entry.value, self.utf8()),
            },
        })
    }

    fn call(&self, argument: impl FnOnce() -> Obj) -> Option<Work> {
        let callback = self.callback.as_ref()?;
        Some(callback.call(&self.jet_stream.connection, [argument()]))
    }

    /// Work that is not done any more once the object has ended.
    fn unless_ended(&self, work: Work) -> Work {
        let ended = self.ended.clone();
        let find = move || match ended.get() {
            true => Work::none(),
            false => work,
        };
        Work::Later {
            interp: self.interp.clone(),
            find: Box::new(find),
        }
    }
}

impl Receiver for Watcher {
    fn message(&self, message: &Message) -> Option<Work> {
        let update = self.bucket.update(message)?;
        if update.entry.is_marker() && self.ignore_deletes {
            return None;
        }
        let called = self.call(|| self.form.update(&update, self.utf8()));
        Some(match (self.keep(&update), called) {
            (Some(kept), Some(called)) => Work::Many(vec![kept, self.unless_ended(called)]),
            (kept, called) => kept.or(called)?,
        })
    }

    fn caught_up(&self) -> Option<Work> {
        self.call(Obj::empty)
    }

    fn failure(&self, error: JetStreamError) -> Error {
        failure::to_tcl_short(KvError::of_bucket(&self.bucket.name, error))
    }
}
