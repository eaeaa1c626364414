//! What the engine's own operations use: requests and subscriptions whose messages come to async
//! Rust instead of the owner, the sessions they live through, and the way to the owner.
//!
//! JetStream and the stores above it are made of these. The session puts a message into the
//! operation's channel under the lock of the tables; the operation runs on the same thread, so it
//! has taken what one read brought before the next read is made. That keeps the channels short as
//! long as an operation never waits for the network while messages of a listener queue up.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::sync::{mpsc, oneshot, watch};

use super::error::PublishError;
use super::event::{Event, LogLevel};
use super::gate::Gate;
use super::handle::{Client, publish_size};
use super::lock::lock;
use super::outbox::Pace;
use super::subscriptions::Receiver;
use super::tables::Tables;
use super::task::Task;
use crate::protocol::{Message, ServerInfo, encode};
use crate::sync::Mutex;

impl Client {
    /// Sends a request whose reply comes to an operation of ours. It is written at once; an error
    /// comes with the result of the call.
    pub fn call(&self, subject: &[u8], header: Option<&[u8]>, payload: &[u8], timeout_ms: u64) -> Call {
        let id = self.life().settings.next_request_id();
        let (answer, answered) = oneshot::channel();
        let refused = match self.check_limits(header, payload) {
            Err(error) => Some(error),
            Ok(()) => {
                let enter = |tables: &mut Tables| tables.channels.add_call(id, answer);
                let sent = self.send_request(id, subject, header, payload, timeout_ms, enter);
                sent.err().map(CallError::Refused)
            }
        };
        Call::new(self.clone(), id, answered, refused)
    }

    /// Subscribes for an operation of ours, until `max` messages have come; 0 for no limit.
    pub fn listen(&self, subject: &[u8], max: u64) -> Listener {
        let sid = self.life().settings.next_sid();
        let mut tables = self.tables();
        let messages = tables.channels.add_listener(sid);
        tables
            .subscriptions
            .insert(sid, subject, b"", Receiver::Listener, max);
        self.life()
            .outbox
            .control(|buf| tables.subscriptions.encode(buf, sid));
        drop(tables);
        Listener::new(self.clone(), sid, messages)
    }

    /// Publishes for an operation of ours, without ever waiting and at once: it asks for more, or lets
    /// more come. An empty `reply` means none.
    pub fn send(&self, subject: &[u8], reply: &[u8], payload: &[u8]) -> Result<(), PublishError> {
        let size = publish_size(subject, reply, None, payload);
        let encode = |buf: &mut BytesMut| encode::publish(buf, subject, reply, None, payload);
        self.life().outbox.publish_now(size, Pace::Single, |_| {}, encode)
    }

    /// Resolves when the server has seen everything that was written before, and what it had sent
    /// by then was read. False if the session ended meanwhile, or there is none.
    pub async fn round_trip(&self) -> bool {
        let (answer, answered) = oneshot::channel();
        self.ping_for_operation(answer);
        answered.await.is_ok()
    }

    /// Ends the subscription of a listener from elsewhere; what has come in can still be received.
    /// IDs of others are ignored.
    pub fn stop_listening(&self, sid: u64) {
        let mut tables = self.tables();
        if tables.channels.end_listener(sid) && tables.subscriptions.remove(sid) {
            self.life()
                .outbox
                .control(|buf| encode::unsubscribe(buf, sid, None));
        }
    }

    /// A new reply subject.
    pub fn new_inbox(&self) -> String {
        self.life().settings.new_inbox()
    }

    /// The last INFO.
    pub fn server_info(&self) -> Option<ServerInfo> {
        lock(&self.life().settings.info).clone()
    }

    /// Follows the sessions of this life from now on.
    pub fn sessions(&self) -> Sessions {
        Sessions::new(self.life().sessions.subscribe())
    }

    /// Runs an operation of ours on the runtime; `id` is the one of its [`Outlet`](super::background::Outlet).
    pub fn spawn(&self, id: u64, operation: impl Future<Output = ()> + Send + 'static) -> Task {
        Task::start(self, id, operation)
    }

    /// A log line of an operation, made only if it is wanted.
    pub fn log(&self, level: LogLevel, text: impl FnOnce() -> String) {
        let mut events = Vec::new();
        self.gate().log(&mut events, level, text);
        self.deliver(&mut events);
    }

    /// Without a session the answer is dropped.
    fn ping_for_operation(&self, answer: oneshot::Sender<()>) {
        let mut tables = self.tables();
        if self.life().outbox.control_now(encode::ping) {
            tables.pings.ask_for_operation(answer);
        }
    }

    fn drain_listener(&self, sid: u64) {
        let mut tables = self.tables();
        let mut farewell = BytesMut::new();
        tables.subscriptions.drain_one(sid, &mut farewell);
        self.life().outbox.control(|buf| buf.extend_from_slice(&farewell));
    }

    pub(super) fn deliver(&self, events: &mut Vec<Event>) {
        self.gate().deliver(events);
    }

    fn gate(&self) -> &Gate {
        &self.life().gate
    }

    pub(super) fn check_limits(&self, header: Option<&[u8]>, payload: &[u8]) -> Result<(), CallError> {
        let info = lock(&self.life().settings.info);
        let Some(info) = &*info else { return Ok(()) };
        let size = payload.len() + header.map_or(0, <[u8]>::len);
        if let Some(max) = info.max_payload().filter(|&max| size > max) {
            return Err(CallError::MaxPayload(max));
        }
        if header.is_some() && !info.headers() {
            return Err(CallError::HeadersNotSupported);
        }
        Ok(())
    }
}

/// Why a [`Call`] brought no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallError {
    /// The time was up.
    Timeout,
    /// Nobody listens to the subject.
    NoResponders,
    /// The message is larger than the server takes; its limit in bytes.
    MaxPayload(usize),
    /// The server takes no headers.
    HeadersNotSupported,
    /// The message was not accepted.
    Refused(PublishError),
    /// The life is over.
    Ended,
}

/// A request on its way: resolves to the first reply. Dropping it forgets the request.
pub struct Call {
    client: Client,
    id: u64,
    answered: oneshot::Receiver<Result<Message, CallError>>,
    /// It was never sent.
    refused: Option<CallError>,
    pending: bool,
}

impl Call {
    pub(super) fn new(
        client: Client,
        id: u64,
        answered: oneshot::Receiver<Result<Message, CallError>>,
        refused: Option<CallError>,
    ) -> Self {
        Call {
            client,
            id,
            answered,
            refused,
            pending: true,
        }
    }

    /// The number of the request, of those that scripts see.
    pub fn id(&self) -> u64 {
        self.id
    }
}

impl Future for Call {
    type Output = Result<Message, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(error) = self.refused {
            return Poll::Ready(Err(error));
        }
        let polled = Pin::new(&mut self.answered).poll(cx);
        polled.map(|answer| {
            self.pending = false;
            answer.unwrap_or(Err(CallError::Ended))
        })
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.pending {
            self.client.cancel(self.id);
        }
    }
}

/// A subscription of its own, which survives reconnects. Dropping it unsubscribes.
pub struct Listener {
    client: Client,
    sid: u64,
    messages: mpsc::UnboundedReceiver<Message>,
}

impl Listener {
    pub(super) fn new(client: Client, sid: u64, messages: mpsc::UnboundedReceiver<Message>) -> Self {
        Listener {
            client,
            sid,
            messages,
        }
    }

    /// The next message; `None` once the limit is reached or the life is over.
    pub async fn recv(&mut self) -> Option<Message> {
        self.messages.recv().await
    }

    /// A message that is there already.
    pub fn try_recv(&mut self) -> Option<Message> {
        self.messages.try_recv().ok()
    }

    pub fn sid(&self) -> u64 {
        self.sid
    }

    /// Has the server end the subscription; what is on its way still comes.
    pub fn drain(&self) {
        self.client.drain_listener(self.sid);
    }

    /// Ends the subscription; what has come in can still be received.
    pub fn unsubscribe(&mut self) {
        self.client.stop_listening(self.sid);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.unsubscribe();
    }
}

/// Where a life stands, as operations need to know it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Session {
    /// 1 for the first established session of the life, and so on; 0 before it.
    pub number: u64,
    pub connected: bool,
    /// No further session will come.
    pub ended: bool,
}

/// Follows the sessions of a life.
pub struct Sessions(watch::Receiver<Session>);

impl Sessions {
    pub(super) fn new(of: watch::Receiver<Session>) -> Self {
        Sessions(of)
    }

    pub fn current(&self) -> Session {
        *self.0.borrow()
    }

    /// Resolves when something changed since the last call, with what it is now.
    pub async fn changed(&mut self) -> Session {
        if self.0.changed().await.is_err() {
            return Session {
                ended: true,
                connected: false,
                ..self.current()
            };
        }
        *self.0.borrow_and_update()
    }
}

/// The way of one operation to the owner: each item is announced by an `Event::Item` with the
/// operation's ID, and waits in a queue that both sides share.
pub struct Outlet<T> {
    client: Client,
    id: u64,
    items: Items<T>,
}

/// The owner's end of an [`Outlet`].
pub type Items<T> = Arc<Mutex<VecDeque<T>>>;

impl<T> Outlet<T> {
    pub fn new(client: Client, id: u64, items: Items<T>) -> Self {
        Outlet { client, id, items }
    }

    /// Hands an item over. `weight` counts against the owner's bound; 0 for what a server cannot
    /// cause at will.
    pub fn send(&self, item: T, weight: usize) {
        lock(&self.items).push_back(item);
        self.client.deliver(&mut vec![Event::Item {
            operation: self.id,
            weight,
        }]);
    }

    /// Hands several over at once, each with its weight.
    pub fn send_all(&self, items: impl IntoIterator<Item = (T, usize)>) {
        let operation = self.id;
        let mut events = Vec::new();
        {
            let mut queue = lock(&self.items);
            for (item, weight) in items {
                queue.push_back(item);
                events.push(Event::Item { operation, weight });
            }
        }
        self.client.deliver(&mut events);
    }
}

/// Where the messages for operations go: part of the tables of a life.
#[derive(Default)]
pub(crate) struct Channels {
    calls: BTreeMap<u64, oneshot::Sender<Result<Message, CallError>>>,
    listeners: BTreeMap<u64, mpsc::UnboundedSender<Message>>,
    ended: bool,
}

impl Channels {
    /// Enters who gets the answer to the request `id`; after the end nobody does.
    pub(crate) fn add_call(&mut self, id: u64, answer: oneshot::Sender<Result<Message, CallError>>) {
        if !self.ended {
            self.calls.insert(id, answer);
        }
    }

    /// A channel for the messages of the subscription `sid`.
    pub(crate) fn add_listener(&mut self, sid: u64) -> mpsc::UnboundedReceiver<Message> {
        let (sender, messages) = mpsc::unbounded_channel();
        if !self.ended {
            self.listeners.insert(sid, sender);
        }
        messages
    }

    pub(crate) fn take_call(&mut self, id: u64) -> Option<oneshot::Sender<Result<Message, CallError>>> {
        self.calls.remove(&id)
    }

    pub(crate) fn pass(&self, sid: u64, message: Message) {
        if let Some(listener) = self.listeners.get(&sid) {
            // A listener that goes away unsubscribes by itself.
            let _ = listener.send(message);
        }
    }

    /// Returns whether there was such a listener.
    pub(crate) fn end_listener(&mut self, sid: u64) -> bool {
        self.listeners.remove(&sid).is_some()
    }

    /// The life is over: everything that waits hears of it.
    pub(crate) fn end(&mut self) {
        self.ended = true;
        self.calls.clear();
        self.listeners.clear();
    }
}
