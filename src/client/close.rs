//! The end of a life on the owner's request.
//!
//! Closing loses nothing that the socket took: write the outbox, shut down the write side while
//! input is read and discarded until the server closes, only then close. (Closing a socket with unread input
//! resets the connection, and the server loses what it has not read yet.) The owner waits for
//! the first of these steps only; the rest lingers in the background.

use std::sync::PoisonError;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::timeout;

use super::life::Life;
use super::lock::lock;
use super::transport::{ReadHalf, WriteHalf};
use super::writer::Step;
use crate::sync::{Condvar, Instant, Mutex};

/// A flush ends after this long even with progress.
const FLUSH_TOTAL: Duration = Duration::from_secs(30);
/// How long a flushed socket waits for the server to close its side.
const LINGER: Duration = Duration::from_secs(2);
/// The life answers a close at once, unless the runtime's thread is stuck.
const ANSWER: Duration = Duration::from_secs(1);

/// How a life ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CloseReport {
    /// `H:P` of the server to which a socket was open.
    pub peer: Option<String>,
    /// Whether the handshake was complete, so that a flush was possible.
    pub connected: bool,
    /// Messages accepted that were not, or not completely, handed to the socket.
    pub unsent: usize,
}

/// What the owner and the life task tell each other about the end.
pub(crate) struct Closing {
    request: watch::Sender<Option<Mode>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Flush,
    Discard,
}

#[derive(Default)]
struct State {
    peer: Option<String>,
    unsent: Option<usize>,
    /// The life task runs: it has sockets, and it will answer.
    running: bool,
}

impl Closing {
    pub(crate) fn new() -> Self {
        Closing {
            request: watch::Sender::new(None),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Resolves when the end is requested.
    pub(crate) async fn requested(&self) {
        // The sender lives in `self`: waiting cannot fail.
        let _ = self.request.subscribe().wait_for(Option::is_some).await;
    }

    /// Notes the server to which a socket is open.
    pub(crate) fn set_peer(&self, peer: Option<String>) {
        lock(&self.state).peer = peer;
    }

    /// From now on there is a life task.
    pub(crate) fn set_started(&self) {
        lock(&self.state).running = true;
    }

    /// Nothing runs any more; whoever waits need not.
    pub(crate) fn set_ended(&self) {
        lock(&self.state).running = false;
        self.changed.notify_all();
    }

    /// Waits until the life task is over, for `bound` at most.
    pub(crate) fn wait_ended(&self, bound: Duration) {
        self.wait(bound, |state| !state.running);
    }

    fn set_unsent(&self, unsent: usize) {
        lock(&self.state).unsent = Some(unsent);
        self.changed.notify_all();
    }

    fn wait_unsent(&self, bound: Duration) -> Option<usize> {
        self.wait(bound, |state| !state.running || state.unsent.is_some());
        lock(&self.state).unsent
    }

    fn wait(&self, bound: Duration, done: impl Fn(&State) -> bool) {
        let deadline = Instant::now() + bound;
        let mut state = lock(&self.state);
        while !done(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let woken = self.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn is_flush(&self) -> bool {
        *self.request.borrow() == Some(Mode::Flush)
    }
}

impl Life {
    /// Ends the life; see [`Client::close`](super::Client::close). Of a life that the end of the
    /// process has closed before, it tells the outcome.
    pub(crate) fn close(&self, flush: bool) -> CloseReport {
        let connected = self.outbox.is_wired();
        let peer = lock(&self.closing.state).peer.clone();
        self.begin_close(flush);
        self.finish_close(CloseReport {
            peer,
            connected,
            unsent: 0,
        })
    }

    /// Shuts the gate and the outbox and tells the life task, without waiting for it.
    pub(crate) fn begin_close(&self, flush: bool) {
        self.gate.shut();
        self.outbox.close();
        self.end_operations();
        self.closing.request.send_if_modified(|mode| {
            let first = mode.is_none();
            if first {
                *mode = Some(if flush { Mode::Flush } else { Mode::Discard });
            }
            first
        });
    }

    /// Waits until the flush that was begun is over.
    pub(crate) fn wait_flushed(&self) {
        self.closing.wait_unsent(FLUSH_TOTAL + ANSWER);
    }

    /// Waits until the socket of a closed life has lingered.
    pub(crate) fn wait_lingered(&self) {
        self.closing.wait_ended(LINGER + ANSWER);
    }

    /// The life task's part of closing, with the input of the session if there is one.
    pub(crate) async fn leave(&self, session: Option<&mut ReadHalf>) {
        match session {
            Some(reader) if self.closing.is_flush() => {
                self.flush(reader).await;
                let unsent = self.outbox.unsent();
                self.closing.set_unsent(unsent);
                if unsent == 0 {
                    self.linger(reader).await;
                }
            }
            _ => self.closing.set_unsent(self.outbox.unsent()),
        }
        self.outbox.discard();
    }

    fn finish_close(&self, mut report: CloseReport) -> CloseReport {
        let bound = if report.connected {
            FLUSH_TOTAL + ANSWER
        } else {
            ANSWER
        };
        report.unsent = self.closing.wait_unsent(bound).unwrap_or_else(|| {
            let unsent = self.outbox.unsent();
            self.outbox.discard();
            unsent
        });
        report
    }

    /// Writes the outbox while there is progress; input is discarded meanwhile, so that a server
    /// that waits for us to read can go on reading itself.
    async fn flush(&self, reader: &mut ReadHalf) {
        let idle = Duration::from_millis(self.settings.options().flush_timeout);
        let write = async { while let Ok(Ok(Step::Wrote)) = timeout(idle, self.outbox.step()).await {} };
        let exchange = async {
            tokio::select! {
                () = write => {}
                () = discard_input(reader) => {}
            }
        };
        // Whatever is left when the time is up is counted by the caller.
        let _ = timeout(FLUSH_TOTAL, exchange).await;
    }

    async fn linger(&self, reader: &mut ReadHalf) {
        // Both at once: a farewell of TLS or WebSocket may have to be written, to a server that
        // waits for us to read.
        let exchange = async { tokio::join!(self.outbox.shutdown_socket(), discard_input(reader)) };
        // A server that keeps its side open for longer loses nothing but our patience.
        let _ = timeout(LINGER, exchange).await;
    }
}

/// Closes a socket that nothing more is to be written to, in the background, as at the end of a
/// life: the server reads what the socket took.
pub(crate) fn see_off(mut reader: ReadHalf, mut writer: WriteHalf) {
    tokio::spawn(async move {
        let exchange = async { tokio::join!(writer.shutdown(), discard_input(&mut reader)) };
        let _ = timeout(LINGER, exchange).await;
    });
}

async fn discard_input(reader: &mut ReadHalf) {
    let mut buf = vec![0; 16 * 1024];
    while let Ok(1..) = reader.read(&mut buf).await {}
}
