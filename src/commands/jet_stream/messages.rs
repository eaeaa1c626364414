//! Methods about messages that a stream holds.

use std::rc::Rc;

use super::fields::{Field, Kind, Rules, field, parse};
use super::{JetStream, failure, field_of, stream_name};
use crate::commands::message::stored;
use crate::jetstream::Context;
use crate::jetstream::error::JetStreamError;
use crate::jetstream::stored_message::StoredMessage;
use crate::tcl::{Call, Reply, Result};

/// Which message to get.
pub const GET: &[Field] = &[
    field("last_by_subj", Kind::Str, "the last one with this subject"),
    field(
        "next_by_subj",
        Kind::Str,
        "the first one with this subject, or the first from `seq` on",
    ),
    field("seq", Kind::Int, "the one with this sequence"),
];

/// Which message to delete, and how.
pub const DELETE: &[Field] = &[
    field("no_erase", Kind::Bool, "whether its bytes may stay on the disk").or("true"),
    field("seq", Kind::Int, "its sequence").required(),
];

pub fn stream_msg_get(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [stream, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"stream ?args?"));
    };
    let suffix = format!("STREAM.MSG.GET.{}", stream_name(stream)?);
    let body = parse(options, &[], GET, Rules::Lenient)?.json(call.interp)?;
    let utf8 = jet_stream.connection.converts_utf8();
    let subject = format!("{}.{suffix}", jet_stream.prefix);
    jet_stream.ask(suffix, body, move |reply| {
        let message = StoredMessage::from_reply(&reply.fields);
        let message = message.ok_or_else(|| {
            let fault = "it holds no message".to_owned();
            failure::to_tcl(JetStreamError::BadReply { subject, fault })
        })?;
        Ok(stored(&message, utf8))
    })
}

pub fn stream_direct_get(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [stream, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"stream ?args?"));
    };
    let stream = stream_name(stream)?;
    let mut given = parse(options, &[], GET, Rules::Strict)?;
    let (suffix, body) = match given.take("last_by_subj") {
        // In the subject it can be subject to permissions.
        Some(last) => (format!("DIRECT.GET.{stream}.{}", last.to_text()), String::new()),
        None => (format!("DIRECT.GET.{stream}"), given.json(call.interp)?),
    };
    let utf8 = jet_stream.connection.converts_utf8();
    let make = |context: Context| async move {
        let subject = context.subject(&suffix);
        context.log_request(&subject, &body);
        let reply = context.call(&subject, None, body.as_bytes()).await;
        (context, subject, reply)
    };
    jet_stream.start(make, move |(context, subject, reply)| {
        let message = reply.and_then(|reply| StoredMessage::from_direct(&reply));
        let message = stored(&message.map_err(failure::to_tcl)?, utf8);
        context.log_reply(&subject, || message.to_text().into_owned());
        Ok(message)
    })
}

pub fn stream_msg_delete(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [stream, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"stream -seq seq ?-no_erase bool?"));
    };
    let suffix = format!("STREAM.MSG.DELETE.{}", stream_name(stream)?);
    let body = parse(options, &[], DELETE, Rules::Lenient)?.json(call.interp)?;
    jet_stream.ask(suffix, body, |reply| field_of(&reply, "success"))
}
