//! Ordered consumers: every message of a stream, or of some of its subjects, once and in order.
//!
//! The server pushes to an inbox and numbers what it sends. When a number is missing, or the
//! server falls silent, the consumer is given up and another one is made that begins behind the
//! last message that came. Messages need no acknowledgement.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::{Instant, sleep_until};

use super::Context;
use super::consumers::{Action, ConsumerRequest};
use super::error::JetStreamError;
use super::metadata::Metadata;
use super::ordered_config::{Deliver, Settings};
use crate::client::Client;
use crate::client::background::Listener;
use crate::protocol::subject::{check_publish, is_visible};
use crate::protocol::{Headers, Message, json_memory};

/// An ordered consumer. Dropping it ends it, on the server as well.
pub struct OrderedConsumer {
    context: Context,
    settings: Settings,
    state: State,
    /// The last message, by the numbers of the consumer and of the stream.
    consumer_seq: u64,
    stream_seq: u64,
    backlog: Backlog,
}

/// What was in the stream already when the first consumer was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backlog {
    /// Some of it has yet to come.
    Coming,
    /// It has come, which is to be told.
    Complete,
    /// That was told.
    Told,
}

/// What happens to an ordered consumer.
pub enum Event {
    /// The next message, whose reply subject has [`Metadata`], and its place in the stream.
    Message { message: Message, stream_seq: u64 },
    /// All that was in the stream at first has come. Happens once, whatever happens before.
    CaughtUp,
    /// The server asks whether what it sent before was taken.
    Flow(Receipt),
    /// It has no consumer on the server any more; the next one begins with `start`.
    Reset { cause: Cause, start: u64 },
    /// It has a new one.
    Restarted(Begun),
    /// There is none yet; the attempt will be repeated.
    Failed(JetStreamError),
    /// There will be none any more: the stream is gone.
    Stopped(JetStreamError),
    /// The server sent something that it should not; in words.
    Odd(String),
}

/// A consumer that was made.
pub struct Begun {
    pub name: String,
    /// What the server tells about it.
    pub info: Map<String, Value>,
    /// The last message of the stream before those that it delivers.
    pub stream_seq: u64,
}

/// Why a consumer was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A message is missing.
    SequenceMismatch,
    /// The server has fallen silent.
    NotActive,
}

/// An answer that the server waits for, to be given once everything before it was taken: until
/// then it sends no more than it has agreed to.
pub struct Receipt {
    client: Client,
    subject: Vec<u8>,
}

enum State {
    Running(Running),
    /// Another consumer is to be made, at once or, after a failure, at this time.
    Resetting(Cause, Option<Instant>),
    Stopped,
}

struct Running {
    name: String,
    listener: Listener,
    /// When the server counts as silent.
    alarm: Instant,
}

/// Heartbeats that may be missing.
const MISSED_HEARTBEATS: u32 = 3;
/// The time between attempts to make another consumer.
const RETRY: Duration = Duration::from_secs(10);
/// How often a request for another consumer is repeated, and after how many milliseconds. One of
/// three servers that is dead gets all of them, and the last one, once in 2,000 times.
const QUICK_ATTEMPTS: u64 = 6;
const QUICK: u64 = 400;
/// What events count that are no messages, besides what they hold: a server can cause them at will.
const ODD_WEIGHT: usize = 100;

impl OrderedConsumer {
    /// Makes the consumer.
    pub async fn create(
        context: Context,
        settings: Settings,
    ) -> Result<(OrderedConsumer, Begun), JetStreamError> {
        let mut consumer = OrderedConsumer {
            context,
            settings,
            state: State::Stopped,
            consumer_seq: 0,
            stream_seq: 0,
            backlog: Backlog::Coming,
        };
        let begun = consumer.begin(None, consumer.context.timeout).await?;
        Ok((consumer, begun))
    }

    /// One that goes on behind this message of the stream, where another one ended with its
    /// connection. It begins with a reset.
    pub fn resume(
        context: Context,
        settings: Settings,
        stream_seq: u64,
        backlog: Backlog,
    ) -> OrderedConsumer {
        OrderedConsumer {
            context,
            settings,
            state: State::Resetting(Cause::NotActive, Some(Instant::now())),
            consumer_seq: 0,
            stream_seq,
            backlog,
        }
    }

    /// What happens next; `None` once it was stopped or the connection is over.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.next_now() {
                return Some(event);
            }
            match &mut self.state {
                State::Running(running) => tokio::select! {
                    biased;
                    message = running.listener.recv() => {
                        if let Some(event) = self.receive(message?) {
                            return Some(event);
                        }
                    }
                    () = self.context.client.sleep_while_reading(running.alarm - Instant::now()) => {
                        return Some(self.reset(Cause::NotActive));
                    }
                },
                State::Resetting(cause, Some(time)) => {
                    sleep_until(*time).await;
                    let cause = *cause;
                    return Some(self.reset(cause));
                }
                State::Resetting(cause, None) => {
                    let cause = *cause;
                    return Some(self.restart(cause).await);
                }
                State::Stopped => return None,
            }
        }
    }

    /// What has happened already, without waiting.
    pub fn next_now(&mut self) -> Option<Event> {
        if self.backlog == Backlog::Complete {
            self.backlog = Backlog::Told;
            return Some(Event::CaughtUp);
        }
        while let State::Running(running) = &mut self.state {
            let message = running.listener.try_recv()?;
            if let Some(event) = self.receive(message) {
                return Some(event);
            }
        }
        None
    }

    fn receive(&mut self, message: Message) -> Option<Event> {
        let State::Running(running) = &mut self.state else {
            return None;
        };
        running.alarm = self.settings.alarm();
        match Control::of(&message) {
            Some(Control::Heartbeat { last, stalled }) => self.heartbeat(last, stalled),
            Some(Control::Flow) => Some(self.receipt(message.reply())),
            None => Some(self.data(message)),
        }
    }

    fn heartbeat(&mut self, last: Option<u64>, stalled: Option<Vec<u8>>) -> Option<Event> {
        match last {
            None => Some(Event::Odd(
                "An idle heartbeat does not tell the last message of its consumer".to_owned(),
            )),
            Some(last) if last != self.consumer_seq => Some(self.reset(Cause::SequenceMismatch)),
            Some(_) => match stalled {
                Some(subject) => Some(self.receipt(&subject)),
                None => self.idle(),
            },
        }
    }

    /// The server has nothing to send: what else there was at first is gone from the stream.
    fn idle(&mut self) -> Option<Event> {
        let told = std::mem::replace(&mut self.backlog, Backlog::Told);
        (told != Backlog::Told).then_some(Event::CaughtUp)
    }

    fn data(&mut self, message: Message) -> Event {
        let Some(metadata) = Metadata::parse(message.reply()) else {
            let subject = message.subject().escape_ascii();
            return Event::Odd(format!(
                "Message with subject {subject} is not a JetStream message"
            ));
        };
        if Some(metadata.consumer_seq) != self.consumer_seq.checked_add(1) {
            return self.reset(Cause::SequenceMismatch);
        }
        self.consumer_seq = metadata.consumer_seq;
        self.stream_seq = metadata.stream_seq;
        self.still_to_come(metadata.num_pending);
        let stream_seq = self.stream_seq;
        Event::Message { message, stream_seq }
    }

    /// Takes note of how many messages the server has yet to send.
    fn still_to_come(&mut self, pending: u64) {
        if pending == 0 && self.backlog == Backlog::Coming {
            self.backlog = Backlog::Complete;
        }
    }

    /// Where the stream goes on. A number that no stream reaches is the server's affair.
    fn next_seq(&self) -> u64 {
        self.stream_seq.saturating_add(1)
    }

    fn receipt(&self, subject: &[u8]) -> Event {
        if !is_visible(subject) {
            let subject = subject.escape_ascii();
            return Event::Odd(format!(
                "A heartbeat wants an answer to {subject}, which is no subject"
            ));
        }
        Event::Flow(Receipt {
            client: self.context.client.clone(),
            subject: subject.to_owned(),
        })
    }

    /// Gives the consumer up.
    fn reset(&mut self, cause: Cause) -> Event {
        self.end();
        self.state = State::Resetting(cause, None);
        let start = self.next_seq();
        Event::Reset { cause, start }
    }

    /// Makes another consumer, if that works.
    async fn restart(&mut self, cause: Cause) -> Event {
        match self.begin_again(self.next_seq()).await {
            Ok(begun) => Event::Restarted(begun),
            Err(error) if error.is("ErrStreamNotFound") => {
                self.state = State::Stopped;
                Event::Stopped(error)
            }
            Err(error) => {
                self.state = State::Resetting(cause, Some(Instant::now() + RETRY));
                Event::Failed(error)
            }
        }
    }

    /// Asks several times within the time of one request: a cluster that has just lost a server
    /// may give the new consumer to that very server, and then nobody answers. The last time is the
    /// longest, for servers that are slow.
    async fn begin_again(&mut self, start: u64) -> Result<Begun, JetStreamError> {
        let whole = self.context.timeout;
        let quick = if whole == 0 {
            QUICK
        } else {
            QUICK.min(whole / 10).max(1)
        };
        for _ in 0..QUICK_ATTEMPTS {
            match self.begin(Some(start), quick).await {
                Err(error) if error.is_timeout() => {}
                outcome => return outcome,
            }
        }
        // 0 would be no limit.
        let rest = whole.saturating_sub(QUICK_ATTEMPTS * quick).max(whole.min(1));
        self.begin(Some(start), rest).await
    }

    async fn begin(&mut self, start: Option<u64>, timeout: u64) -> Result<Begun, JetStreamError> {
        let context = Context {
            timeout,
            ..self.context.clone()
        };
        let client = &context.client;
        let inbox = client.new_inbox();
        let request = ConsumerRequest {
            stream: self.settings.stream.clone(),
            name: None,
            durable_name: None,
            filter_subject: None,
            config: self.settings.consumer(&inbox, start),
            action: Action::Create,
        };
        let info = context.configure_consumer(&request).await?.fields;
        let name = info.get("name").and_then(Value::as_str);
        let name = name.unwrap_or_default().to_owned();
        let delivered = |name: &str| info.get("delivered")?.get(name)?.as_u64();
        self.consumer_seq = delivered("consumer_seq").unwrap_or(0);
        self.stream_seq = delivered("stream_seq").unwrap_or(0);
        self.state = State::Running(Running {
            name: name.clone(),
            // The server begins once somebody listens.
            listener: client.listen(inbox.as_bytes(), 0),
            alarm: self.settings.alarm(),
        });
        let begun = Begun {
            name,
            info,
            stream_seq: self.stream_seq,
        };
        // Who wants only what is new has no backlog, even if something has come in meanwhile.
        let pending = match self.settings.deliver {
            Deliver::New => Some(0),
            _ => begun.pending(),
        };
        if let Some(pending) = pending {
            self.still_to_come(pending);
        }
        Ok(begun)
    }

    /// Ends the consumer on the server without waiting for it. Should that go wrong, the server
    /// forgets it anyway, since nobody listens any more.
    fn end(&mut self) {
        let State::Running(running) = std::mem::replace(&mut self.state, State::Stopped) else {
            return;
        };
        let place = format!("{}.{}", self.settings.stream, running.name);
        let subject = self.context.subject(&format!("CONSUMER.DELETE.{place}"));
        if let Ok(wire) = check_publish(&subject, self.context.check_subjects) {
            drop(self.context.client.call(&wire, None, b"", self.context.timeout));
        }
    }
}

impl Drop for OrderedConsumer {
    fn drop(&mut self) {
        self.end();
    }
}

impl Settings {
    fn alarm(&self) -> Instant {
        Instant::now() + self.idle_heartbeat * MISSED_HEARTBEATS
    }
}

impl Begun {
    /// How many messages there are to deliver, if the server tells.
    pub fn pending(&self) -> Option<u64> {
        self.info.get("num_pending").and_then(Value::as_u64)
    }
}

impl Event {
    /// What it counts against the owner's bound.
    pub fn weight(&self) -> usize {
        let more = match self {
            Event::Message { message, .. } => return message.wire_len(),
            Event::Flow(receipt) => receipt.subject.len(),
            Event::Odd(text) => text.len(),
            Event::Restarted(begun) => json_memory(&begun.info),
            Event::Failed(error) | Event::Stopped(error) => error.to_string().len(),
            Event::Reset { .. } => 0,
            Event::CaughtUp => return 0,
        };
        ODD_WEIGHT + more
    }
}

impl Cause {
    /// The error code without `NATS`.
    pub fn code(self) -> &'static str {
        match self {
            Cause::SequenceMismatch => "ErrConsumerSequenceMismatch",
            Cause::NotActive => "ErrConsumerNotActive",
        }
    }
}

impl Receipt {
    pub fn give(self) {
        // Should it get lost, the server asks again.
        let _ = self.client.send(&self.subject, b"", b"");
    }
}

/// A message about the consumer.
enum Control {
    Heartbeat {
        last: Option<u64>,
        stalled: Option<Vec<u8>>,
    },
    Flow,
}

/// Whether a message comes from the stream, whatever its header: whoever may publish to the stream
/// could otherwise speak for the server.
fn is_stored(message: &Message) -> bool {
    message.reply().starts_with(b"$JS.ACK.")
}

impl Control {
    fn of(message: &Message) -> Option<Control> {
        if message.status() != Some(100) || !message.payload().is_empty() || is_stored(message) {
            return None;
        }
        let headers = Headers::parse(message.header()?).ok()?;
        let description = headers.get_first(b"Description")?;
        if description.starts_with(b"Flow") {
            return Some(Control::Flow);
        }
        let last = headers.get_first(b"Nats-Last-Consumer");
        let last = last.and_then(|last| std::str::from_utf8(last).ok()?.parse().ok());
        let stalled = headers.get_first(b"Nats-Consumer-Stalled");
        let stalled = stalled.map(<[u8]>::to_owned);
        let heartbeat = Control::Heartbeat { last, stalled };
        description.starts_with(b"Idle").then_some(heartbeat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_can_cause_at_will_counts_with_what_it_holds() {
        let restarted = |info: &str| {
            let begun = Begun {
                name: "N".to_owned(),
                info: serde_json::from_str(info).unwrap(),
                stream_seq: 7,
            };
            Event::Restarted(begun).weight()
        };
        assert!(restarted("{}") >= ODD_WEIGHT);
        // An empty array takes far more memory than the three bytes of its text.
        let items = vec!["[]"; 10_000].join(",");
        assert!(restarted(&format!(r#"{{"config":[{items}]}}"#)) > 10 * items.len());
        let reset = Event::Reset {
            cause: Cause::NotActive,
            start: 1,
        };
        assert_eq!(reset.weight(), ODD_WEIGHT);
        assert_eq!(Event::Odd("x".repeat(50)).weight(), ODD_WEIGHT + 50);
        assert_eq!(Event::CaughtUp.weight(), 0);
        let message = Message::with_header("", "NATS/1.0\r\n\r\n", &"x".repeat(300));
        let weight = message.wire_len();
        let stored = Event::Message {
            message,
            stream_seq: 1,
        };
        assert_eq!(stored.weight(), weight);
        assert!(weight > 300);
    }
}
