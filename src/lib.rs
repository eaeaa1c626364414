//! The Tcl package `nats`.
#![deny(unsafe_code)]

pub mod client;
pub mod protocol;
