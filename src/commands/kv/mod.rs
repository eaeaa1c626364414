//! Key-value buckets: the class `nats::key_value`, and what buckets add to `nats::jet_stream`.
//!
//! | Part | About |
//! |---|---|
//! | `buckets` | methods of `nats::jet_stream` that make, find, change and remove buckets |
//! | [`bucket_config`], [`origins`] | the options of buckets, mirrors and aggregates |
//! | `keys` | methods about single keys |
//! | `gather` | methods about many keys |
//! | [`watcher`] | following keys: the class `nats::kv_watcher` |
//! | `entry` | entries as scripts see them |
//! | `status` | what is known of a bucket |
//! | `failure` | errors as scripts see them |
//!
//! The methods that make an object are scripts in `tcl/key_value.tcl`.

pub mod bucket_config;
mod buckets;
mod entry;
mod failure;
mod gather;
mod keys;
pub mod origins;
mod status;
pub mod watcher;

use std::rc::Rc;

use serde_json::Value;

use super::jet_stream::JetStream;
use super::options::invalid;
use crate::kv::bucket::Bucket;
use crate::tcl::class::{
    Birth, Constructor, Destructor, Instance, Metadata, Method, add_methods, equip, find,
};
use crate::tcl::{Call, Command, Interp, Obj, Reply, Result, Work};

static METADATA: Metadata<KeyValue> = Metadata::new(c"nats::key_value");
static CONSTRUCTOR: Constructor<KeyValue> = Constructor::new(construct);
static DESTRUCTOR: Destructor<KeyValue> = Destructor::new(destroy);
static METHODS: &[Method<KeyValue>] = &[
    Method::public(c"create", keys::create),
    Method::public(c"delete", keys::delete),
    Method::public(c"get", keys::get),
    Method::public(c"get_many", gather::get_many),
    Method::public(c"get_value", keys::get_value),
    Method::public(c"history", gather::history),
    Method::public(c"keys", gather::keys),
    Method::public(c"purge", keys::purge),
    Method::public(c"purge_deletes", gather::purge_deletes),
    Method::public(c"put", keys::put),
    Method::public(c"revert", keys::revert),
    Method::public(c"status", status::status),
    Method::public(c"update", keys::update),
];

/// The commands beside the class.
pub static COMMANDS: &[Command] = &[Command::new(c"::nats::make_kv_origin", origins::make_kv_origin)];

/// Gives the classes their native parts.
pub fn define(interp: &Interp) -> Result {
    equip(interp, "::nats::key_value", &CONSTRUCTOR, &DESTRUCTOR, METHODS)?;
    watcher::define(interp)?;
    add_methods(interp, "::nats::jet_stream", buckets::METHODS)
}

pub struct KeyValue {
    interp: Interp,
    namespace: String,
    /// The parent, at which the object is registered while it lives.
    jet_stream: Rc<JetStream>,
    bucket: Bucket,
}

/// `nats::key_value new jet_stream bucket config`, with the configuration of the stream in JSON.
fn construct(birth: &Birth, call: &Call) -> Result<(Rc<KeyValue>, Reply)> {
    let [jet_stream, bucket, config] = call.args() else {
        return Err(call.wrong_args(c"jet_stream bucket config"));
    };
    let jet_stream = find::<JetStream>(birth.interp, jet_stream)?;
    let Ok(Value::Object(config)) = serde_json::from_str(&config.to_text()) else {
        return Err(invalid(
            "a bucket is made by create_kv_bucket and the like, not by new",
        ));
    };
    let key_value = KeyValue {
        interp: birth.interp.clone(),
        namespace: birth.namespace.clone(),
        bucket: Bucket::new(&bucket.to_text(), &config, &jet_stream.prefix),
        jet_stream,
    };
    key_value.jet_stream.children.adopt(&key_value.namespace);
    Ok((Rc::new(key_value), Reply::Empty))
}

fn destroy(key_value: &Rc<KeyValue>) -> Work {
    key_value.deleted();
    Work::none()
}

impl Instance for KeyValue {
    fn metadata() -> &'static Metadata<KeyValue> {
        &METADATA
    }

    fn interp(&self) -> &Interp {
        &self.interp
    }

    fn deleted(&self) {
        self.jet_stream.children.release(&self.namespace);
    }
}

/// A list of patterns of keys, at least one.
fn patterns(interp: &Interp, list: &Obj) -> Result<Vec<String>> {
    let patterns = list.elements(interp)?;
    if patterns.is_empty() {
        return Err(invalid("List of key patterns is required"));
    }
    Ok(patterns
        .iter()
        .map(|pattern| pattern.to_text().into_owned())
        .collect())
}
