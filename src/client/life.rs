//! The life of a connection: attempts, sessions, losses, the end.
//!
//! One task per life. It goes from server to server by the rules of the [pool](super::pool):
//!
//! ```text
//! connecting ── PONG ──► connected ── loss ──► reconnecting ── PONG ──► connected …
//!      └── all tried: lost                        └── pool empty: lost
//! ```
//!
//! From anywhere a requested close leads out. Each transition is told by events, each in the
//! order log line, `last_error`, `status`.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rand::Rng;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::abandon::{Abandon, AbandonRequest};
use super::background::Session;
use super::close::{Closing, see_off};
use super::course::{Course, epoch_ms, time_left};
use super::dial::dial;
use super::error::ConnectionError;
use super::event::{Event, EventSink, LogLevel};
use super::gate::Gate;
use super::handshake::Established;
use super::lock::lock;
use super::outbox::Outbox;
use super::pool::{Next, Server};
use super::session::{End, Input};
use super::settings::{Options, Settings};
use super::tables::Tables;
use super::tls;
use super::transport::WriteHalf;
use super::websocket;
use crate::protocol::encode;
use crate::sync::Mutex;

/// What the owner's handle and the life task share.
pub(crate) struct Life {
    pub(crate) settings: Arc<Settings>,
    pub(crate) gate: Gate,
    pub(crate) tables: Mutex<Tables>,
    pub(crate) outbox: Outbox,
    /// Wakes the clock for a deadline before the one that it sleeps on.
    pub(crate) earlier_deadline: Notify,
    pub(crate) closing: Closing,
    pub(crate) abandon: AbandonRequest,
    /// What operations of ours know of the sessions.
    pub(crate) sessions: watch::Sender<Session>,
}

/// No server is left.
struct PoolExhausted;

impl Life {
    pub(crate) fn new(settings: Arc<Settings>, sink: Arc<dyn EventSink>) -> Self {
        Life {
            outbox: Outbox::new(Arc::clone(&settings)),
            settings,
            gate: Gate::new(sink),
            tables: Mutex::default(),
            earlier_deadline: Notify::new(),
            closing: Closing::new(),
            abandon: AbandonRequest::new(),
            sessions: watch::Sender::default(),
        }
    }

    /// Runs the life to its end, whatever the end is.
    pub(crate) async fn live(self: Arc<Self>) {
        let _ended = EndedOnDrop(Arc::clone(&self));
        let life = Arc::clone(&self);
        let task = tokio::spawn(async move {
            tokio::select! {
                biased;
                () = life.run() => {}
                never = life.run_clock() => match never {},
            }
        });
        if task.await.is_err_and(|error| error.is_panic()) {
            self.fail();
        }
    }

    /// Appends the warn line and `last_error` of an error.
    pub(crate) fn report_error(&self, events: &mut Vec<Event>, error: ConnectionError) {
        self.gate.log(events, LogLevel::Warn, || error.text.clone());
        events.push(Event::LastError(Some(error)));
    }

    /// No message will come any more: whatever waits for one hears of it.
    pub(crate) fn end_operations(&self) {
        let mut tables = lock(&self.tables);
        tables.channels.end();
        tables.pings.session_ended();
        drop(tables);
        self.sessions.send_modify(|session| {
            session.connected = false;
            session.ended = true;
        });
    }

    async fn run(&self) {
        let mut course = Course::new(self.abandon.subscribe());
        loop {
            let connection = tokio::select! {
                biased;
                () = self.closing.requested() => None,
                connection = self.next_connection(&mut course) => Some(connection),
            };
            match connection {
                None => {
                    if course.awaiting {
                        lock(&self.settings.pool).wait_abandoned(epoch_ms());
                    }
                    return self.leave(None).await;
                }
                Some(Err(PoolExhausted)) => return self.gate.deliver(&mut vec![Event::Lost]),
                Some(Ok((mut input, writer, owes_pong))) => {
                    course.abandon.forget();
                    self.enter_session(&course, &input, writer, owes_pong);
                    let started = Instant::now();
                    match self.session(&mut input, &mut course.abandon).await {
                        End::Closing => return self.leave(Some(&mut input.reader)).await,
                        End::Broken(error) => {
                            self.leave_session(&input.address, Some(error));
                            course.session_lost(started.elapsed(), &self.settings.options());
                        }
                        End::Abandoned => {
                            let writer = self.leave_session(&input.address, None);
                            if let Some(writer) = writer {
                                see_off(input.reader, writer);
                            }
                            course.session_abandoned();
                        }
                    }
                }
            }
        }
    }

    /// Goes from server to server until one answers the handshake or none is left.
    async fn next_connection(&self, course: &mut Course) -> Result<(Input, WriteHalf, bool), PoolExhausted> {
        let mut events = Vec::new();
        loop {
            let options = self.settings.options();
            let mut removed = Vec::new();
            let (next, server) = {
                let mut pool = lock(&self.settings.pool);
                (
                    pool.next(course.round(&options), &mut removed),
                    pool.current().cloned(),
                )
            };
            for address in removed {
                self.gate.log(&mut events, LogLevel::Debug, || {
                    format!("Removed {address} from the server pool")
                });
            }
            let server = match (next, server) {
                (Next::Attempt | Next::AttemptAfter { .. }, Some(server)) => server,
                (Next::AllTried, _) => {
                    return self.exhausted(events, "No servers available for connection");
                }
                _ => return self.exhausted(events, "Server pool is empty"),
            };
            if let Some(since) = course.delay_begins(next) {
                course.awaiting = true;
                let delay = time_left(since, self.reconnect_delay(&server, &options).await);
                self.wait(delay, &mut course.abandon, &mut events).await;
                self.wait_for_owner(&mut course.abandon).await;
                course.awaiting = false;
            }
            match self.attempt(&server, &mut events).await {
                Ok(Established {
                    reader,
                    writer,
                    parser,
                    buf,
                    owes_pong,
                }) => {
                    let address = server.url.address();
                    self.gate.deliver(&mut events);
                    return Ok((
                        Input {
                            reader,
                            parser,
                            buf,
                            address,
                        },
                        writer,
                        owes_pong,
                    ));
                }
                Err(error) => {
                    self.closing.set_peer(None);
                    {
                        let mut pool = lock(&self.settings.pool);
                        pool.attempt_failed(epoch_ms());
                        pool.note_auth_error(&error);
                    }
                    self.report_error(&mut events, error);
                    self.gate.deliver(&mut events);
                }
            }
        }
    }

    /// Lets the delay of the current server pass, unless the owner is in a hurry.
    async fn wait(&self, delay: Duration, hurry: &mut Abandon, events: &mut Vec<Event>) {
        if delay.is_zero() {
            return;
        }
        self.gate.log(events, LogLevel::Debug, || {
            let ms = delay.as_millis();
            format!("Waiting for {ms} ms before connecting to the next server")
        });
        self.gate.deliver(events);
        tokio::select! {
            () = sleep(delay) => {}
            () = hurry.requested() => {}
        }
    }

    /// Lets an owner catch up that has much to take: each attempt on a server that fails can tell
    /// more.
    async fn wait_for_owner(&self, hurry: &mut Abandon) {
        let caught_up = async {
            while !self.gate.has_room() {
                self.gate.room().await;
            }
        };
        tokio::select! {
            () = caught_up => {}
            () = hurry.requested() => {}
        }
    }

    /// The wait between a server's failure and the next attempt, in ms: the owner's answer, or the
    /// option with a chance addition that spreads the clients of a server that comes back.
    async fn reconnect_delay(&self, server: &Server, options: &Options) -> u64 {
        if options.ask_delay {
            let question = |answer| Event::AskDelay {
                server: Box::new(server.clone()),
                answer,
            };
            if let Some(delay) = self.gate.answer_to(question).await {
                return delay;
            }
        }
        let jitter = rand::rng().random_range(0..=options.reconnect_jitter);
        options.reconnect_time_wait.saturating_add(jitter)
    }

    fn exhausted<T>(&self, mut events: Vec<Event>, text: &str) -> Result<T, PoolExhausted> {
        self.gate.log(&mut events, LogLevel::Error, || text.to_owned());
        self.gate.deliver(&mut events);
        Err(PoolExhausted)
    }

    /// One attempt, from the resolver to the PONG, under one time limit. Before it the owner is
    /// asked for the login.
    async fn attempt(
        &self,
        server: &Server,
        events: &mut Vec<Event>,
    ) -> Result<Established, ConnectionError> {
        let address = server.url.address();
        self.gate.log(events, LogLevel::Info, || {
            format!("Connecting to the server at {address}")
        });
        self.gate.deliver(events);
        let options = self.settings.options();
        let tls = self.tls_setup(&options).await;
        let claim = self.claim(server, &options, &tls).await?;
        let attempt = async {
            let mut transport = dial(&server.url, options.proxy.as_ref()).await?;
            self.closing.set_peer(Some(address.clone()));
            // Nothing can ask for TLS later under a WebSocket.
            let web_socket = server.url.scheme.is_web_socket();
            if options.tls_first || (web_socket && tls.wanted) {
                transport = tls::wrap(transport, server, &tls).await?;
            }
            if web_socket {
                transport = websocket::upgrade(transport, &server.url, &options.ws_headers).await?;
            }
            self.handshake(transport, server, &options, &tls, &claim).await
        };
        match options.connect_timeout {
            0 => attempt.await,
            ms => timeout(Duration::from_millis(ms), attempt)
                .await
                .unwrap_or_else(|_| Err(claim.timed_out(&address))),
        }
    }

    /// Restores what the server must know, ahead of what is buffered, and tells of the session.
    ///
    /// The outbox opens first: an owner that hears of the session finds it working.
    fn enter_session(&self, course: &Course, input: &Input, writer: WriteHalf, owes_pong: bool) {
        lock(&self.settings.pool).attempt_succeeded();
        if course.was_connected {
            self.settings.stats.reconnects.fetch_add(1, Relaxed);
        }
        self.restore(writer, owes_pong);
        self.sessions.send_modify(|session| {
            session.number += 1;
            session.connected = true;
        });
        let mut events = Vec::new();
        self.gate.log(&mut events, LogLevel::Info, || {
            format!("Connected to the server at {}", input.address)
        });
        let server = input.address.clone();
        events.extend([Event::LastError(None), Event::Connected { server }]);
        self.gate.deliver(&mut events);
    }

    fn restore(&self, writer: WriteHalf, owes_pong: bool) {
        let mut front = BytesMut::new();
        if owes_pong {
            encode::pong(&mut front);
        }
        let mut tables = lock(&self.tables);
        tables.subscriptions.restore(&mut front);
        let pings = tables.pings.restore();
        self.outbox.open(writer, front, pings);
    }

    /// Ends a session that broke by the error, or that the owner wants replaced, and tells of the
    /// loss. Returns the write half of the socket.
    fn leave_session(&self, server: &str, error: Option<ConnectionError>) -> Option<WriteHalf> {
        let writer = {
            let mut tables = lock(&self.tables);
            tables.pings.session_ended();
            self.outbox.sever()
        };
        self.closing.set_peer(None);
        self.sessions.send_modify(|session| session.connected = false);
        let mut events = Vec::new();
        match &error {
            Some(error) => {
                lock(&self.settings.pool).note_auth_error(error);
                self.report_error(&mut events, error.clone());
            }
            None => self.gate.log(&mut events, LogLevel::Info, || {
                format!("Closing connection to {server}")
            }),
        }
        let server = server.to_owned();
        events.push(Event::Disconnected { server, error });
        self.gate.deliver(&mut events);
        writer
    }

    /// A panic of the life task: closed with a reason rather than silently dead.
    fn fail(&self) {
        self.outbox.sever();
        self.closing.set_peer(None);
        let mut events = Vec::new();
        let text = "Internal error in the connection";
        self.gate.log(&mut events, LogLevel::Error, || text.to_owned());
        events.push(Event::LastError(Some(ConnectionError::internal(text))));
        events.push(Event::Lost);
        self.gate.deliver(&mut events);
    }
}

/// Runs also when the runtime drops the task, so that nobody waits for its answer.
struct EndedOnDrop(Arc<Life>);

impl Drop for EndedOnDrop {
    fn drop(&mut self) {
        self.0.end_operations();
        self.0.closing.set_ended();
    }
}
