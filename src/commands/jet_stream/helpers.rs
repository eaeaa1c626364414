//! The commands `nats::make_…`, which write parts of configurations as JSON, and `nats::metadata`.

use super::fields::{Field, Kind, Rules, field, parse};
use super::stream_config::{EXTERNAL, REPUBLISH, SOURCE, TRANSFORM};
use crate::commands::json;
use crate::jetstream::metadata::Metadata;
use crate::tcl::{Call, Command, Error, Obj, Reply, Result};

pub static COMMANDS: [Command; 4] = [
    Command::new(c"::nats::make_republish", make_republish),
    Command::new(c"::nats::make_stream_source", make_stream_source),
    Command::new(c"::nats::make_subject_transform", make_subject_transform),
    Command::new(c"::nats::metadata", metadata),
];

/// The options `api` and `deliver` stand for the object `external`.
pub const MAKE_STREAM_SOURCE: &[Field] = &[
    field("name", Kind::ValidStr, SOURCE[0].about).required(),
    SOURCE[1],
    SOURCE[2],
    SOURCE[3],
    SOURCE[4],
    SOURCE[5],
    field("api", Kind::ValidStr, EXTERNAL[0].about),
    field("deliver", Kind::ValidStr, EXTERNAL[1].about),
];

pub const MAKE_SUBJECT_TRANSFORM: &[Field] = &[
    field("src", Kind::ValidStr, TRANSFORM[0].about).required(),
    field("dest", Kind::ValidStr, TRANSFORM[1].about).required(),
];

pub const MAKE_REPUBLISH: &[Field] = &[
    field("src", Kind::ValidStr, REPUBLISH[0].about).required(),
    field("dest", Kind::ValidStr, REPUBLISH[1].about).required(),
    REPUBLISH[2].or("false"),
];

fn make_stream_source(call: &Call) -> Result<Reply> {
    let mut given = parse(call.args(), &[], MAKE_STREAM_SOURCE, Rules::Strict)?;
    let (api, deliver) = (given.take("api"), given.take("deliver"));
    if let Some(api) = api {
        let parts = [("api", Some(api)), ("deliver", deliver)];
        let parts = parts
            .iter()
            .filter_map(|(name, value)| Some((*name, json::string(&value.as_ref()?.to_text()))));
        given.set("external", Obj::text(&json::object(parts)));
    }
    Ok(Reply::Value(Obj::text(&given.json(call.interp)?)))
}

fn make_subject_transform(call: &Call) -> Result<Reply> {
    make(call, MAKE_SUBJECT_TRANSFORM)
}

fn make_republish(call: &Call) -> Result<Reply> {
    make(call, MAKE_REPUBLISH)
}

fn make(call: &Call, fields: &'static [Field]) -> Result<Reply> {
    let given = parse(call.args(), &[], fields, Rules::Lenient)?;
    Ok(Reply::Value(Obj::text(&given.json(call.interp)?)))
}

/// `nats::metadata msg`
fn metadata(call: &Call) -> Result<Reply> {
    let [message] = call.args() else {
        return Err(call.wrong_args(c"msg"));
    };
    let reply = message.expect(call.interp, &Obj::text("reply"))?;
    let wire = reply.to_bytes();
    let Some(found) = wire.as_deref().and_then(Metadata::parse) else {
        let subject = message.expect(call.interp, &Obj::text("subject"))?;
        let text = format!(
            "Message with subject {} is not a JetStream message",
            subject.to_text()
        );
        return Err(Error::nats("ErrNotJSMessage", text));
    };
    let milliseconds = match found.timestamp {
        nanoseconds @ 1.. => nanoseconds / 1_000_000,
        other => other,
    };
    Ok(Reply::Value(Obj::record(&[
        ("stream", Obj::latin1(found.stream)),
        ("consumer", Obj::latin1(found.consumer)),
        ("num_delivered", Obj::int(found.num_delivered)),
        ("stream_seq", Obj::int(found.stream_seq)),
        ("consumer_seq", Obj::int(found.consumer_seq)),
        ("timestamp", Obj::signed(milliseconds)),
        ("num_pending", Obj::int(found.num_pending)),
    ])))
}
