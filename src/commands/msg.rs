//! The ensemble `nats::msg`: messages as dicts. Its mutator `set` is in `tcl/msg.tcl`.

use super::header;
use super::options::{Kind, Spec, invalid, parse, spec};
use crate::tcl::{Call, Command, Interp, Obj, Reply, Result};

pub static COMMANDS: [Command; 9] = [
    Command::new(c"::nats::msg::create", create),
    Command::new(c"::nats::msg::data", data),
    Command::new(c"::nats::msg::flow_control", flow_control),
    Command::new(c"::nats::msg::idle_heartbeat", idle_heartbeat),
    Command::new(c"::nats::msg::no_responders", no_responders),
    Command::new(c"::nats::msg::reply", reply),
    Command::new(c"::nats::msg::seq", seq),
    Command::new(c"::nats::msg::subject", subject),
    Command::new(c"::nats::msg::timestamp", timestamp),
];

const CREATE_OPTIONS: &[Spec] = &[spec("data", Kind::Str), spec("reply", Kind::Str)];

fn create(call: &Call) -> Result<Reply> {
    let Some((subject, options)) = call.args().split_first() else {
        return Err(call.wrong_args(c"subject ?-data data? ?-reply reply?"));
    };
    let values = parse(options, CREATE_OPTIONS)?;
    let given = |name| values.get(name).cloned().unwrap_or_else(Obj::empty);
    Ok(Reply::Value(Obj::dict([
        (&Obj::text("header"), Obj::empty()),
        (&Obj::text("data"), given("data")),
        (&Obj::text("subject"), subject.clone()),
        (&Obj::text("reply"), given("reply")),
        (&Obj::text("sub_id"), Obj::empty()),
    ])))
}

fn data(call: &Call) -> Result<Reply> {
    field(call, "data")
}

fn subject(call: &Call) -> Result<Reply> {
    field(call, "subject")
}

fn reply(call: &Call) -> Result<Reply> {
    field(call, "reply")
}

fn field(call: &Call, key: &str) -> Result<Reply> {
    let value = message(call)?.expect(call.interp, &Obj::text(key))?;
    Ok(Reply::Value(value))
}

fn seq(call: &Call) -> Result<Reply> {
    stored(call, "seq", "seq")
}

fn timestamp(call: &Call) -> Result<Reply> {
    stored(call, "time", "timestamp")
}

/// A field that only messages out of a stream have.
fn stored(call: &Call, key: &str, name: &str) -> Result<Reply> {
    match message(call)?.get(call.interp, &Obj::text(key))? {
        Some(value) => Ok(Reply::Value(value)),
        None => Err(invalid(format!("Invalid field '{name}'"))),
    }
}

fn no_responders(call: &Call) -> Result<Reply> {
    let unanswered = has(call.interp, message(call)?, "Status", |status| status == b"503")?;
    Ok(truth(unanswered))
}

fn idle_heartbeat(call: &Call) -> Result<Reply> {
    control(call, b"Idle")
}

fn flow_control(call: &Call) -> Result<Reply> {
    control(call, b"Flow")
}

/// Whether the message is an empty one of status 100 whose description begins like this.
fn control(call: &Call, beginning: &[u8]) -> Result<Reply> {
    let (interp, message) = (call.interp, message(call)?);
    let data = message.expect(interp, &Obj::text("data"))?;
    Ok(truth(
        data.modified_utf8().is_empty()
            && has(interp, message, "Status", |status| status == b"100")?
            && has(interp, message, "Description", |text| text.starts_with(beginning))?,
    ))
}

/// Whether the header has the key, with a first value that fits.
fn has(interp: &Interp, message: &Obj, key: &str, fits: impl FnOnce(&[u8]) -> bool) -> Result<bool> {
    let value = header::first_of(interp, message, &Obj::text(key))?;
    Ok(value.is_some_and(|value| fits(value.modified_utf8())))
}

fn message<'a>(call: &Call<'a>) -> Result<&'a Obj> {
    match call.args() {
        [message] => Ok(message),
        _ => Err(call.wrong_args(c"msg")),
    }
}

fn truth(value: bool) -> Reply {
    Reply::Value(Obj::int(u64::from(value)))
}
