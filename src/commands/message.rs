//! Messages on their way between scripts and the wire.

use std::borrow::Cow;
use std::cell::RefCell;

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
    /// Most messages have no header or no reply subject: they share these values.
    no_header: Obj,
    no_reply: Obj,
    subjects: Recent,
    header_keys: Recent,
    /// The ID of the subscription that got the message before.
    latest_id: RefCell<Option<(u64, Obj)>>,
}

/// Short values of the message before, by their place in it. In a flow most come again, and sharing
/// one costs less than making it.
#[derive(Default)]
struct Recent(RefCell<Vec<Obj>>);

/// Values beyond this place, or longer, are made anew each time.
const RECENT_PLACES: usize = 16;
const RECENT_LENGTH: usize = 128;

impl Recent {
    /// The value of bytes from the wire.
    fn latin1(&self, place: usize, bytes: &[u8]) -> Obj {
        if place >= RECENT_PLACES || bytes.len() > RECENT_LENGTH || !bytes.is_ascii() {
            return Obj::latin1(bytes);
        }
        let mut values = self.0.borrow_mut();
        if let Some(value) = values.get(place)
            && value.modified_utf8() == bytes
        {
            return value.clone();
        }
        let value = Obj::latin1(bytes);
        values.truncate(place);
        values.push(value.clone());
        value
    }
}

impl Keys {
    pub fn new() -> Keys {
        Keys {
            header: Obj::text("header"),
            data: Obj::text("data"),
            subject: Obj::text("subject"),
            reply: Obj::text("reply"),
            sub_id: Obj::text("sub_id"),
            no_header: Obj::empty(),
            no_reply: Obj::empty(),
            subjects: Recent::default(),
            header_keys: Recent::default(),
            latest_id: RefCell::default(),
        }
    }

    /// The reply subject of a message dict that a script has, or Tcl's own error for a dict without.
    pub fn reply_of(&self, interp: &Interp, message: &Obj) -> Result<Obj> {
        message.expect(interp, &self.reply)
    }

    /// The subject for answers to a message, empty if there is none.
    pub fn reply_to(&self, message: &Message) -> Obj {
        match message.reply() {
            [] => self.no_reply.clone(),
            reply => Obj::latin1(reply),
        }
    }

    /// The subject that a message was published to.
    pub fn subject(&self, message: &Message) -> Obj {
        self.subjects.latin1(0, message.subject())
    }

    /// A message as a dict with the keys `header data subject reply sub_id`.
    pub fn dict(&self, message: &Message, utf8: bool) -> Obj {
        Obj::dict([
            (&self.header, self.header_dict(message)),
            (&self.data, payload(message, utf8)),
            (&self.subject, self.subject(message)),
            (&self.reply, self.reply_to(message)),
            (&self.sub_id, self.subscription_id(message.sid())),
        ])
    }

    fn subscription_id(&self, sid: u64) -> Obj {
        if let Some((latest, id)) = &*self.latest_id.borrow()
            && *latest == sid
        {
            return id.clone();
        }
        let id = Obj::int(sid);
        self.latest_id.replace(Some((sid, id.clone())));
        id
    }

    /// A block of an unknown version counts as empty.
    fn header_dict(&self, message: &Message) -> Obj {
        match message.header().and_then(|block| Headers::parse(block).ok()) {
            Some(headers) => header_value(headers.iter(), |place, key| self.header_keys.latin1(place, key)),
            None => self.no_header.clone(),
        }
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
        ("header", header_value(fields, |_, key| Obj::latin1(key))),
        ("data", payload_value(&message.payload, utf8)),
        ("subject", Obj::latin1(&message.subject)),
        ("reply", Obj::empty()),
        ("sub_id", Obj::empty()),
        ("seq", Obj::text(&message.seq)),
        ("time", Obj::text(&message.time)),
    ])
}

/// A dict of keys with lists of values; `key` makes the value of a key at a place.
fn header_value<'a, V: Iterator<Item = &'a [u8]>>(
    fields: impl Iterator<Item = (&'a [u8], V)>,
    key: impl Fn(usize, &[u8]) -> Obj,
) -> Obj {
    Obj::dict(fields.enumerate().map(|(place, (name, values))| {
        let values: Vec<Obj> = values.map(Obj::latin1).collect();
        (key(place, name), Obj::list(&values))
    }))
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
