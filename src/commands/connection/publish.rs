//! `publish` and `publish_msg`, and the checks that every message to be sent passes.

use std::borrow::Cow;
use std::rc::Rc;

use bytes::BytesMut;

use super::{Connection, not_connected};
use crate::client::Client;
use crate::client::error::PublishError;
use crate::client::status::Status;
use crate::commands::message::{encode_header, encode_payload};
use crate::commands::options::{Kind, Spec, invalid, parse, spec};
use crate::protocol::subject::{SubjectError, check_publish, check_reply, is_plain};
use crate::tcl::{Call, Error, Interp, Obj, Reply, Result};

const OPTIONS: &[Spec] = &[
    spec("header", Kind::Dict),
    spec("reply", Kind::Str),
    spec("check_subj", Kind::Bool),
];

/// A message as a script gave it.
pub struct Draft<'a> {
    pub subject: &'a Obj,
    pub payload: &'a Obj,
    pub reply: Option<&'a Obj>,
    pub header: Option<&'a Obj>,
    pub check_subject: bool,
}

/// A message as the wire wants it.
pub struct Outgoing<'a> {
    pub subject: Cow<'a, [u8]>,
    pub payload: Cow<'a, [u8]>,
    pub reply: Cow<'a, [u8]>,
    pub header: Option<BytesMut>,
}

pub fn publish(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    let (subject, payload, rest) = match call.args() {
        [subject, payload, rest @ ..] => (subject, payload, rest),
        _ => return Err(call.wrong_args(c"subject message ?args?")),
    };
    let mut draft = Draft {
        subject,
        payload,
        reply: None,
        header: None,
        check_subject: true,
    };
    let values;
    match rest {
        [] => {}
        // The positional reply of old scripts.
        [reply] => {
            if matches!(reply.modified_utf8(), b"-reply" | b"-header" | b"-check_subj") {
                return Err(invalid(format!("Missing value for option {}", reply.to_text())));
            }
            draft.reply = Some(reply);
        }
        pairs => {
            values = parse(pairs, OPTIONS)?;
            draft.reply = values.get("reply");
            draft.header = values.get("header");
            draft.check_subject = values.bool("check_subj").unwrap_or(true);
        }
    }
    connection.send(&draft)
}

pub fn publish_msg(connection: &Rc<Connection>, call: &Call) -> Result<Reply> {
    let [message] = call.args() else {
        return Err(call.wrong_args(c"msg"));
    };
    let fields = Fields::of(&connection.interp, message)?;
    connection.send(&Draft {
        reply: Some(&fields.reply),
        ..fields.draft()
    })
}

/// The fields of a message dict that a script wants sent.
pub struct Fields {
    pub subject: Obj,
    pub payload: Obj,
    pub header: Obj,
    pub reply: Obj,
}

impl Fields {
    pub fn of(interp: &Interp, message: &Obj) -> Result<Fields> {
        let field = |name: &str| message.expect(interp, &Obj::text(name));
        Ok(Fields {
            subject: field("subject")?,
            payload: field("data")?,
            header: field("header")?,
            reply: field("reply")?,
        })
    }

    /// The message without its reply subject.
    pub fn draft(&self) -> Draft<'_> {
        Draft {
            subject: &self.subject,
            payload: &self.payload,
            reply: None,
            header: Some(&self.header),
            check_subject: true,
        }
    }
}

impl Connection {
    /// The reply subject of a message dict.
    pub fn reply_of(&self, message: &Obj) -> Result<Obj> {
        self.keys.reply_of(&self.interp, message)
    }

    /// Publishes a message.
    pub fn send(&self, draft: &Draft) -> Result<Reply> {
        let message = self.check(draft)?;
        // Most find room at once, and need no handle of their own: a wait may run handlers, which
        // may end this life.
        let sent = match &*self.life.borrow() {
            Some(client) => message.publish_if_room(client),
            None => return Err(not_connected()),
        };
        match sent {
            Ok(true) => Ok(Reply::Empty),
            Ok(false) => self.send_with_room(&message),
            Err(error) => Err(refused(error)),
        }
    }

    #[cold]
    fn send_with_room(&self, message: &Outgoing) -> Result<Reply> {
        let header = message.header.as_deref();
        let mut interruption = None;
        let mut keep_waiting = || {
            interruption = self.interp.interruption().err();
            interruption.is_none()
        };
        let outcome = self.client()?.publish(
            &message.subject,
            &message.reply,
            header,
            &message.payload,
            &mut keep_waiting,
        );
        match outcome {
            Ok(()) => Ok(Reply::Empty),
            Err(error) => Err(interruption.unwrap_or_else(|| refused(error))),
        }
    }

    /// Checks in the contract's order: status, size, header support, subject, reply.
    #[inline]
    pub fn check<'a>(&self, draft: &Draft<'a>) -> Result<Outgoing<'a>> {
        if self.status.get() == Status::Closed {
            return Err(not_connected());
        }
        let header = match draft.header {
            Some(header) => encode_header(&self.interp, header)?,
            None => None,
        };
        let payload = encode_payload(draft.payload, self.utf8.get())?;
        let limits = self.server_info.borrow().limits;
        if let Some(limits) = limits {
            let size = payload.len() + header.as_ref().map_or(0, |header| header.len());
            if let Some(max) = limits.max_payload.filter(|max| size > *max) {
                return Err(max_payload(max));
            }
            if header.is_some() && !limits.headers {
                return Err(headers_not_supported());
            }
        }
        let strict = self.check_subjects.get();
        let subject = wire(draft.subject, |text| {
            check_publish(text, strict && draft.check_subject)
        })?;
        let reply = match draft.reply {
            Some(reply) => wire(reply, |text| check_reply(text, strict))?,
            None => Cow::Borrowed(&[][..]),
        };
        Ok(Outgoing {
            subject,
            payload,
            reply,
            header,
        })
    }
}

impl Outgoing<'_> {
    /// Whether there was room for it.
    #[inline]
    fn publish_if_room(&self, client: &Client) -> std::result::Result<bool, PublishError> {
        client.publish_if_room(&self.subject, &self.reply, self.header.as_deref(), &self.payload)
    }
}

/// The bytes of a subject that passes its check.
#[inline]
pub fn wire<'a>(
    value: &'a Obj,
    check: impl for<'t> FnOnce(&'t str) -> std::result::Result<Cow<'t, [u8]>, SubjectError>,
) -> Result<Cow<'a, [u8]>> {
    match value.modified_utf8() {
        plain if is_plain(plain) => Ok(Cow::Borrowed(plain)),
        _ => checked(value, check),
    }
}

/// The bytes of a subject or queue that passes its check, whatever its characters.
pub fn checked<'a>(
    value: &'a Obj,
    check: impl for<'t> FnOnce(&'t str) -> std::result::Result<Cow<'t, [u8]>, SubjectError>,
) -> Result<Cow<'a, [u8]>> {
    let complain = |error: SubjectError| Error::nats(error.code(), error.to_string());
    match value.to_text() {
        Cow::Borrowed(text) => check(text).map_err(complain),
        Cow::Owned(text) => check(&text)
            .map(|bytes| Cow::Owned(bytes.into_owned()))
            .map_err(complain),
    }
}

/// The message is larger than `max` bytes, header block included.
pub fn max_payload(max: usize) -> Error {
    Error::nats("ErrMaxPayload", format!("Maximum size of NATS message is {max}"))
}

pub fn headers_not_supported() -> Error {
    Error::nats(
        "ErrHeadersNotSupported",
        "Headers are not supported by this server",
    )
}

/// Why the engine did not take a message.
pub fn refused(error: PublishError) -> Error {
    match error {
        PublishError::ReconnectBufExceeded => Error::nats(
            "ErrReconnectBufExceeded",
            "the buffer for unsent messages is full: the server does not take them \
             (option -reconnect_buf_size is its bound)",
        ),
        PublishError::Interrupted => Error::nats(
            "ErrInterrupted",
            "the wait for room in the buffer of unsent messages was interrupted",
        ),
        PublishError::Closed => not_connected(),
    }
}
