//! The class `nats::jet_stream`, whose objects are children of a connection.
//!
//! | Part | About |
//! |---|---|
//! | [`fields`] | the rows of option tables and what they serve |
//! | [`stream_config`], [`consumer_config`] | the tables |
//! | `streams`, `consumers`, `messages` | methods that manage |
//! | [`helpers`] | commands that make parts of configurations; `nats::metadata` |
//! | `publish`, `acks` | messages to a stream, and answers to those from it |
//! | `fetch`, `pull_request` | batches of messages; the class of those that nobody waits for |
//! | [`ordered_consumer`], [`ordered_settings`], [`ordered_taker`] | consumers that go on and on, in order |
//! | `consumer_subscription`, `consumer_options` | consumers that go on and on, with acknowledgements |
//! | `reports` | what goes wrong with them |
//! | `failure` | errors as scripts see them |

mod acks;
pub mod consumer_config;
pub mod consumer_options;
mod consumer_subscription;
mod consumers;
pub mod failure;
mod fetch;
pub mod fields;
pub mod helpers;
pub mod messages;
pub mod ordered_consumer;
pub mod ordered_settings;
pub mod ordered_taker;
mod publish;
mod pull_request;
mod reports;
pub mod stream_config;
pub mod streams;

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;

use super::children::Children;
use super::connection::Connection;
use super::connection::operations::End;
use super::json;
use super::options::{Kind, Spec, invalid, parse, spec, to_count};
use super::promise::{Promise, WeakPromise};
use crate::client::Client;
use crate::jetstream::Context;
use crate::jetstream::api::ApiReply;
use crate::jetstream::in_flight::InFlight;
use crate::jetstream::names::is_safe;
use crate::jetstream::pins::Pins;
use crate::tcl::class::{Birth, Constructor, Destructor, Instance, Metadata, Method, equip, find};
use crate::tcl::{Call, Command, Error, Interp, Obj, Reply, Result, Work};

static METADATA: Metadata<JetStream> = Metadata::new(c"nats::jet_stream");
static CONSTRUCTOR: Constructor<JetStream> = Constructor::new(construct);
static DESTRUCTOR: Destructor<JetStream> = Destructor::new(destroy);
static METHODS: &[Method<JetStream>] = &[
    Method::public(c"ack", acks::ack),
    Method::public(c"ack_sync", acks::ack_sync),
    Method::public(c"account_info", account_info),
    Method::public(c"add_consumer", consumers::add_consumer),
    Method::public(c"add_consumer_from_json", consumers::add_consumer_from_json),
    Method::public(c"add_pull_consumer", consumers::add_pull_consumer),
    Method::public(c"add_push_consumer", consumers::add_push_consumer),
    Method::public(c"add_stream", streams::add_stream),
    Method::public(c"add_stream_from_json", streams::add_stream_from_json),
    Method::public(c"api_prefix", api_prefix),
    Method::public(c"cancel_pull_request", pull_request::cancel_pull_request),
    Method::public(c"consume", fetch::fetch),
    Method::public(c"consumer_info", consumers::consumer_info),
    Method::public(c"consumer_names", consumers::consumer_names),
    Method::public(c"consumers", consumers::consumers),
    Method::public(c"delete_consumer", consumers::delete_consumer),
    Method::public(c"delete_stream", streams::delete_stream),
    Method::public(c"fetch", fetch::fetch),
    Method::public(c"in_progress", acks::in_progress),
    Method::public(c"nak", acks::nak),
    Method::public(c"pause_consumer", consumers::pause_consumer),
    Method::public(c"publish", publish::publish),
    Method::public(c"publish_msg", publish::publish_msg),
    Method::public(c"purge_stream", streams::purge_stream),
    Method::public(c"resume_consumer", consumers::resume_consumer),
    Method::public(c"stream_direct_get", messages::stream_direct_get),
    Method::public(c"stream_info", streams::stream_info),
    Method::public(c"stream_msg_delete", messages::stream_msg_delete),
    Method::public(c"stream_msg_get", messages::stream_msg_get),
    Method::public(c"stream_names", streams::stream_names),
    Method::public(c"streams", streams::streams),
    Method::public(c"term", acks::term),
    Method::public(c"timeout", timeout),
    Method::public(c"unpin_consumer", consumers::unpin_consumer),
    Method::public(c"update_consumer", consumers::update_consumer),
    Method::public(c"update_stream", streams::update_stream),
];

/// The commands beside the class.
pub static COMMANDS: &[Command] = &helpers::COMMANDS;

const OPTIONS: &[Spec] = &[
    spec("timeout", Kind::Timeout),
    spec("domain", Kind::ValidStr),
    spec("trace", Kind::Bool),
    spec("api_prefix", Kind::ValidStr),
    spec("max_pending", Kind::PosInt),
];

/// Milliseconds for a request, unless the option says otherwise.
const DEFAULT_TIMEOUT: u64 = 5000;

/// Gives the class its native parts.
pub fn define(interp: &Interp) -> Result {
    equip(interp, "::nats::jet_stream", &CONSTRUCTOR, &DESTRUCTOR, METHODS)?;
    pull_request::define(interp)?;
    ordered_consumer::define(interp)?;
    consumer_subscription::define(interp)
}

pub struct JetStream {
    interp: Interp,
    namespace: String,
    /// The parent, at which the object is registered while it lives.
    pub connection: Rc<Connection>,
    /// The objects that go with this one.
    pub children: Rc<Children>,
    pub prefix: Arc<str>,
    /// As it was given.
    timeout: Obj,
    trace: bool,
    /// The waits that end with the object, by the ID of their operation.
    waits: RefCell<Vec<(u64, WeakPromise)>>,
    /// The bound of `-max_pending`.
    in_flight: Option<Arc<InFlight>>,
    pins: Arc<Pins>,
}

/// `nats::jet_stream new connection ?option value …?`, which `$connection jet_stream` calls.
fn construct(birth: &Birth, call: &Call) -> Result<(Rc<JetStream>, Reply)> {
    let Some((connection, options)) = call.args().split_first() else {
        return Err(call.wrong_args(c"connection ?option value ...?"));
    };
    let values = parse(options, OPTIONS)?;
    let prefix = match (values.text("domain"), values.text("api_prefix")) {
        (Some(_), Some(_)) => {
            return Err(invalid("-domain and -api_prefix are mutually exclusive"));
        }
        (Some(domain), None) => format!("$JS.{domain}.API"),
        (None, Some(prefix)) => prefix,
        (None, None) => "$JS.API".to_owned(),
    };
    let timeout = values.get("timeout").cloned();
    let max_pending = values.count("max_pending").filter(|&max| max > 0);
    let jet_stream = JetStream {
        interp: birth.interp.clone(),
        namespace: birth.namespace.clone(),
        connection: find::<Connection>(birth.interp, connection)?,
        children: Children::new(birth.interp),
        prefix: prefix.into(),
        timeout: timeout.unwrap_or_else(|| Obj::int(DEFAULT_TIMEOUT)),
        trace: values.bool("trace").unwrap_or(false),
        pins: Arc::default(),
        waits: RefCell::default(),
        in_flight: max_pending.map(|max| Arc::new(InFlight::new(max))),
    };
    jet_stream.connection.children.adopt(&jet_stream.namespace);
    Ok((Rc::new(jet_stream), Reply::Empty))
}

fn destroy(jet_stream: &Rc<JetStream>) -> Work {
    jet_stream.connection.children.release(&jet_stream.namespace);
    jet_stream.end_waits();
    jet_stream.children.destroy()
}

impl Instance for JetStream {
    fn metadata() -> &'static Metadata<JetStream> {
        &METADATA
    }

    fn interp(&self) -> &Interp {
        &self.interp
    }

    fn deleted(&self) {
        // A destructor may have been skipped.
        self.connection.children.release(&self.namespace);
    }
}

fn api_prefix(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    call.no_args()?;
    Ok(Reply::Value(Obj::text(&jet_stream.prefix)))
}

fn timeout(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    call.no_args()?;
    Ok(Reply::Value(jet_stream.timeout.clone()))
}

fn account_info(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    call.no_args()?;
    jet_stream.ask("INFO".to_owned(), String::new(), |reply| {
        Ok(json::to_tcl(&Value::Object(reply.fields)))
    })
}

impl JetStream {
    /// Milliseconds that a request may take; 0 means no limit.
    fn timeout(&self) -> u64 {
        to_count(&self.timeout).unwrap_or(DEFAULT_TIMEOUT)
    }

    /// What the operations of this object need.
    pub fn context(&self, client: Client) -> Context {
        Context {
            client,
            prefix: self.prefix.clone(),
            timeout: self.timeout(),
            trace: self.trace,
            check_subjects: self.connection.checks_subjects(),
            pins: self.pins.clone(),
        }
    }

    /// Makes a method wait for the outcome of an operation.
    pub fn start<T, F>(
        &self,
        make: impl FnOnce(Context) -> F,
        settle: impl FnOnce(T) -> Result<Obj> + 'static,
    ) -> Result<Reply>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        self.connection.start(|client| make(self.context(client)), settle)
    }

    /// The same for a wait that ends with this object.
    pub fn start_while_alive<T, F>(
        &self,
        make: impl FnOnce(Context) -> F,
        settle: impl FnOnce(T) -> Result<Obj> + 'static,
    ) -> Result<Reply>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let make = |client| make(self.context(client));
        let (operation, promise) = self.connection.start_operation(make, settle, End::error)?;
        let mut waits = self.waits.borrow_mut();
        waits.retain(|(_, wait)| pending(wait).is_some());
        waits.push((operation, promise.downgrade()));
        Ok(promise.wait())
    }

    fn end_waits(&self) {
        for (operation, wait) in self.waits.take() {
            if let Some(wait) = pending(&wait) {
                self.connection.close_operation(operation);
                wait.settle(Err(Error::nats("ErrConnectionClosed", "Connection closed")));
            }
        }
    }

    /// Makes a method wait for the reply to an API request.
    fn ask(
        &self,
        suffix: String,
        body: String,
        settle: impl FnOnce(ApiReply) -> Result<Obj> + 'static,
    ) -> Result<Reply> {
        self.start(
            |context| context.api(&suffix, &body),
            |outcome| settle(outcome.map_err(failure::to_tcl)?),
        )
    }

    /// Makes a method wait for all entries of a listing; `convert` makes each what scripts see.
    fn list(
        &self,
        suffix: String,
        filter: serde_json::Map<String, Value>,
        key: &'static str,
        convert: fn(Value) -> Obj,
    ) -> Result<Reply> {
        let make = |context: Context| async move { context.pages(&suffix, filter, key).await };
        self.start(make, move |outcome| {
            let entries = outcome.map_err(failure::to_tcl)?;
            Ok(Obj::list(&entries.into_iter().map(convert).collect::<Vec<_>>()))
        })
    }
}

/// A wait that has not ended.
fn pending(wait: &WeakPromise) -> Option<Promise> {
    wait.upgrade().filter(|promise| !promise.is_settled())
}

/// The value of one field of a reply.
fn field_of(reply: &ApiReply, name: &str) -> Result<Obj> {
    match reply.fields.get(name) {
        Some(value) => Ok(json::to_tcl(value)),
        None => Err(Error::nats(
            "ErrProtocol",
            format!("The server's reply has no field {name}"),
        )),
    }
}

fn stream_name(name: &Obj) -> Result<String> {
    safe_name(name, "stream")
}

fn consumer_name(name: &Obj) -> Result<String> {
    safe_name(name, "consumer")
}

fn safe_name(name: &Obj, what: &str) -> Result<String> {
    let name = name.to_text();
    if !is_safe(&name) {
        return Err(invalid(format!("Invalid {what} name {name}")));
    }
    Ok(name.into_owned())
}
