//! Times as text: what servers send, and what `nats::msec_to_isotime` makes.

use super::options::invalid;
use crate::protocol::time;
use crate::tcl::{Call, Obj, Reply, Result};

/// `nats::isotime_to_msec iso`: the time in milliseconds since the epoch, rounded to the nearest.
pub fn isotime_to_msec(call: &Call) -> Result<Reply> {
    let [time] = call.args() else {
        return Err(call.wrong_args(c"iso"));
    };
    let text = time.to_text();
    match time::parse(&text) {
        Some(time) => Ok(Reply::Value(Obj::signed(time.rounded_ms()))),
        None => Err(invalid(format!("Invalid time {text}"))),
    }
}
