//! `publish` and `publish_msg`: messages that a stream is to store, and its answers.

use std::rc::{Rc, Weak};

use super::{JetStream, failure};
use crate::commands::connection::Connection;
use crate::commands::connection::command_request::{Failure, Outcome, Then};
use crate::commands::connection::publish::{Draft, Fields, Outgoing};
use crate::commands::connection::request::Ending;
use crate::commands::connection::subscribe::Callback;
use crate::commands::json;
use crate::commands::options::{Kind, Spec, Values, invalid_value, parse, spec, to_count};
use crate::jetstream::api::read_reply;
use crate::jetstream::error::{ApiError, JetStreamError};
use crate::jetstream::in_flight::Permit;
use crate::jetstream::persistence::{Request, call_persistently};
use crate::protocol::Message;
use crate::tcl::{Call, Obj, Reply, Result};

const OPTIONS: &[Spec] = &[
    spec("timeout", Kind::Timeout),
    spec("callback", Kind::ValidStr),
    spec("stream", Kind::ValidStr),
    spec("msg_id", Kind::ValidStr),
    spec("expected_last_seq", Kind::PosInt),
    spec("expected_last_subject_seq", Kind::PosInt),
    spec("expected_last_msg_id", Kind::ValidStr),
    spec("ttl", Kind::Str),
    spec("retries", Kind::PosInt),
];

/// Options that become headers.
const HEADERS: [(&str, &str); 6] = [
    ("stream", "Nats-Expected-Stream"),
    ("msg_id", "Nats-Msg-Id"),
    ("expected_last_seq", "Nats-Expected-Last-Sequence"),
    ("expected_last_subject_seq", "Nats-Expected-Last-Subject-Sequence"),
    ("expected_last_msg_id", "Nats-Expected-Last-Msg-Id"),
    ("ttl", "Nats-TTL"),
];

/// A message for a stream.
struct Publication {
    subject: Obj,
    payload: Obj,
    header: Option<Obj>,
    /// Milliseconds until the answer, 0 for no limit.
    timeout: u64,
    /// How often it is sent again while no stream listens.
    retries: u64,
}

pub fn publish(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [subject, payload, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"subject message ?args?"));
    };
    let values = parse(options, OPTIONS)?;
    let publication = Publication {
        subject: subject.clone(),
        payload: payload.clone(),
        header: jet_stream.header(None, &values)?,
        timeout: values.count("timeout").unwrap_or_else(|| jet_stream.timeout()),
        retries: values.count("retries").unwrap_or(0),
    };
    jet_stream.send(publication, values.get("callback"))
}

pub fn publish_msg(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [message, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"msg ?args?"));
    };
    let values = parse(options, OPTIONS)?;
    let fields = Fields::of(&jet_stream.interp, message)?;
    let publication = Publication {
        subject: fields.subject.clone(),
        payload: fields.payload.clone(),
        header: jet_stream.header(Some(&fields.header), &values)?,
        timeout: values.count("timeout").unwrap_or_else(|| jet_stream.timeout()),
        retries: values.count("retries").unwrap_or(0),
    };
    let reply = jet_stream.send(publication, values.get("callback"))?;
    Ok(jet_stream.connection.without_reply(&fields, reply))
}

impl JetStream {
    /// The header of a message with what options add to it.
    fn header(&self, given: Option<&Obj>, values: &Values) -> Result<Option<Obj>> {
        let mut fields = None;
        for (option, key) in HEADERS {
            let value = match values.get(option) {
                None => continue,
                Some(ttl) if option == "ttl" => time_to_live(ttl)?,
                Some(value) => match values.count(option) {
                    Some(number) if option.ends_with("seq") => number.to_string(),
                    _ => value.to_text().into_owned(),
                },
            };
            let fields = match &mut fields {
                Some(fields) => fields,
                None => fields.insert(match given {
                    Some(header) => header.pairs(&self.interp)?,
                    None => Vec::new(),
                }),
            };
            fields.retain(|(name, _)| name.modified_utf8() != key.as_bytes());
            fields.push((Obj::text(key), Obj::list(&[Obj::text(&value)])));
        }
        Ok(match fields {
            Some(fields) => Some(Obj::dict(
                fields.iter().map(|(key, values)| (key, values.clone())),
            )),
            None => given.cloned(),
        })
    }

    fn send(self: &Rc<JetStream>, publication: Publication, callback: Option<&Obj>) -> Result<Reply> {
        let connection = &self.connection;
        let Some(callback) = callback else {
            let subject = publication.subject.clone();
            return connection.request_reply(
                &publication.draft(),
                |connection, then| publication.send(connection, false, then),
                move |_, message| match read(&subject, message) {
                    Ok(ack) => Ok(ack),
                    Err(error) => Err(failure::to_tcl(error)),
                },
            );
        };
        let callback = Callback::new(connection, callback);
        let Some(in_flight) = &self.in_flight else {
            let id = self.start_publish(&publication, callback, None)?;
            return Ok(Reply::Value(Obj::int(id)));
        };
        // What cannot be sent fails before the wait, not after it.
        connection.check(&publication.draft())?;
        let sessions = connection.client()?.sessions();
        if let Some(permit) = in_flight.try_enter(&sessions) {
            let id = self.start_publish(&publication, callback, Some(permit))?;
            return Ok(Reply::Value(Obj::int(id)));
        }
        let (in_flight, jet_stream) = (in_flight.clone(), self.clone());
        self.start_while_alive(
            |_| async move { in_flight.enter(sessions).await },
            move |permit| {
                let id = jet_stream.start_publish(&publication, callback, Some(permit))?;
                Ok(Obj::int(id))
            },
        )
    }

    /// Sends a message whose answer goes to a callback as long as this object lives. Returns the
    /// ID of the request.
    fn start_publish(
        self: &Rc<JetStream>,
        publication: &Publication,
        callback: Callback,
        permit: Option<Permit>,
    ) -> Result<u64> {
        let owner: Weak<JetStream> = Rc::downgrade(self);
        let subject = publication.subject.clone();
        let then = move |connection: &Connection, outcome: Outcome| {
            drop(permit);
            owner.upgrade()?;
            let (ack, error) = match outcome {
                Ok(message) => match read(&subject, message) {
                    Ok(ack) => (ack, Obj::empty()),
                    Err(error) => (Obj::empty(), error_dict(error)),
                },
                Err(Failure::Ended(Ending::Disconnect)) => return None,
                Err(_) => {
                    return Some(callback.call(connection, [Obj::int(1), Obj::empty(), Obj::empty()]));
                }
            };
            Some(callback.call(connection, [Obj::int(0), ack, error]))
        };
        publication.send(&self.connection, true, Box::new(then))
    }
}

impl Publication {
    fn draft(&self) -> Draft<'_> {
        Draft {
            subject: &self.subject,
            payload: &self.payload,
            reply: None,
            header: self.header.as_ref(),
            check_subject: true,
        }
    }

    /// Sends it as a request, whose ID is returned.
    fn send(&self, connection: &Connection, cancellable: bool, then: Then) -> Result<u64> {
        let draft = self.draft();
        if self.retries == 0 {
            return connection.request_then(&draft, self.timeout, cancellable, then);
        }
        let make = |client, message: &Outgoing| {
            let request = Request {
                subject: message.subject.to_vec(),
                header: message.header.as_ref().map(|block| block.to_vec()),
                payload: message.payload.to_vec(),
            };
            call_persistently(client, request, self.timeout, self.retries)
        };
        connection.request_by(&draft, make, cancellable, then)
    }
}

/// The stream's answer.
fn read(subject: &Obj, message: &Message) -> std::result::Result<Obj, JetStreamError> {
    let text = String::from_utf8_lossy(message.payload());
    let fields = read_reply(&subject.to_text(), &text)?;
    Ok(json::dict(
        fields.iter().map(|(name, value)| (name.as_str(), value)),
    ))
}

/// An error as callbacks get it.
fn error_dict(error: JetStreamError) -> Obj {
    let error = match error {
        JetStreamError::Api(error) => error,
        other => ApiError::new(0, 0, &other.to_string()),
    };
    let fields = error.details().map(|(name, value)| (name, json::to_tcl(value)));
    let message = ("errorMessage", Obj::text(error.description()));
    Obj::record(&fields.chain([message]).collect::<Vec<_>>())
}

/// The time that a message is kept, as servers read it: in whole seconds, which what is given in
/// milliseconds is rounded up to.
fn time_to_live(ttl: &Obj) -> Result<String> {
    if ttl.modified_utf8() == b"never" {
        return Ok("never".to_owned());
    }
    match to_count(ttl) {
        Some(ms) if ms > 0 => Ok(ms.div_ceil(1000).to_string()),
        _ => Err(invalid_value("pos_int", "ttl", &ttl.to_text())),
    }
}
