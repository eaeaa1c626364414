//! Methods about consumers.

use std::rc::Rc;

use serde_json::{Map, Value};

use super::consumer_config::CONSUMER;
use super::fields::{Rules, convert_reply, parse, to_milliseconds};
use super::{JetStream, consumer_name, failure, field_of, stream_name};
use crate::commands::json;
use crate::commands::options::invalid;
use crate::jetstream::Context;
use crate::jetstream::consumers::{Action, ConsumerRequest};
use crate::tcl::{Call, Obj, Reply, Result};

pub fn add_consumer(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [stream, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"stream ?args?"));
    };
    configure(jet_stream, call, Action::Create, stream, &[], options)
}

pub fn update_consumer(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [stream, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"stream ?args?"));
    };
    configure(jet_stream, call, Action::Update, stream, &[], options)
}

pub fn add_pull_consumer(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [stream, consumer, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"stream consumer ?args?"));
    };
    let forced = [("durable_name", consumer)];
    configure(jet_stream, call, Action::Create, stream, &forced, options)
}

pub fn add_push_consumer(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [stream, consumer, subject, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"stream consumer deliver_subject ?args?"));
    };
    let forced = [("durable_name", consumer), ("deliver_subject", subject)];
    configure(jet_stream, call, Action::Create, stream, &forced, options)
}

fn configure(
    jet_stream: &Rc<JetStream>,
    call: &Call,
    action: Action,
    stream: &Obj,
    forced: &[(&str, &Obj)],
    options: &[Obj],
) -> Result<Reply> {
    let stream = stream_name(stream)?;
    let given = parse(options, forced, CONSUMER, Rules::Strict)?;
    let named = |option: &str| given.get(option).map(consumer_name).transpose();
    let (name, durable_name) = (named("name")?, named("durable_name")?);
    // A server names a durable consumer twice, so what it replied is no conflict in an update.
    let same = action == Action::Update && name == durable_name;
    if name.is_some() && durable_name.is_some() && !same {
        return Err(invalid("-name conflicts with -durable_name"));
    }
    let request = ConsumerRequest {
        stream,
        name,
        durable_name,
        filter_subject: given.text("filter_subject"),
        config: given.json(call.interp)?,
        action,
    };
    let make = |context: Context| async move { context.configure_consumer(&request).await };
    jet_stream.start(make, |outcome| Ok(info(outcome.map_err(failure::to_tcl)?.fields)))
}

pub fn add_consumer_from_json(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [stream, consumer, config] = call.args() else {
        return Err(call.wrong_args(c"stream consumer json_config"));
    };
    let (stream, consumer) = (stream_name(stream)?, consumer_name(consumer)?);
    let config = config.to_text();
    serde_json::from_str::<Map<String, Value>>(&config)
        .map_err(|error| invalid(format!("The configuration is no JSON object: {error}")))?;
    let body = json::object([
        ("stream_name", json::string(&stream)),
        ("config", config.into_owned()),
    ]);
    let suffix = format!("CONSUMER.DURABLE.CREATE.{stream}.{consumer}");
    jet_stream.ask(suffix, body, |reply| Ok(Obj::text(&reply.text)))
}

pub fn delete_consumer(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let place = place(call)?;
    let suffix = format!("CONSUMER.DELETE.{place}");
    jet_stream.ask(suffix, String::new(), |reply| field_of(&reply, "success"))
}

pub fn consumer_info(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let suffix = format!("CONSUMER.INFO.{}", place(call)?);
    jet_stream.ask(suffix, String::new(), |reply| Ok(info(reply.fields)))
}

pub fn consumer_names(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    list(jet_stream, call, "CONSUMER.NAMES", |name| json::to_tcl(&name))
}

pub fn consumers(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    list(jet_stream, call, "CONSUMER.LIST", |entry| match entry {
        Value::Object(fields) => info(fields),
        other => json::to_tcl(&other),
    })
}

pub fn pause_consumer(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [stream, consumer, until] = call.args() else {
        return Err(call.wrong_args(c"stream consumer until"));
    };
    let suffix = pause_suffix(stream, consumer)?;
    let body = json::object([("pause_until", json::string(&until.to_text()))]);
    jet_stream.ask(suffix, body, |reply| Ok(info(reply.fields)))
}

pub fn resume_consumer(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [stream, consumer] = call.args() else {
        return Err(call.wrong_args(c"stream consumer"));
    };
    let suffix = pause_suffix(stream, consumer)?;
    jet_stream.ask(suffix, String::new(), |reply| Ok(info(reply.fields)))
}

pub fn unpin_consumer(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [stream, consumer, group] = call.args() else {
        return Err(call.wrong_args(c"stream consumer group"));
    };
    let (stream, consumer) = (stream_name(stream)?, consumer_name(consumer)?);
    let body = json::object([("group", json::string(&group.to_text()))]);
    let suffix = format!("CONSUMER.UNPIN.{stream}.{consumer}");
    jet_stream.ask(suffix, body, |_| Ok(Obj::empty()))
}

/// `<stream>.<consumer>` of a method that takes just these.
fn place(call: &Call) -> Result<String> {
    let [stream, consumer] = call.args() else {
        return Err(call.wrong_args(c"stream consumer"));
    };
    Ok(format!("{}.{}", stream_name(stream)?, consumer_name(consumer)?))
}

fn pause_suffix(stream: &Obj, consumer: &Obj) -> Result<String> {
    let (stream, consumer) = (stream_name(stream)?, consumer_name(consumer)?);
    Ok(format!("CONSUMER.PAUSE.{stream}.{consumer}"))
}

fn list(jet_stream: &Rc<JetStream>, call: &Call, suffix: &str, convert: fn(Value) -> Obj) -> Result<Reply> {
    let [stream] = call.args() else {
        return Err(call.wrong_args(c"stream"));
    };
    let suffix = format!("{suffix}.{}", stream_name(stream)?);
    jet_stream.list(suffix, Map::new(), "consumers", convert)
}

/// What a server tells about a consumer, with its durations in milliseconds.
pub fn info(mut fields: Map<String, Value>) -> Obj {
    if let Some(Value::Object(config)) = fields.get_mut("config") {
        convert_reply(config, CONSUMER);
    }
    if let Some(remaining) = fields.get_mut("pause_remaining") {
        to_milliseconds(remaining);
    }
    json::to_tcl(&Value::Object(fields))
}
