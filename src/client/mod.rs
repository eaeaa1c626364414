//! The client engine: one connection's life on the background runtime.
//!
//! The owner holds a [`Client`] and gets [`event::Event`]s; callbacks, option texts and the
//! status that scripts see are the owner's. The engine decides everything on the wire.
//!
//! | Module | Holds |
//! |---|---|
//! | `handle` | the `Client`: what the owner can do |
//! | `event`, `gate` | what the engine tells the owner, and the way there |
//! | `settings`, `status`, `error` | what both sides share |
//! | `runtime` | the threads of the process and their end |
//! | `life`, `course`, `abandon` | from server to server: attempts, sessions, losses, the end |
//! | `url`, `server`, `pool` | which servers there are and which comes next |
//! | `dial`, `proxy`, `http`, `transport` | from an address to an open stream |
//! | `tls`, `websocket` | layers over a stream |
//! | `handshake` | from an open stream to a session |
//! | `identity` | the login, and the proof of it |
//! | `session`, `server_info`, `pauses` | what is read, and when not |
//! | `outbox`, `writer`, `frames` | what is written |
//! | `tables`, with `subscriptions`, `requests`, `pings` | who gets what comes in |
//! | `deadlines`, `clock`, `alarms` | what ends by time |
//! | `background`, `replies`, `task` | what the engine's own operations use |
//! | `close` | the end on request, which loses nothing |
//! | `inbox`, `lock` | reply subjects; the order of locks |

mod abandon;
pub mod alarms;
pub mod background;
mod clock;
mod close;
mod course;
mod deadlines;
mod dial;
pub mod error;
pub mod event;
mod frames;
mod gate;
mod handle;
mod handshake;
mod http;
pub mod identity;
pub mod inbox;
mod life;
pub(crate) mod lock;
#[cfg(all(test, feature = "models"))]
#[path = "../../tests/models/mod.rs"]
pub(crate) mod models;
mod outbox;
pub mod pauses;
mod pings;
pub mod pool;
pub mod proxy;
mod replies;
mod requests;
pub mod runtime;
mod server;
mod server_info;
mod session;
pub mod settings;
pub mod status;
mod subscriptions;
mod tables;
pub mod task;
pub mod tls;
mod transport;
pub mod url;
pub mod websocket;
mod writer;

pub use close::CloseReport;
pub use error::{ConnectionError, PublishError};
pub use event::{Event, EventSink, LogLevel};
pub use handle::Client;
#[cfg(fuzzing)]
pub use http::head;
pub use identity::Identity;
pub use settings::{Options, Settings};
pub use status::Status;
pub use writer::Backlog;
