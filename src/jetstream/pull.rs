//! One pull request: a batch of messages that a consumer is asked for.

use std::future::pending;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use super::Context;
use super::error::JetStreamError;
use super::pins::Place;
use crate::client::background::Listener;
use crate::client::event::LogLevel;
use crate::protocol::Message;
use crate::protocol::subject::check_publish;

/// Heartbeats that may be missing until the server counts as silent.
const MISSED_HEARTBEATS: u32 = 2;

/// The status that says that another client is pinned.
const WRONG_PIN: u16 = 423;

/// What a server is asked for, as it reads it. Durations are nanoseconds.
#[derive(Debug, Default, Serialize)]
pub struct PullBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// How many messages; not 0.
    pub batch: u64,
    pub no_wait: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_heartbeat: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_pending: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_ack_pending: Option<u64>,
    /// By what the server knows the client that is pinned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// A pull request that was sent. Dropping it ends it.
pub struct Pull {
    context: Context,
    listener: Listener,
    subject: String,
    /// The API request that tells whether there is such a consumer.
    consumer_info: String,
    /// How the log calls it.
    name: String,
    /// The group that is asked for messages.
    place: Option<Place>,
    /// Messages that may still come.
    left: u64,
    /// It was ended by something else than the last message.
    over: bool,
    deadline: Option<Instant>,
    /// Without a sign of life for this long the server has forgotten the request.
    patience: Option<Duration>,
}

/// What a pull request brings.
#[derive(Debug)]
pub enum Pulled {
    /// A message for the user; `last` if it is the last one of a whole batch.
    Message { message: Message, last: bool },
    /// The server has ended the request, for the reason that this says.
    Status(Message),
    /// The time was up, nobody listens, or the server has fallen silent.
    TimedOut,
}

impl Pulled {
    /// Bytes that a server has made us hold.
    pub fn weight(&self) -> usize {
        match self {
            Pulled::Message { message, .. } | Pulled::Status(message) => message.wire_len(),
            Pulled::TimedOut => 0,
        }
    }
}

/// What a message in the inbox of a pull request is.
enum Kind {
    Data,
    Heartbeat,
    NoResponders,
    End(u16),
}

impl Context {
    /// Sends a pull request. It ends after `timeout` milliseconds (0 for no limit) from now.
    /// `kind` is what the log calls it by, with a number.
    pub fn pull(
        &self,
        stream: &str,
        consumer: &str,
        mut body: PullBody,
        timeout: u64,
        kind: &str,
    ) -> Result<Pull, JetStreamError> {
        let subject = self.subject(&format!("CONSUMER.MSG.NEXT.{stream}.{consumer}"));
        let wire = check_publish(&subject, self.check_subjects)?;
        let place = body.group.as_ref().map(|group| Place {
            stream: stream.to_owned(),
            consumer: consumer.to_owned(),
            group: group.clone(),
        });
        body.id = place.as_ref().and_then(|place| self.pins.get(place));
        let json = body.json();
        self.log_request(&subject, &json);
        let sent = self.client.call_many(&wire, json.as_bytes(), body.most_replies());
        let listener = sent.map_err(|error| JetStreamError::Call {
            subject: subject.clone(),
            error,
        })?;
        let deadline = Some(Duration::from_millis(timeout))
            .filter(|timeout| !timeout.is_zero())
            .and_then(|timeout| Instant::now().checked_add(timeout));
        let heartbeat = body.idle_heartbeat.map(Duration::from_nanos);
        Ok(Pull {
            context: self.clone(),
            listener,
            subject,
            consumer_info: format!("CONSUMER.INFO.{stream}.{consumer}"),
            name: format!("{kind} pull request {}", self.client.next_request_id()),
            place,
            left: body.batch,
            over: false,
            deadline,
            patience: heartbeat.map(|heartbeat| heartbeat.saturating_mul(MISSED_HEARTBEATS)),
        })
    }
}

impl PullBody {
    /// The body of a request.
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Messages that may come at most: heartbeats count against the limit of a subscription, too.
    fn most_replies(&self) -> u64 {
        self.batch.saturating_add(self.heartbeats())
    }

    fn heartbeats(&self) -> u64 {
        let heartbeat = self.idle_heartbeat.filter(|&ns| ns > 0);
        heartbeat.map_or(0, |heartbeat| {
            (self.expires.unwrap_or(0) / heartbeat).saturating_add(1)
        })
    }
}

impl Pull {
    /// The subscription by which it can be ended from elsewhere.
    pub fn sid(&self) -> u64 {
        self.listener.sid()
    }

    /// What comes next; `None` after the end.
    pub async fn next(&mut self) -> Option<Pulled> {
        while !self.is_over() {
            let message = tokio::select! {
                biased;
                message = self.listener.recv() => match message {
                    Some(message) => message,
                    // It was ended from elsewhere.
                    None => return self.end(Pulled::TimedOut),
                },
                () = expired(self.deadline) => return self.time_out(),
                () = silence(&self.context, self.patience) => return self.time_out(),
            };
            if let Some(pulled) = self.take(message) {
                return Some(pulled);
            }
        }
        None
    }

    /// What has come already, without waiting.
    pub fn next_now(&mut self) -> Option<Pulled> {
        while !self.is_over() {
            let message = self.listener.try_recv()?;
            if let Some(pulled) = self.take(message) {
                return Some(pulled);
            }
        }
        None
    }

    /// All messages up to the end of the request.
    ///
    /// # Errors
    /// None came although the server did not say so: either because there is no such consumer,
    /// which is looked up, or for want of time.
    pub async fn collect(mut self) -> Result<Vec<Message>, JetStreamError> {
        let mut messages = Vec::new();
        while let Some(pulled) = self.next().await {
            match pulled {
                Pulled::Message { message, .. } => messages.push(message),
                Pulled::TimedOut if messages.is_empty() => return self.look_again().await,
                Pulled::Status(_) | Pulled::TimedOut => break,
            }
        }
        Ok(messages)
    }

    /// Nothing came in time: looks the consumer up, and then for what crossed with the timeout.
    async fn look_again(mut self) -> Result<Vec<Message>, JetStreamError> {
        self.context.api(&self.consumer_info, "").await?;
        self.over = false;
        let mut messages = Vec::new();
        while let Some(pulled) = self.next_now() {
            match pulled {
                Pulled::Message { message, .. } => messages.push(message),
                Pulled::Status(_) | Pulled::TimedOut => return Ok(messages),
            }
        }
        if messages.is_empty() {
            let subject = self.subject;
            return Err(JetStreamError::PullTimeout { subject });
        }
        Ok(messages)
    }

    fn is_over(&self) -> bool {
        self.over || self.left == 0
    }

    fn take(&mut self, message: Message) -> Option<Pulled> {
        match kind(&message) {
            Kind::Data => {
                if let Some(place) = &self.place {
                    self.context.pins.note(place, &message);
                }
                self.left -= 1;
                let last = self.left == 0;
                Some(Pulled::Message { message, last })
            }
            Kind::Heartbeat => None,
            Kind::NoResponders => self.time_out(),
            Kind::End(status) => {
                if let Some(place) = self.place.as_ref().filter(|_| status == WRONG_PIN) {
                    self.context.pins.forget(place);
                }
                let name = &self.name;
                let text = || format!("{name} got status message {status}");
                self.context.client.log(LogLevel::Debug, text);
                self.end(Pulled::Status(message))
            }
        }
    }

    fn time_out(&mut self) -> Option<Pulled> {
        let text = || format!("{} timed out", self.name);
        self.context.client.log(LogLevel::Debug, text);
        self.end(Pulled::TimedOut)
    }

    fn end(&mut self, last: Pulled) -> Option<Pulled> {
        self.over = true;
        Some(last)
    }
}

/// Stored messages may have any header, but always come with a subject for their acknowledgement.
fn kind(message: &Message) -> Kind {
    match message.status() {
        Some(status) if message.payload().is_empty() && message.reply().is_empty() => match status {
            100 => Kind::Heartbeat,
            503 => Kind::NoResponders,
            status => Kind::End(status),
        },
        _ => Kind::Data,
    }
}

async fn expired(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

async fn silence(context: &Context, patience: Option<Duration>) {
    match patience {
        Some(patience) => context.client.sleep_while_reading(patience).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_the_batch_and_the_heartbeats_that_fit_into_the_time() {
        let most = |batch, expires, idle_heartbeat| {
            let body = PullBody {
                batch,
                expires,
                idle_heartbeat,
                ..PullBody::default()
            };
            body.most_replies()
        };
        assert_eq!(most(5, Some(1_000), None), 5);
        assert_eq!(most(5, Some(1_000), Some(0)), 5);
        assert_eq!(most(5, Some(1_000), Some(300)), 9);
        assert_eq!(most(5, None, Some(300)), 6);
        assert_eq!(most(5, Some(u64::MAX), Some(1)), u64::MAX);
        assert_eq!(most(u64::MAX, Some(1_000), Some(300)), u64::MAX);
    }
}
