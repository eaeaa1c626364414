//! What the engine tells its owner, in the order in which it happened.
//!
//! The engine knows nothing of interpreters. It hands [`Event`]s to an [`EventSink`]; the
//! owner implements that trait (for Tcl: the mailbox) and acts on each event in its own thread
//! and time. Everything that one connection's server sent arrives in wire order.

use std::fmt;
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, oneshot};

use super::error::ConnectionError;
use super::identity::{Identity, Signature};
use super::pool::Server;
use super::tls::Material;
use crate::protocol::{Message, ServerInfo};

/// One thing that happened, in the order of the wire.
#[derive(Debug)]
pub enum Event {
    /// A message for the subscription `sid`.
    Message { sid: u64, message: Message },
    /// A reply to the request `id`. `last` says that the engine has forgotten the request.
    Reply { id: u64, message: Message, last: bool },
    /// An operation of ours has put an item into its [`Outlet`](super::background::Outlet).
    Item { operation: u64, weight: usize },
    /// An operation of ours has panicked.
    OperationFailed { operation: u64 },
    /// The deadline of the request `id` passed before its last reply was read.
    RequestTimeout { id: u64 },
    /// The answer to the ping `id`, `rtt` after it was written or queued; everything published
    /// before it reached the server.
    Pong { id: u64, rtt: Duration },
    /// The deadline of the ping `id` passed.
    PingTimeout { id: u64 },
    /// `last_error` changes; `None` clears it.
    LastError(Option<ConnectionError>),
    /// `status` becomes connected: the server at the address `H:P` answered the handshake.
    Connected { server: String },
    /// `status` becomes reconnecting: the connection to `H:P` ended by the error, or because the
    /// owner wanted another one.
    Disconnected {
        server: String,
        error: Option<ConnectionError>,
    },
    /// URLs (without logins) that are new in the pool since the server announced them.
    Discovered { urls: Vec<String> },
    /// The server at `H:P` is about to close its connections.
    LameDuck { server: String },
    /// Reading from `H:P` pauses since the owner does not keep up. Comes ahead of what waits, once
    /// for pauses in quick succession.
    SlowConsumer { server: String },
    /// The time of `Client::drain` is up. Comes ahead of what waits.
    DrainTimeout,
    /// An INFO: `replace` for the first one of a session, else fields to merge.
    Info { info: ServerInfo, replace: bool },
    /// A log line, stamped with the time of what it tells about.
    Log {
        level: LogLevel,
        time: SystemTime,
        text: String,
    },
    /// The engine asks how many milliseconds to wait before it attempts `server` again. It goes on with its
    /// own delay when the answer is dropped or takes longer than [`ANSWER_TIME`].
    AskDelay {
        server: Box<Server>,
        answer: Answer<u64>,
    },
    /// The engine asks for what the files of the TLS options hold, or why they cannot be read. The
    /// attempt fails when the answer is dropped or takes longer than [`ANSWER_TIME`].
    AskTls {
        answer: Answer<Result<Material, String>>,
    },
    /// The engine asks who to be to the server, or why it is to let this attempt be. An identity
    /// that is empty leaves it to the options. Without an answer within [`ANSWER_TIME`] the attempt fails.
    AskIdentity {
        server: Box<Server>,
        answer: Answer<Result<Identity, String>>,
    },
    /// The engine asks for the signature of the server's nonce, or why there is none. Without an
    /// answer within [`ANSWER_TIME`], or the time of the attempt, the attempt fails.
    AskSignature {
        nonce: String,
        answer: Answer<Result<Signature, String>>,
    },
    /// Nothing further will happen in this life: the pool is exhausted, or the engine failed.
    ///
    /// The receiver closes the outbox, counts what is in it, ends what waits, and writes the
    /// final status: whatever it accepted until this moment belongs to that count.
    Lost,
}

/// How long the engine waits for an answer.
pub const ANSWER_TIME: Duration = Duration::from_secs(5);

/// Takes the answer to a question of the engine. Dropping it is an answer, too: there is none.
pub struct Answer<T>(oneshot::Sender<T>);

impl<T> Answer<T> {
    /// The two ends of a question.
    pub(super) fn new() -> (Answer<T>, oneshot::Receiver<T>) {
        let (answer, answered) = oneshot::channel();
        (Answer(answer), answered)
    }

    /// Whether the engine still waits for it.
    pub fn is_awaited(&self) -> bool {
        !self.0.is_closed()
    }

    pub fn give(self, answer: T) {
        // The engine may have stopped waiting; then the answer has no addressee.
        let _ = self.0.send(answer);
    }
}

/// Without what it was asked: that may be a secret.
impl<T> fmt::Debug for Answer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}

/// How much an event tells; each level includes the more severe ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

/// What an INFO without fields weighs: `INFO {}`.
const EMPTY_INFO: usize = 7;

impl Event {
    /// Bytes that count against the receiver's bound: what a server can make us hold. Only
    /// events that it cannot cause at will weigh nothing.
    pub fn weight(&self) -> usize {
        match self {
            Event::Message { message, .. } | Event::Reply { message, .. } => message.wire_len(),
            Event::Info { info, .. } => EMPTY_INFO + info.memory(),
            Event::Item { weight, .. } => *weight,
            Event::LastError(Some(error)) => error.text.len(),
            Event::Log { text, .. } => text.len(),
            _ => 0,
        }
    }
}

/// Where the engine's events go.
///
/// `deliver` never blocks and never refuses: the bound works by `has_room`, which the engine
/// asks before it reads on. While there is none it stops reading the socket, and only that.
/// Neither it nor `ask` calls back into the engine.
pub trait EventSink: Send + Sync + 'static {
    /// Appends the events in order and leaves `batch` empty.
    fn deliver(&self, batch: &mut Vec<Event>);
    /// Puts an event before all that have not taken effect.
    fn ask(&self, question: Event);
    /// Whether the engine may read on.
    fn has_room(&self) -> bool;
    /// Notified (one permit) when room appears again and when the receiver goes away.
    fn room(&self) -> &Notify;
    /// Whether a line of this level would be written; others need not be made.
    fn wants_log(&self, level: LogLevel) -> bool;
}
