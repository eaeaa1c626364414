//! Writes the outbox to the socket: the write loop, the write-through and the final flush.
//!
//! The writer takes the whole queue at once as its chunk and writes that, while publishers go
//! on filling the other buffer. It is locked before the queue and never across an await.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWrite;

use super::frames::{count_unfinished_publishes, retain_publishes};
use super::lock::lock;
use super::outbox::Outbox;
use super::transport::WriteHalf;
use crate::protocol::encode;
use crate::sync::{Mutex, MutexGuard};

/// A buffer that grew beyond this in a burst is kept while the burst lasts, since new memory costs
/// more than what is written into it; an idle connection gives it back.
const KEPT_CAPACITY: usize = 32 << 10;

/// How long the writer waits for more to come, when more is expected.
const LINGER: Duration = Duration::from_millis(1);

/// The place of the writer in its outbox.
#[derive(Default)]
pub(crate) struct WriterSlot(Mutex<Writer>);

/// The write half of the socket and what is being written to it.
#[derive(Default)]
pub(crate) struct Writer {
    socket: Option<WriteHalf>,
    /// Whole operations; those before `written` are in the socket.
    chunk: BytesMut,
    written: usize,
    /// An error that a write-through met, kept for the write loop.
    error: Option<io::Error>,
}

/// What was accepted and is not in the socket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Publishes that the writer has taken, hence counted in `Stats::out_msgs`.
    pub taken_msgs: u64,
    /// Publishes that it has not taken.
    pub queued_msgs: u64,
    /// Bytes of operations of every kind.
    pub bytes: u64,
}

/// One step of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Wrote,
    /// Nothing is left to write.
    Empty,
}

impl WriterSlot {
    fn lock(&self) -> MutexGuard<'_, Writer> {
        lock(&self.0)
    }

    /// The writer, unless it is at work this very moment.
    pub(super) fn try_lock(&self) -> Option<MutexGuard<'_, Writer>> {
        self.0.try_lock().ok()
    }
}

impl Outbox {
    /// A session begins: `front` goes out first, then what was buffered, then `pings` PINGs.
    pub(crate) fn open(&self, socket: WriteHalf, front: BytesMut, pings: usize) {
        let mut writer = self.writer.lock();
        let mut queue = self.queue();
        queue.in_flight = front.len();
        queue.start(true, &self.settings);
        for _ in 0..pings {
            encode::ping(&mut queue.pending);
        }
        *writer = Writer {
            socket: Some(socket),
            chunk: front,
            written: 0,
            error: None,
        };
    }

    /// A session is over: of what is unsent only publishes stay.
    ///
    /// Returns the write half, which closes when it is dropped.
    pub(crate) fn sever(&self) -> Option<WriteHalf> {
        let mut writer = self.writer.lock();
        let mut queue = self.queue();
        let Writer {
            socket,
            chunk,
            written,
            ..
        } = std::mem::take(&mut *writer);
        let mut kept = BytesMut::new();
        let returned = retain_publishes(&chunk, written, &mut kept) as u64;
        self.settings.stats.out_msgs.fetch_sub(returned, Relaxed);
        let waiting = retain_publishes(&queue.pending, 0, &mut kept) as u64;
        queue.pending = kept;
        queue.messages = returned + waiting;
        queue.in_flight = 0;
        queue.start(false, &self.settings);
        self.notify_progress(&mut queue);
        socket
    }

    /// A life is over: its socket closes and nothing stays.
    pub(crate) fn discard(&self) {
        let mut writer = self.writer.lock();
        let mut queue = self.queue();
        let Writer { chunk, written, .. } = std::mem::take(&mut *writer);
        let unwritten = count_unfinished_publishes(&chunk, written) as u64;
        self.settings.stats.out_msgs.fetch_sub(unwritten, Relaxed);
        queue.pending = BytesMut::new();
        queue.messages = 0;
        queue.in_flight = 0;
        queue.start(false, &self.settings);
    }

    /// What was accepted and is not in the socket.
    pub(crate) fn backlog(&self) -> Backlog {
        let writer = self.writer.lock();
        let queue = self.queue();
        Backlog {
            taken_msgs: count_unfinished_publishes(&writer.chunk, writer.written) as u64,
            queued_msgs: queue.messages,
            bytes: queue.used() as u64,
        }
    }

    /// The number of messages accepted and not completely written.
    pub(crate) fn unsent(&self) -> usize {
        let writer = self.writer.lock();
        let queue = self.queue();
        count_unfinished_publishes(&writer.chunk, writer.written)
            + count_unfinished_publishes(&queue.pending, 0)
    }

    /// Writes whatever enters the queue until writing fails.
    pub(crate) async fn write_loop(&self) -> io::Error {
        loop {
            match self.step().await {
                Err(error) => return error,
                // The last step must be an empty one: it flushes, and gives back large buffers.
                Ok(Step::Wrote) if !self.waits_for_more() => continue,
                Ok(_) => {}
            }
            // A publisher in a loop is about to append more: look once more before sleeping, so
            // that it need not wake us for every message.
            tokio::task::yield_now().await;
            if self.try_sleep() {
                self.sleep().await;
            }
        }
    }

    /// Writes once, or finds that nothing is left.
    pub(crate) async fn step(&self) -> io::Result<Step> {
        poll_fn(|cx| self.writer.lock().poll_step(cx, self)).await
    }

    /// Tells the peer that nothing more will come.
    pub(crate) async fn shutdown_socket(&self) -> io::Result<()> {
        poll_fn(|cx| match self.writer.lock().socket.as_mut() {
            Some(socket) => Pin::new(socket).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        })
        .await
    }

    /// Whether something waits, and only for more to join it.
    fn waits_for_more(&self) -> bool {
        let queue = self.queue();
        !queue.pending.is_empty() && self.is_held(&queue)
    }

    /// Returns whether the writer may sleep: nothing waits, or only what is held back.
    fn try_sleep(&self) -> bool {
        let mut queue = self.queue();
        queue.lingers = !queue.pending.is_empty() && self.is_held(&queue);
        queue.writer_sleeps = queue.used() == 0 || queue.lingers && queue.in_flight == 0;
        queue.writer_sleeps
    }

    async fn sleep(&self) {
        if !self.queue().lingers {
            self.wake.notified().await;
        }
        if self.queue().lingers {
            let _ = tokio::time::timeout(LINGER, self.wake.notified()).await;
        }
        let mut queue = self.queue();
        queue.writer_sleeps = false;
        queue.lingers = false;
    }
}

impl Writer {
    /// Whether a write-through would go out before anything else.
    pub(super) fn is_idle(&self) -> bool {
        self.chunk.is_empty() && self.error.is_none()
    }

    /// Writes what the socket takes at once; returns whether that was everything.
    ///
    /// The write loop must be asleep, hence waits for no readiness whose waker this would replace.
    pub(super) fn write_without_waiting(&mut self, outbox: &Outbox) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            match self.poll_step(&mut cx, outbox) {
                Poll::Ready(Ok(Step::Wrote)) => {}
                Poll::Ready(Ok(Step::Empty)) => return true,
                Poll::Ready(Err(error)) => {
                    self.error = Some(error);
                    return false;
                }
                Poll::Pending => return false,
            }
        }
    }

    fn poll_step(&mut self, cx: &mut Context<'_>, outbox: &Outbox) -> Poll<io::Result<Step>> {
        if let Some(error) = self.error.take() {
            return Poll::Ready(Err(error));
        }
        if self.chunk.is_empty() && !self.take_queue(outbox) {
            return self.poll_flush(cx);
        }
        let Some(socket) = self.socket.as_mut() else {
            return Poll::Ready(Ok(Step::Empty));
        };
        let count = ready!(Pin::new(socket).poll_write(cx, &self.chunk[self.written..]))?;
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        outbox.settings.stats.out_bytes.fetch_add(count as u64, Relaxed);
        self.written += count;
        if self.written == self.chunk.len() {
            self.written = 0;
            self.chunk.clear();
        }
        let mut queue = outbox.queue();
        queue.in_flight -= count;
        outbox.notify_progress(&mut queue);
        Poll::Ready(Ok(Step::Wrote))
    }

    /// Swaps the queue's buffer with our empty one; false if the queue is empty, too.
    fn take_queue(&mut self, outbox: &Outbox) -> bool {
        let mut queue = outbox.queue();
        if queue.pending.is_empty() {
            give_back(&mut queue.pending);
            give_back(&mut self.chunk);
            return false;
        }
        std::mem::swap(&mut queue.pending, &mut self.chunk);
        queue.in_flight = self.chunk.len();
        let messages = queue.take_messages();
        outbox.settings.stats.out_msgs.fetch_add(messages, Relaxed);
        true
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Step>> {
        if let Some(socket) = self.socket.as_mut() {
            ready!(Pin::new(socket).poll_flush(cx))?;
        }
        Poll::Ready(Ok(Step::Empty))
    }
}

/// Frees an empty buffer if it is large.
fn give_back(buffer: &mut BytesMut) {
    if buffer.capacity() > KEPT_CAPACITY {
        *buffer = BytesMut::new();
    }
}
