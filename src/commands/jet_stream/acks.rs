//! Answers to messages of a consumer: `ack`, `ack_sync`, `nak`, `in_progress`, `term`.

use std::rc::Rc;

use super::JetStream;
use crate::commands::connection::publish::Draft;
use crate::commands::message;
use crate::commands::options::{Kind, Spec, parse, spec};
use crate::tcl::{Call, Obj, Reply, Result};

const NAK: &[Spec] = &[spec("delay", Kind::Timeout)];
const TERM: &[Spec] = &[spec("reason", Kind::ValidStr)];

pub fn ack(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [message] = call.args() else {
        return Err(call.wrong_args(c"msg"));
    };
    jet_stream.acknowledge(message, "")
}

pub fn ack_sync(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [message] = call.args() else {
        return Err(call.wrong_args(c"msg"));
    };
    let subject = jet_stream.connection.reply_of(message)?;
    let payload = Obj::empty();
    let draft = draft(&subject, &payload);
    let timeout = jet_stream.timeout();
    jet_stream.connection.request_reply(
        &draft,
        |connection, then| connection.request_then(&draft, timeout, false, then),
        |connection, reply| Ok(message::payload(reply, connection.converts_utf8())),
    )
}

pub fn nak(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [message, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"msg ?-delay delay?"));
    };
    let answer = match parse(options, NAK)?.count("delay") {
        None => "-NAK".to_owned(),
        // Nanoseconds, which servers read as a signed number.
        Some(delay) => {
            let delay = delay.saturating_mul(1_000_000).min(i64::MAX as u64);
            format!("-NAK {{\"delay\":{delay}}}")
        }
    };
    jet_stream.acknowledge(message, &answer)
}

pub fn in_progress(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [message] = call.args() else {
        return Err(call.wrong_args(c"msg"));
    };
    jet_stream.acknowledge(message, "+WPI")
}

pub fn term(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [message, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"msg ?-reason reason?"));
    };
    let answer = match parse(options, TERM)?.text("reason") {
        None => "+TERM".to_owned(),
        Some(reason) => format!("+TERM {reason}"),
    };
    jet_stream.acknowledge(message, &answer)
}

impl JetStream {
    /// Publishes the answer to a message. Answers come in flows, and go out together.
    fn acknowledge(&self, message: &Obj, answer: &str) -> Result<Reply> {
        let subject = self.connection.reply_of(message)?;
        self.connection.hold(true);
        // On the wire it is UTF-8 in either case.
        let payload = if self.connection.converts_utf8() {
            Obj::text(answer)
        } else {
            Obj::bytes(answer.as_bytes())
        };
        self.connection.send(&draft(&subject, &payload))
    }
}

fn draft<'a>(subject: &'a Obj, payload: &'a Obj) -> Draft<'a> {
    Draft {
        subject,
        payload,
        reply: None,
        header: None,
        check_subject: true,
    }
}
