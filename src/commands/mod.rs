//! The Tcl commands of package `nats`: arguments in, results and callbacks out.
//!
//! One folder or file per class; what several of them share stands beside them:
//!
//! - [`connection`]: the class `nats::connection`;
//! - `jet_stream`: the class `nats::jet_stream`;
//! - `kv`: the class `nats::key_value`;
//! - `msg`, `header`: the ensembles for messages;
//! - `time`: `isotime_to_msec`;
//! - `advice`: what can be done about the errors that users meet first;
//! - `children`: objects that live no longer than another;
//! - `options`: name/value options and their checks;
//! - `json`: JSON from and to Tcl values;
//! - `message`: messages as dicts;
//! - `promise`: results that are waited for;
//! - `timer`: what is to be done later.

mod advice;
mod children;
pub mod connection;
mod header;
pub mod jet_stream;
mod json;
pub mod kv;
mod message;
mod msg;
mod options;
mod promise;
mod time;
mod timer;

use crate::client::runtime;
use crate::tcl::{Call, Command, Interp, Obj, Reply, Result, hooks};

/// What `tcl/` holds is part of the library, so that the package is a single file.
const SCRIPTS: [&str; 8] = [
    include_str!("../../tcl/nats.tcl"),
    include_str!("../../tcl/files.tcl"),
    include_str!("../../tcl/header.tcl"),
    include_str!("../../tcl/key_value.tcl"),
    include_str!("../../tcl/log.tcl"),
    include_str!("../../tcl/msg.tcl"),
    include_str!("../../tcl/mymethod.tcl"),
    include_str!("../../tcl/time.tcl"),
];

static COMMANDS: [Command; 2] = [
    Command::new(c"::nats::isotime_to_msec", time::isotime_to_msec),
    Command::new(c"::nats::version", version),
];

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Defines the package in an interpreter.
pub fn define(interp: &Interp) -> Result {
    hooks::at_exit(runtime::shutdown);
    for script in SCRIPTS {
        interp.eval_script(script)?;
    }
    connection::define(interp)?;
    jet_stream::define(interp)?;
    kv::define(interp)?;
    for command in COMMANDS
        .iter()
        .chain(&msg::COMMANDS)
        .chain(&header::COMMANDS)
        .chain(jet_stream::COMMANDS)
        .chain(kv::COMMANDS)
    {
        command.define(interp);
    }
    interp.provide("nats", VERSION)
}

fn version(call: &Call) -> Result<Reply> {
    call.no_args()?;
    Ok(Reply::Value(Obj::text(VERSION)))
}
