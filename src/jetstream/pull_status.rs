//! What the statuses mean that servers send to pull requests of a continuous consumer.

use super::window::Amount;
use crate::protocol::{Headers, Message};

/// A message without content of its own, about pull requests.
#[derive(Debug, PartialEq, Eq)]
pub struct PullStatus {
    pub code: u16,
    pub description: String,
    /// What will not come of the request that it ends, if it tells.
    pub rest: Option<Amount>,
}

/// What is to be done about a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A sign of life.
    Heartbeat,
    /// A request has ended as requests do.
    Over,
    /// The next message is larger than the bytes that the request asked for.
    TooLarge,
    /// Another server leads the consumer now, and knows of no request.
    LeaderChanged,
    /// Another client is the one that is pinned.
    Unpinned,
    /// Nobody listens: there is no such consumer, or nobody leads it for the moment.
    Unheard,
    /// Something that the owner should know; the error code that says what.
    Trouble(&'static str),
    /// No request can succeed any more.
    Fatal(&'static str),
}

impl PullStatus {
    /// Reads a status; `None` for any other message. A stored message may have any header, but
    /// always comes with a subject for its acknowledgement.
    pub fn of(message: &Message) -> Option<PullStatus> {
        let code = message.status()?;
        if !message.payload().is_empty() || !message.reply().is_empty() {
            return None;
        }
        let headers = Headers::parse(message.header()?).ok()?;
        let text = |key: &[u8]| {
            let value = headers.get_first(key)?;
            Some(String::from_utf8_lossy(value).into_owned())
        };
        let number = |key: &[u8]| text(key)?.parse().ok();
        let rest = number(b"Nats-Pending-Messages").map(|messages| Amount {
            messages,
            bytes: number(b"Nats-Pending-Bytes").unwrap_or(0),
        });
        Some(PullStatus {
            code,
            description: text(b"Description").unwrap_or_default(),
            rest,
        })
    }

    pub fn meaning(&self) -> Meaning {
        let description = self.description.to_lowercase();
        let says = |words: &str| description.contains(words);
        match self.code {
            100 => Meaning::Heartbeat,
            404 | 408 => Meaning::Over,
            409 if says("consumer deleted") => Meaning::Fatal("ErrConsumerDeleted"),
            409 if says("push based") => Meaning::Fatal("ErrPushConsumer"),
            409 if says("batch completed") => Meaning::Over,
            409 if says("message size exceeds") => Meaning::TooLarge,
            409 if says("leadership change") => Meaning::LeaderChanged,
            409 if says("server shutdown") => Meaning::Trouble("ErrServerShutdown"),
            409 if says("exceeded") => Meaning::Trouble("ErrConsumerLimit"),
            400 => Meaning::Fatal("ErrBadRequest"),
            412 => Meaning::Fatal("ErrUnsupported"),
            423 => Meaning::Unpinned,
            503 => Meaning::Unheard,
            _ => Meaning::Trouble("ErrPullStatus"),
        }
    }
}

/// The status as a text: the code and what the server says.
impl std::fmt::Display for PullStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.description)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(line: &str) -> PullStatus {
        PullStatus::of(&Message::with_header("", &format!("NATS/1.0 {line}\r\n\r\n"), "")).unwrap()
    }

    #[test]
    fn what_each_status_means() {
        let cases = [
            ("100 Idle Heartbeat", Meaning::Heartbeat),
            ("404 No Messages", Meaning::Over),
            ("408 Request Timeout", Meaning::Over),
            ("409 Batch Completed", Meaning::Over),
            ("409 Message Size Exceeds MaxBytes", Meaning::TooLarge),
            ("409 Leadership Change", Meaning::LeaderChanged),
            ("409 Consumer Deleted", Meaning::Fatal("ErrConsumerDeleted")),
            ("409 Consumer is push based", Meaning::Fatal("ErrPushConsumer")),
            ("409 Server Shutdown", Meaning::Trouble("ErrServerShutdown")),
            ("409 Exceeded MaxWaiting", Meaning::Trouble("ErrConsumerLimit")),
            (
                "409 Exceeded MaxRequestBatch of 10",
                Meaning::Trouble("ErrConsumerLimit"),
            ),
            (
                "400 Bad Request - priority group missing",
                Meaning::Fatal("ErrBadRequest"),
            ),
            ("412 Required Api Level", Meaning::Fatal("ErrUnsupported")),
            ("423 Nats-Wrong-Pin-Id", Meaning::Unpinned),
            ("503", Meaning::Unheard),
            ("409", Meaning::Trouble("ErrPullStatus")),
            ("599 News", Meaning::Trouble("ErrPullStatus")),
        ];
        for (line, meaning) in cases {
            assert_eq!(status(line).meaning(), meaning, "{line}");
        }
    }

    #[test]
    fn the_rest_is_known_if_the_server_tells() {
        assert_eq!(status("404 No Messages").rest, None);
        let told = "408 Request Timeout\r\nNats-Pending-Messages: 7\r\nNats-Pending-Bytes: 99";
        let rest = Amount {
            messages: 7,
            bytes: 99,
        };
        assert_eq!(status(told).rest, Some(rest));
        assert_eq!(status("408 x\r\nNats-Pending-Messages: many").rest, None);
    }

    #[test]
    fn stored_messages_are_none_whatever_their_headers() {
        let header = "NATS/1.0\r\nStatus: 409\r\n\r\n";
        assert_eq!(
            PullStatus::of(&Message::with_header("$JS.ACK.x", header, "")),
            None
        );
        assert_eq!(PullStatus::of(&Message::with_header("", header, "x")), None);
        assert!(PullStatus::of(&Message::with_header("", header, "")).is_some());
    }
}
