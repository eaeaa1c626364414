//! The ensemble `nats::header`: what a message says about itself. Its mutators and `keys` are in
//! `tcl/header.tcl`.

use crate::tcl::{Call, Command, Interp, Obj, Reply, Result};

pub static COMMANDS: [Command; 3] = [
    Command::new(c"::nats::header::get", get),
    Command::new(c"::nats::header::lookup", lookup),
    Command::new(c"::nats::header::values", values),
];

fn get(call: &Call) -> Result<Reply> {
    let [message, key] = call.args() else {
        return Err(call.wrong_args(c"msg key"));
    };
    let values = of(call.interp, message)?.expect(call.interp, key)?;
    Ok(Reply::Value(first(call.interp, &values)?))
}

fn values(call: &Call) -> Result<Reply> {
    let [message, key] = call.args() else {
        return Err(call.wrong_args(c"msg key"));
    };
    let values = of(call.interp, message)?.expect(call.interp, key)?;
    Ok(Reply::Value(values))
}

fn lookup(call: &Call) -> Result<Reply> {
    let [message, key, default] = call.args() else {
        return Err(call.wrong_args(c"msg key default"));
    };
    let value = first_of(call.interp, message, key)?;
    Ok(Reply::Value(value.unwrap_or_else(|| default.clone())))
}

/// The first value of a key in the header of a message dict; `None` if the key is missing.
///
/// # Errors
/// Tcl's own about values that are no dict or list, or a message without `header`.
pub fn first_of(interp: &Interp, message: &Obj, key: &Obj) -> Result<Option<Obj>> {
    match of(interp, message)?.get(interp, key)? {
        Some(values) => first(interp, &values).map(Some),
        None => Ok(None),
    }
}

fn of(interp: &Interp, message: &Obj) -> Result<Obj> {
    message.expect(interp, &Obj::text("header"))
}

/// The first element of a list, empty if there is none.
fn first(interp: &Interp, values: &Obj) -> Result<Obj> {
    let first = values.elements(interp)?.into_iter().next();
    Ok(first.unwrap_or_else(Obj::empty))
}
