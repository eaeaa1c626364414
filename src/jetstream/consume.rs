//! Continuous consumption: pull requests that overlap, so that there is always something to take.
//!
//! All requests have one inbox. The server answers each with messages, and with a status when it
//! ends before its time; while one waits, heartbeats show that it still does. When they stop, or
//! when the server has changed, everything asked for counts as lost and is asked for again. That
//! can bring a message twice, which consumers with acknowledgements always can; it never loses one.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Context;
use super::api::ApiReply;
use super::error::JetStreamError;
use super::pins;
use super::pull::PullBody;
use super::pull_status::{Meaning, PullStatus};
use super::window::Flow;
use crate::client::background::{Listener, Outlet, Session, Sessions};
use crate::protocol::Message;
use crate::protocol::subject::check_publish;

/// What to consume and how.
pub struct Settings {
    pub stream: String,
    pub consumer: String,
    /// What each pull request says, but for its amount. `expires` and `idle_heartbeat` are needed;
    /// servers refuse heartbeats of more than half of `expires`.
    pub body: PullBody,
}

/// What happens to a continuous consumer.
pub enum Event {
    /// The consumer exists, and is pulled from.
    Started,
    /// It cannot be consumed from.
    Failed(JetStreamError),
    Message(Message),
    /// Something is wrong; it goes on.
    Trouble(Report),
    /// It is over, by a drain or for the reason told.
    Ended(Option<Report>),
}

/// A fault, as error code (without `NATS`) and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub code: &'static str,
    pub text: String,
}

/// Heartbeats that may be missing.
const MISSED_HEARTBEATS: u32 = 2;
/// Messages that are handed on at once, at most.
const BATCH: usize = 256;
/// The delay before the third pull request in a row that brought nothing; it doubles from there.
const FIRST_DELAY: Duration = Duration::from_millis(100);
/// The longest delay, unless heartbeats come more often.
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// After so many unheard requests the consumer is looked up, and when their number has doubled.
const DOUBTS: u32 = 4;

/// What a message of this consumer counts, as the server sees it.
pub fn size(message: &Message) -> u64 {
    let header = message.header().map_or(0, <[u8]>::len);
    (message.subject().len() + message.reply().len() + header + message.payload().len()) as u64
}

impl Context {
    /// Pulls until the end; what happens goes to `outlet`.
    pub async fn consume(self, settings: Settings, flow: Arc<Flow>, outlet: Outlet<Event>) {
        let place = format!("{}.{}", settings.stream, settings.consumer);
        let subject = self.subject(&format!("CONSUMER.MSG.NEXT.{place}"));
        if let Err(error) = self.check_consumer(&place, &settings.consumer).await {
            return outlet.send(Event::Failed(error), 0);
        }
        match check_publish(&subject, self.check_subjects) {
            Ok(wire) => {
                outlet.send(Event::Started, 0);
                let consumption = Consumption::new(self, settings, wire.into_owned(), flow, outlet);
                consumption.run().await;
            }
            Err(error) => outlet.send(Event::Failed(error.into()), 0),
        }
    }

    async fn check_consumer(&self, place: &str, name: &str) -> Result<(), JetStreamError> {
        let about = self.api(&format!("CONSUMER.INFO.{place}"), "").await?.fields;
        match about
            .get("config")
            .and_then(|config| config.get("deliver_subject"))
        {
            Some(_) => Err(JetStreamError::PushConsumer(name.to_owned())),
            None => Ok(()),
        }
    }
}

struct Consumption {
    context: Context,
    settings: Settings,
    heartbeat: Duration,
    /// To which requests are sent.
    wire: Vec<u8>,
    inbox: String,
    listener: Listener,
    sessions: Sessions,
    /// The session that requests were made in.
    session: Session,
    flow: Arc<Flow>,
    outlet: Outlet<Event>,
    /// When the server counts as silent, if it owes something.
    alarm: Instant,
    /// No request is made before.
    not_before: Option<Instant>,
    /// Requests that ended since the last sign of life.
    fruitless: u32,
    /// The code of the last report since a sign of life: the same trouble is told once.
    told: Option<&'static str>,
    /// The question whether the consumer still exists. Pulling goes on meanwhile: servers that have
    /// lost their leader may never answer it.
    look_up: Option<LookUp>,
}

type LookUp = Pin<Box<dyn Future<Output = Result<ApiReply, JetStreamError>> + Send>>;

impl Consumption {
    fn new(
        context: Context,
        settings: Settings,
        wire: Vec<u8>,
        flow: Arc<Flow>,
        outlet: Outlet<Event>,
    ) -> Consumption {
        let inbox = context.client.new_inbox();
        let sessions = context.client.sessions();
        Consumption {
            listener: context.client.listen(inbox.as_bytes(), 0),
            session: sessions.current(),
            sessions,
            context,
            heartbeat: Duration::from_nanos(settings.body.idle_heartbeat.unwrap_or_default()),
            settings,
            wire,
            inbox,
            flow,
            outlet,
            alarm: Instant::now(),
            not_before: None,
            fruitless: 0,
            told: None,
            look_up: None,
        }
    }

    async fn run(mut self) {
        self.restart_alarm();
        loop {
            self.pull();
            let left = self.next_time() - Instant::now();
            let fatal = tokio::select! {
                biased;
                message = self.listener.recv() => match message {
                    Some(message) => self.receive(message),
                    // The connection is over, which its owner knows.
                    None => return,
                },
                session = self.sessions.changed() => {
                    if session.ended {
                        return;
                    }
                    self.follow(session);
                    None
                }
                () = self.flow.wake.notified() => {
                    if self.flow.is_draining() {
                        return self.drain().await;
                    }
                    None
                }
                found = answer(&mut self.look_up) => {
                    self.look_up = None;
                    deleted(found)
                }
                () = self.context.client.sleep_while_reading(left) => {
                    self.time_passed();
                    None
                }
            };
            if self.is_in_doubt() {
                self.look_up();
            }
            if let Some(report) = fatal {
                self.listener.unsubscribe();
                self.outlet.send(Event::Ended(Some(report)), 0);
                return;
            }
        }
    }

    /// Asks for what is missing, if it is time.
    fn pull(&mut self) {
        if !self.session.connected || self.not_before.is_some_and(|time| Instant::now() < time) {
            return;
        }
        let Some(amount) = self.flow.window().pull() else {
            return;
        };
        self.not_before = None;
        let request = &mut self.settings.body;
        request.batch = amount.messages;
        request.max_bytes = (amount.bytes > 0).then_some(amount.bytes);
        let body = request.json();
        self.context
            .log_request(&self.wire.escape_ascii().to_string(), &body);
        let client = &self.context.client;
        let sent = client.send(&self.wire, self.inbox.as_bytes(), body.as_bytes());
        if sent.is_err() {
            self.flow.window().give_back(amount);
            self.fruitless += 1;
            self.not_before = Some(Instant::now() + self.delay());
        }
        if self.flow.window().requested() == amount {
            self.restart_alarm();
        }
    }

    /// Takes a message, and those that have come behind it. Returns why nothing can go on, if so.
    fn receive(&mut self, first: Message) -> Option<Report> {
        self.restart_alarm();
        let mut fatal = None;
        let mut events = Vec::new();
        let mut next = Some(first);
        while let Some(message) = next {
            match PullStatus::of(&message) {
                None => {
                    self.note(&message);
                    let weight = message.wire_len();
                    events.push((Event::Message(message), weight));
                }
                Some(status) => {
                    let (report, end) = self.heed(&status);
                    events.extend(report.map(|report| {
                        let weight = report.text.len();
                        (Event::Trouble(report), weight)
                    }));
                    fatal = end;
                }
            }
            if fatal.is_some() || events.len() >= BATCH {
                break;
            }
            next = self.listener.try_recv();
        }
        self.outlet.send_all(events);
        fatal
    }

    fn note(&mut self, message: &Message) {
        self.shows_life();
        self.flow.window().came(size(message));
        if self.settings.body.group.is_some()
            && let Some(id) = pins::told_by(message)
        {
            self.settings.body.id = Some(id);
        }
    }

    /// Does what a status asks for. Returns what the owner should know, and why nothing can go on,
    /// if so.
    fn heed(&mut self, status: &PullStatus) -> (Option<Report>, Option<Report>) {
        let meaning = status.meaning();
        if meaning == Meaning::Heartbeat {
            self.shows_life();
            return (None, None);
        }
        let flow = self.flow.clone();
        let mut window = flow.window();
        match (meaning, status.rest) {
            (Meaning::LeaderChanged | Meaning::Unheard, _) | (Meaning::Unpinned, None) => {
                window.forget_requests();
            }
            (Meaning::TooLarge, Some(rest)) => window.too_little(rest),
            (_, Some(rest)) => window.give_back(rest),
            (_, None) => window.refused(),
        }
        let is_untouched = window.is_untouched();
        drop(window);
        // The rest of a request that is too small for the next message is its natural end, and the
        // account knows how much the next one must be.
        if meaning != Meaning::TooLarge || status.rest.is_none() || is_untouched {
            self.fruitless += 1;
        }
        if self.fruitless > 1 {
            self.not_before = Some(Instant::now() + self.delay());
        }
        let report = |code, text| Some(Report { code, text });
        let trouble = match meaning {
            Meaning::Fatal(code) => {
                let text = format!("stopped: {status}");
                return (None, report(code, text));
            }
            Meaning::Unpinned => {
                self.settings.body.id = None;
                None
            }
            Meaning::TooLarge if is_untouched => report(
                "ErrConsumerLimit",
                "the next message is larger than -max_bytes".to_owned(),
            ),
            Meaning::Unheard => report("ErrNoResponders", "nobody answers pull requests".to_owned()),
            Meaning::Trouble(code) => report(code, format!("a pull request ended: {status}")),
            _ => None,
        };
        (trouble.filter(|report| self.is_news(report.code)), None)
    }

    /// The connection has another state, perhaps another server.
    fn follow(&mut self, session: Session) {
        if session.number != self.session.number {
            self.flow.window().forget_requests();
            self.not_before = None;
            self.shows_life();
            self.restart_alarm();
        }
        self.session = session;
    }

    fn time_passed(&mut self) {
        let now = Instant::now();
        if self.not_before.is_some_and(|time| now >= time) {
            self.not_before = None;
        }
        if !self.is_armed() || now < self.alarm {
            return;
        }
        self.restart_alarm();
        self.flow.window().forget_requests();
        let patience = (self.heartbeat * MISSED_HEARTBEATS).as_millis();
        let report = Report {
            code: "ErrConsumerNotActive",
            text: format!("no sign of life for {patience} ms, pulling again"),
        };
        self.outlet.send(Event::Trouble(report), 0);
    }

    /// Hands out what is there and on its way.
    async fn drain(mut self) {
        self.listener.drain();
        self.context.client.round_trip().await;
        self.listener.unsubscribe();
        while let Some(message) = self.listener.try_recv() {
            self.receive(message);
        }
        self.outlet.send(Event::Ended(None), 0);
    }

    /// Whether it seems that there is no such consumer.
    fn is_in_doubt(&self) -> bool {
        self.look_up.is_none()
            && self.told == Some("ErrNoResponders")
            && self.fruitless >= DOUBTS
            && self.fruitless.is_power_of_two()
            && self.not_before.is_some()
    }

    /// Asks whether the consumer exists. It may be gone since a time without a connection.
    fn look_up(&mut self) {
        self.fruitless += 1;
        let place = format!("{}.{}", self.settings.stream, self.settings.consumer);
        let found = self.context.api(&format!("CONSUMER.INFO.{place}"), "");
        self.look_up = Some(Box::pin(found));
    }

    fn shows_life(&mut self) {
        self.fruitless = 0;
        self.told = None;
        self.look_up = None;
    }

    fn is_news(&mut self, code: &'static str) -> bool {
        self.told.replace(code) != Some(code)
    }

    fn delay(&self) -> Duration {
        let doubled = FIRST_DELAY.saturating_mul(1 << self.fruitless.saturating_sub(2).min(16));
        doubled.min(LONGEST_DELAY).min(self.heartbeat)
    }

    fn restart_alarm(&mut self) {
        self.alarm = Instant::now() + self.heartbeat * MISSED_HEARTBEATS;
    }

    fn is_armed(&self) -> bool {
        self.session.connected && self.flow.window().is_waiting()
    }

    /// When there is something to do, whatever comes or not.
    fn next_time(&self) -> Instant {
        let alarm = self.is_armed().then_some(self.alarm);
        let times = [alarm, self.not_before].into_iter().flatten();
        // Some time in the far future.
        times
            .min()
            .unwrap_or_else(|| Instant::now() + Duration::from_secs(86_400))
    }
}

async fn answer(look_up: &mut Option<LookUp>) -> Result<ApiReply, JetStreamError> {
    match look_up {
        Some(found) => found.await,
        None => pending().await,
    }
}

/// Why nothing can go on, if the consumer was looked up and is not there.
fn deleted(found: Result<ApiReply, JetStreamError>) -> Option<Report> {
    match found {
        Err(JetStreamError::Api(error)) if error.code() == 404 => Some(Report {
            code: "ErrConsumerDeleted",
            text: format!("stopped: {}", error.description()),
        }),
        _ => None,
    }
}
