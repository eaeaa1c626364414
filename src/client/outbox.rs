//! What waits to be written, and the rules of room.
//!
//! The queue is plain bytes: a publish is one append under one lock. While a session lasts
//! (`wired`) operations of every kind enter it in call order; without one only publishes do,
//! because everything else is regenerated from the tables when the next session begins.
//!
//! Room: while the connection makes progress a full queue makes `publish` wait. Without
//! progress for a second the connection counts as stalled; then, as without a connection, more
//! is accepted up to a larger limit, and refused beyond. An item larger than a limit is
//! admitted into an empty queue. What was accepted stays.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use tokio::sync::Notify;

use super::error::PublishError;
use super::lock::lock;
use super::runtime;
use super::settings::Settings;
use super::writer::{Writer, WriterSlot};
use crate::sync::{Condvar, Instant, Mutex, MutexGuard};

/// Without progress for this long a connection counts as stalled.
const STALL: Duration = Duration::from_secs(1);
/// How often a waiting `publish` asks its caller whether to go on.
const SLICE: Duration = Duration::from_millis(50);
/// After this long without a write a publish does not count as part of a flow. A wake-up of the
/// writer on another CPU takes about as long.
const QUIET: Duration = Duration::from_micros(50);
/// How long, and how much, is held back while the owner is about to send more.
const HOLD: Duration = Duration::from_micros(500);
const HOLD_BYTES: usize = 8 << 10;
/// So many messages in one chunk of the writer are a flow: more is about to come.
const FLOW: u64 = 16;

/// The outgoing side of one life.
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    /// Tells waiting publishers of progress and of the end.
    progress: Condvar,
    /// Wakes the write loop; used only when `Queue::writer_sleeps`.
    pub(super) wake: Notify,
    pub(super) writer: WriterSlot,
    /// More is likely to be sent soon: see [`hold`](Self::hold).
    held: AtomicBool,
    pub(super) settings: Arc<Settings>,
}

/// What is not yet in the hands of the writer.
pub(crate) struct Queue {
    pub(super) pending: BytesMut,
    /// Publishes in `pending`.
    pub(super) messages: u64,
    /// Bytes that the writer has taken and not yet written.
    pub(super) in_flight: usize,
    /// Whether a session takes operations of every kind.
    pub(super) wired: bool,
    pub(super) writer_sleeps: bool,
    /// The sleeping writer looks by itself soon, for what is held back.
    pub(super) lingers: bool,
    /// Whether what the writer took last was part of a flow.
    flows: bool,
    closed: bool,
    stalled: bool,
    last_progress: Instant,
    /// Publishers waiting for room.
    waiting: usize,
    limits: Limits,
}

/// How much may be queued with and without a connection that makes progress. A copy of the
/// options, renewed with each session and whenever the queue is full.
#[derive(Clone, Copy)]
struct Limits {
    outbox_size: usize,
    reconnect_buf_size: usize,
}

/// What is known of others like a message that is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Somebody waits for what it brings, and for nothing else: it is written at once.
    Single,
    /// One of many, which share system calls unless it comes after a quiet time.
    Flow,
}

impl Outbox {
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        let limits = Limits::read(&settings);
        Outbox {
            queue: Mutex::new(Queue {
                pending: BytesMut::new(),
                messages: 0,
                in_flight: 0,
                wired: false,
                writer_sleeps: false,
                lingers: false,
                flows: false,
                closed: false,
                stalled: false,
                last_progress: Instant::now(),
                waiting: 0,
                limits,
            }),
            progress: Condvar::new(),
            wake: Notify::new(),
            writer: WriterSlot::default(),
            held: AtomicBool::new(false),
            settings,
        }
    }

    pub(super) fn queue(&self) -> MutexGuard<'_, Queue> {
        lock(&self.queue)
    }

    /// Queues a publish of about `size` bytes if there surely is room; returns whether there was.
    #[inline]
    pub(crate) fn publish_if_room(
        &self,
        size: usize,
        encode: impl FnOnce(&mut BytesMut),
    ) -> Result<bool, PublishError> {
        let queue = self.queue();
        if queue.closed {
            return Err(PublishError::Closed);
        }
        if !queue.has_room(size, queue.limit()) {
            return Ok(false);
        }
        self.accept(queue, encode);
        Ok(true)
    }

    /// Queues a publish of about `size` bytes, waiting for room while there is progress.
    ///
    /// `keep_waiting` is asked at every progress and at least every 50 ms; it runs without any lock of ours.
    pub(crate) fn publish(
        &self,
        size: usize,
        encode: impl FnOnce(&mut BytesMut),
        keep_waiting: &mut dyn FnMut() -> bool,
    ) -> Result<(), PublishError> {
        let mut queue = self.queue();
        let mut full_since = None;
        loop {
            if queue.closed {
                return Err(PublishError::Closed);
            }
            if !queue.has_room(size, queue.limit()) {
                queue.limits = Limits::read(&self.settings);
                queue.notice_stall(*full_since.get_or_insert_with(Instant::now));
            }
            if queue.has_room(size, queue.limit()) {
                self.accept(queue, encode);
                return Ok(());
            }
            if !queue.makes_progress() {
                return Err(PublishError::ReconnectBufExceeded);
            }
            drop(self.wait_for_progress(queue));
            if runtime::exiting() || !keep_waiting() {
                return Err(PublishError::Interrupted);
            }
            queue = self.queue();
        }
    }

    #[inline]
    fn accept(&self, mut queue: MutexGuard<'_, Queue>, encode: impl FnOnce(&mut BytesMut)) {
        encode(&mut queue.pending);
        queue.messages += 1;
        self.send_off(queue);
    }

    /// Queues a publish without ever waiting. `control` goes before it if a session takes it.
    pub(crate) fn publish_now(
        &self,
        size: usize,
        pace: Pace,
        control: impl FnOnce(&mut BytesMut),
        publish: impl FnOnce(&mut BytesMut),
    ) -> Result<(), PublishError> {
        let mut writer = match pace {
            Pace::Single => self.writer.try_lock(),
            Pace::Flow => None,
        };
        let mut queue = self.queue();
        if queue.closed {
            return Err(PublishError::Closed);
        }
        if !queue.has_room(size, queue.limits.reconnect_buf_size) {
            return Err(PublishError::ReconnectBufExceeded);
        }
        if queue.wired {
            control(&mut queue.pending);
        }
        publish(&mut queue.pending);
        queue.messages += 1;
        match pace {
            Pace::Single => self.write_through(writer.as_deref_mut(), queue),
            Pace::Flow => self.send_off(queue),
        }
        Ok(())
    }

    /// Queues an operation that is not a publish, if a session takes it; returns whether it did.
    pub(crate) fn control(&self, encode: impl FnOnce(&mut BytesMut)) -> bool {
        let mut queue = self.queue();
        if !queue.wired || queue.closed {
            return false;
        }
        encode(&mut queue.pending);
        self.release(queue);
        true
    }

    /// As [`control`](Self::control), but written at once if nothing is before it.
    pub(crate) fn control_now(&self, encode: impl FnOnce(&mut BytesMut)) -> bool {
        let mut writer = self.writer.try_lock();
        let mut queue = self.queue();
        if !queue.wired || queue.closed {
            return false;
        }
        encode(&mut queue.pending);
        self.write_through(writer.as_deref_mut(), queue);
        true
    }

    /// Queues the answer to a server's PING, unless so much is queued that this server
    /// evidently does not read: its PINGs must not grow our memory.
    pub(crate) fn pong(&self, encode: impl FnOnce(&mut BytesMut)) {
        let mut queue = self.queue();
        if queue.wired && queue.used() < queue.limits.reconnect_buf_size {
            encode(&mut queue.pending);
            self.release(queue);
        }
    }

    /// Says whether more is likely to be sent soon. Until then publishes that nobody waits for share
    /// a system call, but are held back for a millisecond or two at most.
    pub(crate) fn hold(&self, more: bool) {
        self.held.store(more, Ordering::Relaxed);
    }

    /// Nothing more is to come: sends what was held back.
    pub(crate) fn let_go(&self) {
        self.hold(false);
        let queue = self.queue();
        if queue.lingers {
            let mut writer = self.writer.try_lock();
            self.write_through(writer.as_deref_mut(), queue);
        }
    }

    /// Whether what is queued waits for more, until it is a good piece or some time has passed.
    pub(super) fn is_held(&self, queue: &Queue) -> bool {
        queue.pending.len() < HOLD_BYTES && (queue.flows || self.held.load(Ordering::Relaxed))
    }

    /// Whether a session takes what is queued.
    pub(crate) fn is_wired(&self) -> bool {
        self.queue().wired
    }

    /// Refuses everything from now on; what was accepted stays for the flush or the count.
    pub(crate) fn close(&self) {
        self.queue().closed = true;
        self.progress.notify_all();
    }

    /// Lets waiting publishers look around: room, or the end of a session, has come.
    pub(super) fn notify_progress(&self, queue: &mut Queue) {
        queue.last_progress = Instant::now();
        queue.stalled = false;
        if queue.waiting > 0 {
            self.progress.notify_all();
        }
    }

    fn wait_for_progress<'a>(&self, mut queue: MutexGuard<'a, Queue>) -> MutexGuard<'a, Queue> {
        queue.waiting += 1;
        let woken = self.progress.wait_timeout(queue, SLICE);
        let (mut queue, _) = woken.unwrap_or_else(PoisonError::into_inner);
        queue.waiting -= 1;
        queue
    }

    /// Gives the queue back and wakes the writer if it sleeps; a running one looks by itself.
    fn release(&self, mut queue: MutexGuard<'_, Queue>) {
        let wake = std::mem::take(&mut queue.writer_sleeps);
        drop(queue);
        if wake {
            self.wake.notify_one();
        }
    }

    /// A publish after a quiet time is more likely an answer that somebody waits for than the
    /// first of many: it is written at once. In a flow a system call for each would cost too much,
    /// and so would waking the writer for a few: it waits until there is a good piece, or a moment.
    #[inline]
    fn send_off(&self, queue: MutexGuard<'_, Queue>) {
        let held = self.is_held(&queue);
        if queue.writer_sleeps && !(held && queue.lingers) {
            self.wake_for(queue, held);
        }
    }

    fn wake_for(&self, mut queue: MutexGuard<'_, Queue>, held: bool) {
        let since = queue.last_progress.elapsed();
        if held && since < HOLD {
            queue.lingers = true;
            drop(queue);
            self.wake.notify_one();
        } else if since >= QUIET {
            // Out of the order of locks, which is safe for one that is only tried.
            let mut writer = self.writer.try_lock();
            self.write_through(writer.as_deref_mut(), queue);
        } else {
            self.release(queue);
        }
    }

    /// Writes the queue from this thread if the writer is idle, which spares its wake-up.
    fn write_through(&self, writer: Option<&mut Writer>, queue: MutexGuard<'_, Queue>) {
        let Some(writer) = writer.filter(|w| w.is_idle() && queue.wired && queue.writer_sleeps) else {
            return self.release(queue);
        };
        drop(queue);
        if !writer.write_without_waiting(self) {
            self.release(self.queue());
        }
    }
}

impl Queue {
    /// Bytes accepted and not yet in the socket.
    pub(super) fn used(&self) -> usize {
        self.pending.len() + self.in_flight
    }

    /// The rules of room for the session that begins (`wired`), or for the time until one does.
    pub(super) fn start(&mut self, wired: bool, settings: &Settings) {
        self.wired = wired;
        self.limits = Limits::read(settings);
        self.writer_sleeps = false;
        self.lingers = false;
        self.flows = false;
        self.stalled = false;
        self.last_progress = Instant::now();
    }

    /// The writer takes everything; returns how many publishes that are.
    pub(super) fn take_messages(&mut self) -> u64 {
        let messages = std::mem::take(&mut self.messages);
        self.flows = messages >= FLOW;
        messages
    }

    fn has_room(&self, size: usize, limit: usize) -> bool {
        let used = self.used();
        used == 0 || used.saturating_add(size) <= limit
    }

    fn makes_progress(&self) -> bool {
        self.wired && !self.stalled
    }

    fn limit(&self) -> usize {
        if self.makes_progress() {
            self.limits.outbox_size
        } else {
            self.limits.reconnect_buf_size
        }
    }

    /// A stall needs a publisher that has waited for as long: an idle queue makes no progress
    /// either.
    fn notice_stall(&mut self, waiting_since: Instant) {
        let since = self.last_progress.max(waiting_since);
        if self.wired && since.elapsed() >= STALL {
            self.stalled = true;
        }
    }
}

impl Limits {
    fn read(settings: &Settings) -> Self {
        let options = lock(&settings.options);
        Limits {
            outbox_size: options.outbox_size,
            reconnect_buf_size: options.reconnect_buf_size,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::{Pin, pin};

    use tokio::io::{AsyncReadExt, DuplexStream};
    use tokio::task::yield_now;
    use tokio::time::timeout;

    use super::super::writer::Step;
    use super::*;

    const MESSAGE: &[u8] = b"PUB subject  0\r\n\r\n";

    /// An outbox whose write loop has gone to sleep and is not polled any more, and what it writes.
    async fn asleep() -> (Outbox, DuplexStream) {
        let outbox = Outbox::new(Arc::default());
        let (socket, server) = tokio::io::duplex(1024);
        outbox.open(Box::new(socket), BytesMut::new(), 0);
        fall_asleep(&outbox, pin!(outbox.write_loop())).await;
        (outbox, server)
    }

    /// Polls the write loop until it has nothing to do.
    async fn fall_asleep(outbox: &Outbox, mut writing: Pin<&mut impl Future<Output = io::Error>>) {
        while !outbox.queue().writer_sleeps {
            tokio::select! {
                biased;
                error = &mut writing => panic!("{error}"),
                () = yield_now() => {}
            }
        }
    }

    async fn arrived(server: &mut DuplexStream) -> Vec<u8> {
        let mut bytes = [0; 64];
        match timeout(Duration::ZERO, server.read(&mut bytes)).await {
            Ok(count) => bytes[..count.unwrap()].to_vec(),
            Err(_) => Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_publish_after_a_quiet_time_does_not_wait_for_the_write_loop() {
        let (outbox, mut server) = asleep().await;
        std::thread::sleep(QUIET);
        assert_eq!(publish(&outbox, MESSAGE), Ok(()));
        assert_eq!(arrived(&mut server).await, MESSAGE);
        assert_eq!(outbox.queue().used(), 0);
    }

    #[tokio::test]
    async fn one_of_many_requests_waits_for_the_write_loop_and_a_single_one_does_not() {
        for (pace, expected) in [(Pace::Single, MESSAGE), (Pace::Flow, b"")] {
            let (outbox, mut server) = asleep().await;
            // No time passes from now on.
            outbox.queue().last_progress = Instant::now() + Duration::from_secs(3600);
            let encode = |buf: &mut BytesMut| buf.extend_from_slice(MESSAGE);
            assert_eq!(outbox.publish_now(MESSAGE.len(), pace, |_| {}, encode), Ok(()));
            assert_eq!(arrived(&mut server).await, expected, "{pace:?}");
        }
    }

    #[tokio::test]
    async fn what_is_held_back_goes_out_together_when_nothing_more_comes() {
        let (outbox, mut server) = asleep().await;
        publish_held(&outbox);
        publish_held(&outbox);
        assert_eq!(arrived(&mut server).await, b"");
        outbox.let_go();
        assert_eq!(arrived(&mut server).await, [MESSAGE, MESSAGE].concat());
    }

    #[tokio::test]
    async fn what_is_held_back_goes_out_by_itself_when_the_owner_is_busy_for_long() {
        let (outbox, mut server) = asleep().await;
        let mut writing = pin!(outbox.write_loop());
        outbox.queue().writer_sleeps = false;
        fall_asleep(&outbox, writing.as_mut()).await;
        publish_held(&outbox);
        assert_eq!(arrived(&mut server).await, b"");
        let mut bytes = [0; MESSAGE.len()];
        tokio::select! {
            error = &mut writing => panic!("{error}"),
            read = server.read_exact(&mut bytes) => assert_eq!(read.unwrap(), MESSAGE.len()),
        }
        assert_eq!(bytes, MESSAGE);
    }

    #[tokio::test]
    async fn what_is_held_back_is_bounded_in_size() {
        let (outbox, _server) = asleep().await;
        publish_held(&outbox);
        assert!(outbox.queue().writer_sleeps);
        assert_eq!(publish(&outbox, &[b'x'; HOLD_BYTES]), Ok(()));
        assert!(!outbox.queue().writer_sleeps, "the writer is woken");
    }

    #[tokio::test]
    async fn nothing_is_held_back_after_a_pause() {
        let (outbox, mut server) = asleep().await;
        std::thread::sleep(HOLD);
        outbox.hold(true);
        assert_eq!(publish(&outbox, MESSAGE), Ok(()));
        assert_eq!(arrived(&mut server).await, MESSAGE);
    }

    #[tokio::test]
    async fn the_rest_of_a_flow_is_held_back_and_what_follows_a_few_messages_is_not() {
        for (messages, flows) in [(FLOW, true), (FLOW - 1, false)] {
            let (outbox, _server) = asleep().await;
            outbox.control(|buf| buf.extend_from_slice(MESSAGE));
            outbox.queue().messages = messages;
            assert_eq!(outbox.step().await.ok(), Some(Step::Wrote));
            outbox.queue().writer_sleeps = true;
            // No time passes from now on.
            outbox.queue().last_progress = Instant::now() + Duration::from_secs(3600);
            assert_eq!(publish(&outbox, MESSAGE), Ok(()));
            assert_eq!(outbox.queue().lingers, flows, "{messages} messages");
        }
    }

    /// Publishes while more is said to come, and no time passes.
    fn publish_held(outbox: &Outbox) {
        outbox.queue().last_progress = Instant::now() + Duration::from_secs(3600);
        outbox.hold(true);
        assert_eq!(publish(outbox, MESSAGE), Ok(()));
    }

    fn publish(outbox: &Outbox, message: &[u8]) -> Result<(), PublishError> {
        outbox.publish(message.len(), |buf| buf.extend_from_slice(message), &mut || false)
    }

    #[tokio::test]
    async fn a_flow_ends_with_a_flush_and_small_buffers() {
        let outbox = Outbox::new(Arc::default());
        let (socket, _server) = tokio::io::duplex(8 << 20);
        outbox.open(Box::new(socket), BytesMut::new(), 0);
        let large = vec![b'x'; 1 << 20];
        assert_eq!(publish(&outbox, &large), Ok(()));
        outbox.queue().messages = FLOW;
        fall_asleep(&outbox, pin!(outbox.write_loop())).await;
        // The buffer that was written is the next one to fill.
        outbox.control(|buf| buf.extend_from_slice(MESSAGE));
        assert_eq!(outbox.step().await.ok(), Some(Step::Wrote));
        assert!(outbox.queue().pending.capacity() < large.len());
    }

    #[tokio::test]
    async fn large_buffers_are_kept_while_there_is_more_to_write_and_not_longer() {
        let outbox = Outbox::new(Arc::default());
        let (socket, _server) = tokio::io::duplex(8 << 20);
        outbox.open(Box::new(socket), BytesMut::new(), 0);
        let large = vec![b'x'; 1 << 20];
        assert_eq!(publish(&outbox, &large), Ok(()));
        assert_eq!(outbox.step().await.ok(), Some(Step::Wrote));
        assert_eq!(publish(&outbox, &large), Ok(()));
        assert_eq!(outbox.step().await.ok(), Some(Step::Wrote));
        assert!(outbox.queue().pending.capacity() >= large.len());
        assert_eq!(outbox.step().await.ok(), Some(Step::Empty));
        assert_eq!(outbox.queue().pending.capacity(), 0);
    }
}
