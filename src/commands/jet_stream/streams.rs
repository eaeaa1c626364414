//! Methods about streams.

use std::rc::Rc;

use serde_json::{Map, Value};

use super::fields::{Field, Kind, Rules, convert_reply, field, parse};
use super::stream_config::STREAM;
use super::{JetStream, field_of, stream_name};
use crate::commands::json;
use crate::commands::options::invalid;
use crate::jetstream::names::is_safe;
use crate::tcl::{Call, Obj, Reply, Result};

/// What to purge, all of it if nothing is given.
pub const PURGE: &[Field] = &[
    field("filter", Kind::ValidStr, "subjects of the messages that go"),
    field("keep", Kind::PosInt, "how many of the newest messages stay"),
    field("seq", Kind::PosInt, "the first sequence that stays"),
];

/// Which streams to list.
pub const FILTER: &[Field] = &[field(
    "subject",
    Kind::ValidStr,
    "a subject that the streams take in",
)];

pub fn add_stream(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    configure(jet_stream, call, "STREAM.CREATE")
}

pub fn update_stream(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    configure(jet_stream, call, "STREAM.UPDATE")
}

fn configure(jet_stream: &Rc<JetStream>, call: &Call, suffix: &str) -> Result<Reply> {
    let [stream, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"stream ?args?"));
    };
    let name = stream_name(stream)?;
    let given = parse(options, &[("name", stream)], STREAM, Rules::Lenient)?;
    let config = given.json(call.interp)?;
    jet_stream.ask(format!("{suffix}.{name}"), config, |reply| Ok(info(reply.fields)))
}

pub fn add_stream_from_json(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [config] = call.args() else {
        return Err(call.wrong_args(c"json_config"));
    };
    let config = config.to_text().into_owned();
    let fields: Map<String, Value> = serde_json::from_str(&config)
        .map_err(|error| invalid(format!("The configuration is no JSON object: {error}")))?;
    let name = match fields.get("name") {
        Some(Value::String(name)) => name,
        _ => return Err(invalid("The JSON configuration has no name of a stream")),
    };
    if !is_safe(name) {
        return Err(invalid(format!("Invalid stream name {name}")));
    }
    jet_stream.ask(format!("STREAM.CREATE.{name}"), config, |reply| {
        Ok(Obj::text(&reply.text))
    })
}

pub fn delete_stream(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [stream] = call.args() else {
        return Err(call.wrong_args(c"stream"));
    };
    let suffix = format!("STREAM.DELETE.{}", stream_name(stream)?);
    jet_stream.ask(suffix, String::new(), |reply| field_of(&reply, "success"))
}

pub fn purge_stream(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [stream, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"stream ?args?"));
    };
    let suffix = format!("STREAM.PURGE.{}", stream_name(stream)?);
    let body = parse(options, &[], PURGE, Rules::Strict)?.json(call.interp)?;
    jet_stream.ask(suffix, body, |reply| field_of(&reply, "purged"))
}

pub fn stream_info(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [stream] = call.args() else {
        return Err(call.wrong_args(c"stream"));
    };
    let suffix = format!("STREAM.INFO.{}", stream_name(stream)?);
    jet_stream.ask(suffix, String::new(), |mut reply| {
        // They are about pages of subjects, which nobody asked for.
        for name in ["total", "offset", "limit"] {
            reply.fields.shift_remove(name);
        }
        Ok(info(reply.fields))
    })
}

pub fn stream_names(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    list(jet_stream, call, "STREAM.NAMES", |name| json::to_tcl(&name))
}

pub fn streams(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    list(jet_stream, call, "STREAM.LIST", |entry| match entry {
        Value::Object(fields) => info(fields),
        other => json::to_tcl(&other),
    })
}

fn list(jet_stream: &Rc<JetStream>, call: &Call, suffix: &str, convert: fn(Value) -> Obj) -> Result<Reply> {
    let given = parse(call.args(), &[], FILTER, Rules::Strict)?;
    let subject = given.text("subject");
    let filter = subject.map(|subject| ("subject".to_owned(), subject.into()));
    let filter = filter.into_iter().collect();
    jet_stream.list(suffix.to_owned(), filter, "streams", convert)
}

/// What a server tells about a stream, with its durations in milliseconds.
fn info(mut fields: Map<String, Value>) -> Obj {
    if let Some(Value::Object(config)) = fields.get_mut("config") {
        convert_reply(config, STREAM);
    }
    json::to_tcl(&Value::Object(fields))
}
