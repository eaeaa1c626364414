//! The NATS client protocol without I/O: bytes in, operations out, and the other way round.
//!
//! Nothing here knows of sockets, time or Tcl. "More bytes are needed" is a value; an error means
//! that the peer, or the caller, broke a rule. No length that a peer announces is ever reserved:
//! memory grows by bytes received.
//!
//! | Module | Holds |
//! |---|---|
//! | [`parser`](Parser) | the operations of a server, taken one by one off a read buffer |
//! | [`message`](Message) | one message: its frame and where the parts lie in it |
//! | [`header`](Headers) | header blocks, both ways |
//! | [`encode`] | the operations of a client, appended to a write buffer |
//! | [`info`](ServerInfo), [`connect`](Connect) | the two JSON objects of the handshake |
//! | [`nkey`](Seed), [`armour`](Armour) | keys for the login, and the files that hold them |
//! | [`json_memory`] | what JSON from a server counts against bounds |
//! | [`server_error`](ServerError) | what a `-ERR` means |
//! | [`subject`] | which subjects and queue names are allowed, and their bytes on the wire |
//! | [`time`] | the times in what servers say of messages and streams |
//! | [`error`](ProtocolError) | how a server can break the protocol |

mod armour;
mod connect;
pub mod encode;
mod error;
mod header;
mod info;
mod json_memory;
mod message;
mod nkey;
mod parser;
mod server_error;
pub mod subject;
pub mod time;

pub use armour::Armour;
pub use connect::{Connect, Credentials};
pub use error::{ProtocolError, UnknownHeaderVersion};
pub use header::{HeaderError, Headers};
pub use info::ServerInfo;
pub use json_memory::json_memory;
pub use message::Message;
pub use nkey::{SIGNATURE_LEN, Seed, SeedError};
pub use parser::{MAX_CONTROL_LINE, MAX_INCOMING, MAX_INFO, Parser, ServerOp};
pub use server_error::ServerError;
pub use subject::SubjectError;
