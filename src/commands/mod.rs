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
use crate::tcl::{Interp, Result, hooks};

/// What `tcl/` holds is part of the library, so that the package is a single file.
const SCRIPT: &str = include_str!("../../tcl/nats.tcl");

/// Defines the package in an interpreter.
pub fn define(interp: &Interp) -> Result {
    hooks::at_exit(runtime::shutdown);
    interp.eval_script(SCRIPT)?;
    connection::define(interp)?;
    interp.provide(c"nats", c"3.3.0")
}
