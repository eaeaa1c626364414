//! The Tcl package `nats`: a NATS client as a binary extension.
//!
//! Layers, each of which knows only those below it:
//!
//! ```text
//! commands   Tcl classes and ensembles: arguments -> call -> result
//!   tcl        the only door to the Tcl C API, the only `unsafe`; knows no NATS but a word of error codes
//!   mailbox    from the runtime's threads to an interpreter's thread
//!   kv         key-value buckets over jetstream, in async Rust; knows nothing of Tcl
//!   jetstream  streams, consumers and their messages, in async Rust; knows nothing of Tcl
//!   client     connections: servers, sessions, subscriptions, requests; knows nothing of Tcl
//!     protocol   the wire grammar, without I/O
//!   sync       the locks of all of them, which models replace
//! ```
//!
//! A published message goes `commands -> client (outbox) -> socket` in the caller's thread and
//! the writer's; a received one goes `socket -> client -> mailbox -> commands (callback)`.
//! ARCHITECTURE.md tells the whole story.
#![deny(unsafe_code)]

pub mod client;
pub mod commands;
pub mod jetstream;
pub mod kv;
mod mailbox;
pub mod protocol;
mod sync;
mod tcl;

tcl::package_entry!(Nats_Init => crate::commands::define);
