//! Messages on their way between scripts and the wire.

use std::borrow::Cow;

use bytes::BytesMut;

use super::options::invalid;
use crate::jetstream::stored_message::StoredMessage;
use crate::protocol::{Headers, Message};
use crate::tcl::{Interp, Obj, Result};

/// The keys of message dicts and other values that messages share, made once per connection.
pub struct Keys {
    header: Obj,
    data: Obj,
    subject: Obj,
    reply: Obj,
    sub_id: Obj,
    /// Most messages have no reply subject: they share this value.
    no_reply: Obj,
}

impl Keys {
    pub fn new() -> Keys {
        Keys {
            header: Obj::text("header"),
            data: Obj::text("data"),
            subject: Obj::text("subject"),
            reply: Obj::text("reply"),
            sub_id: Obj::text("sub_id"),
            no_reply: Obj::empty(),
        }
    }

    /// The subject for answers to a message, empty if there is none.
    pub fn reply_to(&self, message: &Message) -> Obj {
        match message.reply() {
            [] => self.no_reply.clone(),
            reply => Obj::latin1(reply),
        }
    }

    /// A message as a dict with the keys `header data subject reply sub_id`.
    pub fn dict(&self, message: &Message, utf8: bool) -> Obj {
        Obj::dict([
            (&self.header, header_dict(message)),
            (&self.data, payload(message, utf8)),
            (&self.subject, Obj::latin1(message.subject())),
            (&self.reply, self.reply_to(message)),
            (&self.sub_id, Obj::int(message.sid())),
        ])
    }
}

/// The payload as a script sees it: bytes, or with `-utf8_convert` text.
pub fn payload(message: &Message, utf8: bool) -> Obj {
    payload_value(message.payload(), utf8)
}

/// Payload bytes as a script sees them.
pub fn payload_value(payload: &[u8], utf8: bool) -> Obj {
    if utf8 {
        Obj::text(&String::from_utf8_lossy(payload))
    } else {
        Obj::bytes(payload)
    }
}

/// A message out of a stream: a dict with the keys `seq` and `time` besides the usual ones.
pub fn stored(message: &StoredMessage, utf8: bool) -> Obj {
    let fields = message.header.iter();
    let fields = fields.map(|(key, values)| (key.as_slice(), values.iter().map(Vec::as_slice)));
    Obj::record(&[
        ("header", header_value(fields)),
        ("data", payload_value(&message.payload, utf8)),
        ("subject", Obj::latin1(&message.subject)),
        ("reply", Obj::empty()),
        ("sub_id", Obj::empty()),
        ("seq", Obj::text(&message.seq)),
        ("time", Obj::text(&message.time)),
    ])
}

/// A dict of keys with lists of values. A block of an unknown version counts as empty.
fn header_dict(message: &Message) -> Obj {
    match message.header().and_then(|block| Headers::parse(block).ok()) {
        Some(headers) => header_value(headers.iter()),
        None => Obj::empty(),
    }
}

fn header_value<'a, V: Iterator<Item = &'a [u8]>>(fields: impl Iterator<Item = (&'a [u8], V)>) -> Obj {
    let fields: Vec<(Obj, Obj)> = fields
        .map(|(key, values)| {
            (
                Obj::latin1(key),
                Obj::list(&values.map(Obj::latin1).collect::<Vec<_>>()),
            )
        })
        .collect();
    Obj::dict(fields.iter().map(|(key, values)| (key, values.clone())))
}

/// A header block from a dict of keys with lists of values; `None` for an empty dict.
pub fn encode_header(interp: &Interp, header: &Obj) -> Result<Option<BytesMut>> {
    let pairs = header.pairs(interp)?;
    if pairs.is_empty() {
        return Ok(None);
    }
    let lists = pairs.iter().map(|(_, values)| values.elements(interp));
    let lists = lists.collect::<Result<Vec<_>>>()?;
    let mut fields = Vec::with_capacity(pairs.len());
    for ((key, _), values) in pairs.iter().zip(&lists) {
        let values = values.iter().map(|value| to_wire(value, "header value"));
        fields.push((to_wire(key, "header key")?, values.collect::<Result<Vec<_>>>()?));
    }
    let mut block = BytesMut::with_capacity(256);
    let fields = fields
        .iter()
        .map(|(key, values)| (key.as_ref(), values.iter().map(AsRef::as_ref)));
    Headers::encode(fields, &mut block).map_err(|error| invalid(error.to_string()))?;
    Ok(Some(block))
}

/// The payload of a message to send.
pub fn encode_payload(payload: &Obj, utf8: bool) -> Result<Cow<'_, [u8]>> {
    if utf8 {
        return Ok(match payload.to_text() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        });
    }
    to_wire(payload, "message")
}

fn to_wire<'a>(value: &'a Obj, what: &str) -> Result<Cow<'a, [u8]>> {
    value.to_bytes().ok_or_else(|| {
        invalid(format!(
            "Invalid {what}: it has a character above U+00FF, which is no byte \
             (encode it, or for payloads set -utf8_convert)"
        ))
    })
}
