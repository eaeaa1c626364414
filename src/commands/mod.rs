//! The Tcl commands of package `nats`: arguments in, results and callbacks out.
//!
//! One folder or file per class; what several of them share stands beside them:
//!
//! - [`connection`]: the class `nats::connection`;
//! - `options`: name/value options and their checks;
//! - `message`: messages as dicts;
//! - `promise`: results that are waited for.

pub mod connection;
mod message;
mod options;
mod promise;

use crate::client::runtime;
use crate::tcl::{Call, Command, Interp, Obj, Reply, Result, hooks};

/// What `tcl/` holds is part of the library, so that the package is a single file.
const SCRIPT: &str = include_str!("../../tcl/nats.tcl");

const PACKAGE_VERSION: &std::ffi::CStr = c"3.3.0";

static VERSION: Command = Command::new(c"::nats::version", version);

/// Defines the package in an interpreter.
pub fn define(interp: &Interp) -> Result {
    hooks::at_exit(runtime::shutdown);
    interp.eval_script(SCRIPT)?;
    connection::define(interp)?;
    VERSION.define(interp);
    interp.provide(c"nats", PACKAGE_VERSION)
}

fn version(call: &Call) -> Result<Reply> {
    if !call.args().is_empty() {
        return Err(call.wrong_args(c""));
    }
    Ok(Reply::Value(Obj::text(env!("CARGO_PKG_VERSION"))))
}
