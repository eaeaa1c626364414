//! The methods of `nats::jet_stream` about whole buckets.

use std::rc::Rc;

use serde_json::Value;

use super::bucket_config::{Extra, changes, new_stream, options};
use super::failure;
use super::origins::{mirror, sources};
use crate::commands::jet_stream::JetStream;
use crate::commands::json;
use crate::commands::options::{Kind, gives, invalid, spec};
use crate::kv::buckets::{self, Config};
use crate::kv::error::KvError;
use crate::kv::names::{STREAM_PREFIX, is_bucket, stream_of};
use crate::tcl::class::Method;
use crate::tcl::{Call, Obj, Reply, Result};

/// Those in capitals return the configuration of a stream as JSON, for the scripts that make
/// objects of it.
pub static METHODS: &[Method<JetStream>] = &[
    Method::private(c"BindBucket", bind),
    Method::private(c"CreateAggregate", create_aggregate),
    Method::private(c"CreateBucket", create),
    Method::public(c"create_kv_mirror", create_mirror),
    Method::public(c"delete_kv_bucket", delete),
    Method::public(c"empty_kv_bucket", empty),
    Method::public(c"kv_buckets", names),
    Method::public(c"update_kv_bucket", update),
];

fn bind(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [bucket] = call.args() else {
        return Err(call.wrong_args(c"bucket"));
    };
    let bucket = bucket_name(bucket)?;
    jet_stream.start(|context| buckets::bind(context, bucket), settle_config)
}

fn create(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [bucket, words @ ..] = call.args() else {
        return Err(call.wrong_args(c"bucket ?option value ...?"));
    };
    let bucket = bucket_name(bucket)?;
    let mut given = options(call.interp, words)?;
    let (name, domain) = (given.take("mirror_name"), given.take("mirror_domain"));
    let extra = match name {
        None => vec![subjects(&bucket)],
        Some(name) => mirror_fields(named_mirror(&name, domain.as_ref())),
    };
    let config = new_stream(call.interp, &stream_of(&bucket), given, extra)?;
    make(jet_stream, config)
}

fn create_aggregate(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [bucket, writable, origins, words @ ..] = call.args() else {
        return Err(call.wrong_args(c"bucket writable origins ?option value ...?"));
    };
    let origins = origins.elements(call.interp)?;
    if origins.is_empty() {
        return Err(invalid("List of KV origins is required"));
    }
    let Ok(word) = spec("writable", Kind::Bool).check(writable) else {
        return Err(invalid(format!(
            "writable = {} is not a boolean",
            writable.to_text()
        )));
    };
    refuse_mirror_options(words)?;
    let bucket = bucket_name(bucket)?;
    let mut extra = vec![("sources", sources(call.interp, &origins, &bucket)?)];
    if word.modified_utf8() == b"true" {
        extra.push(subjects(&bucket));
    }
    let given = options(call.interp, words)?;
    make(
        jet_stream,
        new_stream(call.interp, &stream_of(&bucket), given, extra)?,
    )
}

fn create_mirror(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [name, origin, words @ ..] = call.args() else {
        return Err(call.wrong_args(c"name origin ?option value ...?"));
    };
    refuse_mirror_options(words)?;
    let name = bucket_name(name)?;
    if name.starts_with(STREAM_PREFIX) {
        return Err(invalid(format!(
            "Mirror name must not be {}",
            STREAM_PREFIX.trim_end_matches('_')
        )));
    }
    let extra = mirror_fields(mirror(call.interp, origin)?);
    let config = new_stream(call.interp, &name, options(call.interp, words)?, extra)?;
    let make = |context| buckets::create(context, config);
    jet_stream.start(make, |made| made.map(|_| Obj::empty()).map_err(failure::to_tcl))
}

fn update(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [bucket, words @ ..] = call.args() else {
        return Err(call.wrong_args(c"bucket ?option value ...?"));
    };
    let bucket = bucket_name(bucket)?;
    refuse_mirror_options(words)?;
    let changes = changes(call.interp, &options(call.interp, words)?)?;
    let make = |context| buckets::update(context, bucket, changes);
    jet_stream.start(make, |done| done.map(|()| Obj::empty()).map_err(failure::to_tcl))
}

fn delete(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let bucket = only_bucket(call)?;
    jet_stream.start(|context| buckets::delete(context, bucket), settle_value)
}

fn empty(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let bucket = only_bucket(call)?;
    jet_stream.start(|context| buckets::empty(context, bucket), settle_value)
}

fn names(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    call.no_args()?;
    jet_stream.start(buckets::names, |names| {
        let names = names.map_err(failure::to_tcl)?;
        let names: Vec<Obj> = names.iter().map(|name| Obj::text(name)).collect();
        Ok(Obj::list(&names))
    })
}

fn make(jet_stream: &Rc<JetStream>, config: Config) -> Result<Reply> {
    jet_stream.start(|context| buckets::create(context, config), settle_config)
}

fn settle_config(config: std::result::Result<Config, KvError>) -> Result<Obj> {
    let config = config.map_err(failure::to_tcl)?;
    Ok(Obj::text(&Value::Object(config).to_string()))
}

fn settle_value(value: std::result::Result<Value, KvError>) -> Result<Obj> {
    Ok(json::to_tcl(&value.map_err(failure::to_tcl)?))
}

fn only_bucket(call: &Call) -> Result<String> {
    match call.args() {
        [bucket] => bucket_name(bucket),
        _ => Err(call.wrong_args(c"bucket")),
    }
}

fn bucket_name(name: &Obj) -> Result<String> {
    let name = name.to_text();
    if !is_bucket(&name) {
        return Err(invalid(format!("Invalid bucket name {name}")));
    }
    Ok(name.into_owned())
}

/// Only the names of options count, not their values.
fn refuse_mirror_options(words: &[Obj]) -> Result {
    if gives(words, "mirror_name") || gives(words, "mirror_domain") {
        return Err(invalid("-mirror_name and -mirror_domain are not allowed"));
    }
    Ok(())
}

/// The subjects of a bucket that takes writes itself.
fn subjects(bucket: &str) -> (&'static str, Obj) {
    ("subjects", Obj::list(&[Obj::text(&format!("$KV.{bucket}.>"))]))
}

fn mirror_fields(mirror: Obj) -> Extra<'static> {
    vec![("mirror", mirror), ("mirror_direct", Obj::text("true"))]
}

/// What the deprecated options mean.
fn named_mirror(bucket: &Obj, domain: Option<&Obj>) -> Obj {
    let mut fields = vec![("name", json::string(&stream_of(&bucket.to_text())))];
    if let Some(domain) = domain {
        let api = json::string(&format!("$JS.{}.API", domain.to_text()));
        fields.push(("external", json::object([("api", api)])));
    }
    Obj::text(&json::object(fields))
}
