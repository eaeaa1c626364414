//! The door to the Tcl C API, and the only place with `unsafe`.
//!
//! Of NATS it knows the first word of error codes, and nothing else. From the bottom up:
//!
//! - [`sys`]: the stub tables, their slots and the layouts that extensions may see;
//! - [`Obj`], [`Interp`], [`Error`]: values, interpreters and errors with safe lifetimes;
//! - [`Work`], [`Wait`]: what a handler wants done or waited for after it has returned;
//! - [`Command`], [`class`]: commands and TclOO classes with native methods;
//! - [`inbox`]: what other threads tell an interpreter's thread;
//! - [`notifier`]: the event source through which other threads reach an interpreter;
//! - [`hooks`]: the end of the process, and forks.
//!
//! Tcl calls us through one entry each for commands, methods, constructors, destructors, events and
//! deletions. Each runs our code guarded against panics, and lets scripts run only after that
//! code has returned (see [`work`]).
#![allow(unsafe_code)]
#![warn(clippy::undocumented_unsafe_blocks)]

mod call;
pub mod class;
mod command;
mod entry;
mod error;
mod guard;
pub mod hooks;
pub(crate) mod inbox;
mod interp;
pub mod notifier;
mod obj;
mod stack;
mod sys;
mod text;
mod wait;
mod work;

pub use call::{Call, Reply};
pub use command::Command;
pub use entry::load;
pub use error::{Error, Result};
pub use interp::Interp;
pub use obj::Obj;
pub use wait::{Gate, Wait};
pub use work::Work;

pub(crate) use entry::package_entry;
