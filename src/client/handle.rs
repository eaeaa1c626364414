//! What the owner does with a connection.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::runtime::Handle;

use super::close::CloseReport;
use super::deadlines::{Waiter, deadline_in};
use super::error::{ConnectionError, PublishError};
use super::event::{Event, EventSink};
use super::life::Life;
use super::lock::lock;
use super::runtime;
use super::settings::Settings;
use super::subscriptions::Receiver;
use super::tables::Tables;
use super::writer::Backlog;
use crate::protocol::encode;

/// A handle to one life of a connection, from its start until it is closed or lost.
///
/// Cheap to clone, usable from any thread. Subjects, queues and header blocks must have been
/// checked: they go onto the wire as they are. When the last handle goes, the life is closed in
/// the background.
#[derive(Clone)]
pub struct Client {
    pub(super) life: Arc<OwnedLife>,
}

pub(super) struct OwnedLife {
    life: Arc<Life>,
    pub(super) runtime: Handle,
}

/// More than the verb, blanks, numbers and line ends of a publish.
const PUBLISH_OVERHEAD: usize = 64;

impl Client {
    /// Makes a life that waits for its [`start`](Self::start). It already takes what is to be
    /// sent, and can be closed.
    ///
    /// # Errors
    /// There is no background runtime: the process is exiting, was forked, or has no threads.
    pub fn new(settings: Arc<Settings>, sink: Arc<dyn EventSink>) -> Result<Client, ConnectionError> {
        let runtime = runtime::handle().map_err(|error| ConnectionError::runtime(&error.to_string()))?;
        lock(&settings.pool).begin();
        let life = Arc::new(Life::new(settings, sink));
        Ok(Client {
            life: Arc::new(OwnedLife { life, runtime }),
        })
    }

    /// Begins the first attempt, in the background. To be called once.
    ///
    /// The owner has set `status` to connecting and cleared `last_error` by itself; everything
    /// from there on comes as events.
    pub fn start(&self) {
        let life = &self.life.life;
        life.closing.set_started();
        runtime::register(life);
        self.life.runtime.spawn(Arc::clone(life).live());
    }

    /// Whether both are handles to the same life.
    pub fn is(&self, other: &Client) -> bool {
        Arc::ptr_eq(&self.life, &other.life)
    }

    /// Queues a message if there is room for it, without allocating, and returns whether there was.
    #[inline]
    pub fn publish_if_room(
        &self,
        subject: &[u8],
        reply: &[u8],
        header: Option<&[u8]>,
        payload: &[u8],
    ) -> Result<bool, PublishError> {
        let size = publish_size(subject, reply, header, payload);
        self.life().outbox.publish_if_room(size, |buf| {
            encode::publish(buf, subject, reply, header, payload);
        })
    }

    /// Queues a message, without allocating. An empty `reply` means none.
    ///
    /// With a full outbox it blocks while the connection makes progress, asking `keep_waiting`
    /// at every progress and at least every 50 ms.
    pub fn publish(
        &self,
        subject: &[u8],
        reply: &[u8],
        header: Option<&[u8]>,
        payload: &[u8],
        keep_waiting: &mut dyn FnMut() -> bool,
    ) -> Result<(), PublishError> {
        let size = publish_size(subject, reply, header, payload);
        self.life().outbox.publish(
            size,
            |buf| encode::publish(buf, subject, reply, header, payload),
            keep_waiting,
        )
    }

    /// Subscribes under a new ID of [`Settings::next_sid`]. An empty `queue` means none; `max` 0
    /// means no limit.
    pub fn subscribe(&self, sid: u64, subject: &[u8], queue: &[u8], max: u64) {
        let mut tables = self.tables();
        let subscriptions = &mut tables.subscriptions;
        subscriptions.insert(sid, subject, queue, Receiver::Owner, max);
        self.life().outbox.control(|buf| subscriptions.encode(buf, sid));
    }

    /// Ends a subscription, at once with `max` 0, else after `max` messages counted from its
    /// creation. Unknown IDs are ignored.
    pub fn unsubscribe(&self, sid: u64, max: u64) {
        let mut tables = self.tables();
        if let Some(remaining) = tables.subscriptions.limit(sid, max) {
            self.life()
                .outbox
                .control(|buf| encode::unsubscribe(buf, sid, remaining));
        }
    }

    /// Sends a PING behind everything queued; ends in `Event::Pong` or `Event::PingTimeout`.
    /// The owner counts the IDs of its pings itself: scripts see those of requests.
    /// Without a session it goes out with the next one. `timeout_ms` 0 means no limit.
    pub fn ping(&self, id: u64, timeout_ms: u64) {
        let deadline = deadline_in(timeout_ms);
        let mut tables = self.tables();
        tables.pings.ask(id, deadline);
        self.set_deadline(&mut tables, deadline, Waiter::Ping(id));
        self.life().outbox.control_now(encode::ping);
    }

    /// Tells the server to end all subscriptions of the owner, then sends a ping as
    /// [`ping`](Self::ping) does: its `Event::Pong` comes behind the last message. When
    /// `timeout_ms` (0 for no limit) is over, `Event::DrainTimeout` comes ahead of all messages.
    /// The owner ends the life at either event.
    pub fn drain(&self, id: u64, timeout_ms: u64) {
        let mut farewell = BytesMut::new();
        let mut tables = self.tables();
        tables.subscriptions.drain(&mut farewell);
        self.life().outbox.control(|buf| buf.extend_from_slice(&farewell));
        tables.pings.ask(id, None);
        self.life().outbox.control_now(encode::ping);
        drop(tables);
        if let Some(deadline) = deadline_in(timeout_ms) {
            let life = Arc::downgrade(&self.life.life);
            self.life.runtime.spawn(async move {
                tokio::time::sleep_until(deadline.into()).await;
                if let Some(life) = life.upgrade() {
                    life.gate.ask(Event::DrainTimeout);
                }
            });
        }
    }

    /// Drops the connection and makes another one without any delay. What was not written stays
    /// for that; while a delay runs, it ends.
    pub fn force_reconnect(&self) {
        self.life().abandon.make();
    }

    /// Messages for the subscription `sid` that came in so far; `None` when it has ended or is
    /// unknown.
    pub fn received(&self, sid: u64) -> Option<u64> {
        self.tables().subscriptions.received(sid)
    }

    /// What was accepted and is not in the socket.
    pub fn backlog(&self) -> Backlog {
        self.life().outbox.backlog()
    }

    /// Sends a new-style request: one reply to the shared inbox. `timeout_ms` 0 means no limit.
    ///
    /// Never blocks; `id` is new from [`Settings::next_request_id`].
    pub fn request(
        &self,
        id: u64,
        subject: &[u8],
        header: Option<&[u8]>,
        payload: &[u8],
        timeout_ms: u64,
    ) -> Result<(), PublishError> {
        let sent = self.send_request(id, subject, header, payload, timeout_ms, |_| {});
        if sent.is_err() {
            self.cancel(id);
        }
        sent
    }

    /// Sends an old-style request: up to `max` replies to an inbox of its own, or with `max` 0
    /// all until the deadline. Never blocks.
    pub fn request_many(
        &self,
        id: u64,
        subject: &[u8],
        header: Option<&[u8]>,
        payload: &[u8],
        max: u64,
        timeout_ms: u64,
    ) -> Result<(), PublishError> {
        let deadline = deadline_in(timeout_ms);
        let sid = self.life().settings.next_sid();
        let inbox = self.life().settings.new_inbox().into_bytes();
        let size = publish_size(subject, &inbox, header, payload);
        let mut tables = self.tables();
        tables
            .subscriptions
            .insert(sid, &inbox, b"", Receiver::Request(id), max);
        let outcome = self.life().outbox.publish_now(
            size,
            tables.requests.pace(),
            |buf| tables.subscriptions.encode(buf, sid),
            |buf| encode::publish(buf, subject, &inbox, header, payload),
        );
        if outcome.is_err() {
            tables.subscriptions.remove(sid);
            return outcome;
        }
        tables.requests.add_old_style(id, sid, max, deadline);
        self.set_deadline(&mut tables, deadline, Waiter::Request(id));
        Ok(())
    }

    /// Forgets a request: no event for it is made from now on. Returns whether it was pending
    /// here; its last reply may already be on its way to the owner.
    pub fn cancel(&self, id: u64) -> bool {
        self.tables().forget_request(id, &self.life().outbox)
    }

    /// Says whether the owner is about to handle more of what it was handed, and so to send more:
    /// publishes that nobody waits for then go out together, a millisecond or two later at most.
    pub fn hold(&self, more: bool) {
        self.life().outbox.hold(more);
    }

    /// The owner has handled everything: what it sent meanwhile goes out.
    pub fn let_go(&self) {
        self.life().outbox.let_go();
    }

    /// Ends the life and waits until that is done: no event is delivered once this returns.
    ///
    /// With `flush` a connected life first writes its outbox, bounded by the option
    /// `flush_timeout` without progress and 30 s in all; the socket then lingers in the
    /// background until the server has read everything. Not to be called by the sink, nor on a
    /// thread of the runtime.
    pub fn close(&self, flush: bool) -> CloseReport {
        self.life().close(flush)
    }

    /// Closes the outbox of a life that is lost and returns how many messages it held: those
    /// accepted until this very moment.
    pub fn end_of_life(&self) -> usize {
        self.life().close(false).unsent
    }

    pub(super) fn send_request(
        &self,
        id: u64,
        subject: &[u8],
        header: Option<&[u8]>,
        payload: &[u8],
        timeout_ms: u64,
        enter: impl FnOnce(&mut Tables),
    ) -> Result<(), PublishError> {
        let deadline = deadline_in(timeout_ms);
        let mut tables = self.tables();
        enter(&mut tables);
        let reply = self.shared_reply_subject(&mut tables, id);
        let pace = tables.requests.pace();
        tables.requests.add_new_style(id, deadline);
        self.set_deadline(&mut tables, deadline, Waiter::Request(id));
        drop(tables);
        let size = publish_size(subject, &reply, header, payload);
        self.life().outbox.publish_now(
            size,
            pace,
            |_| {},
            |buf| encode::publish(buf, subject, &reply, header, payload),
        )
    }

    pub(super) fn life(&self) -> &Life {
        &self.life.life
    }

    pub(super) fn tables(&self) -> crate::sync::MutexGuard<'_, Tables> {
        lock(&self.life().tables)
    }

    fn set_deadline(&self, tables: &mut Tables, deadline: Option<std::time::Instant>, who: Waiter) {
        if let Some(when) = deadline
            && tables.deadlines.insert(when, who)
        {
            self.life().earlier_deadline.notify_one();
        }
    }

    /// `<inbox>.<id>`; the first call subscribes to the inbox.
    fn shared_reply_subject(&self, tables: &mut Tables, id: u64) -> BytesMut {
        let settings = &self.life().settings;
        let (inbox, is_new) = tables.requests.shared_inbox(|| settings.new_inbox());
        let reply = encode::reply_subject(inbox, id);
        if is_new {
            let sid = self.life().settings.next_sid();
            let all = format!("{inbox}.*");
            tables
                .subscriptions
                .insert(sid, all.as_bytes(), b"", Receiver::SharedInbox, 0);
            self.life()
                .outbox
                .control(|buf| tables.subscriptions.encode(buf, sid));
        }
        reply
    }
}

impl Drop for OwnedLife {
    fn drop(&mut self) {
        self.life.begin_close(true);
    }
}

pub(super) fn publish_size(subject: &[u8], reply: &[u8], header: Option<&[u8]>, payload: &[u8]) -> usize {
    subject.len() + reply.len() + header.map_or(0, <[u8]>::len) + payload.len() + PUBLISH_OVERHEAD
}
