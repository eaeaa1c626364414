//! Many stored messages at once: batched `DIRECT.GET`, which servers know since 2.11.

use std::time::Duration;

use serde_json::json;
use tokio::time::timeout;

use super::Context;
use super::api::bad_reply;
use super::error::JetStreamError;
use super::stored_message::StoredMessage;
use crate::client::background::{CallError, Listener};
use crate::protocol::subject::check_publish;
use crate::protocol::{Headers, MAX_INCOMING, Message};

/// Bytes that one request asks for. The server sends them without waiting for us, and drops a
/// client that has too much unread.
const PAGE: u64 = 4 * 1024 * 1024;
/// Bytes that a server may send for one request: what was asked for, by its own count, and one more
/// of the largest messages.
const MAX_PAGE: usize = 2 * PAGE as usize + MAX_INCOMING;

impl Context {
    /// The newest message of each subject, in the order of the stream; subjects may hold wildcards.
    ///
    /// # Errors
    /// [`BatchError::Unsupported`] if the server cannot, or not for so many subjects.
    pub async fn last_messages(
        &self,
        stream: &str,
        subjects: &[String],
    ) -> Result<Vec<StoredMessage>, BatchError> {
        let mut messages = Vec::new();
        let mut body = json!({"multi_last": subjects, "max_bytes": PAGE});
        loop {
            let before = messages.len();
            let end = self.page(stream, &body.to_string(), &mut messages).await?;
            if end.pending == 0 {
                return Ok(messages);
            }
            if messages.len() == before {
                return Err(BatchError::Unsupported);
            }
            // The rest as it was when the first page was made.
            body["seq"] = end.last.saturating_add(1).into();
            body["up_to_seq"] = end.up_to.into();
        }
    }

    /// Adds the messages of one page.
    async fn page(
        &self,
        stream: &str,
        body: &str,
        messages: &mut Vec<StoredMessage>,
    ) -> Result<End, BatchError> {
        let subject = self.subject(&format!("DIRECT.GET.{stream}"));
        self.log_request(&subject, body);
        let wire = check_publish(&subject, self.check_subjects).map_err(JetStreamError::from)?;
        let failed = |error| JetStreamError::Call {
            subject: subject.clone(),
            error,
        };
        let replies = self.client.call_many(&wire, body.as_bytes(), 0);
        let mut replies = replies.map_err(failed)?;
        let mut bytes = 0;
        loop {
            let reply = self.reply(&mut replies).await.map_err(failed)?;
            bytes += reply.wire_len();
            if bytes > MAX_PAGE {
                return Err(bad_reply(&subject, "it does not end".to_owned()).into());
            }
            // A stored message may have any header, but always comes with its place in the stream.
            let status = match number(&reply, b"Nats-Sequence") {
                Some(_) => None,
                None => reply.status(),
            };
            match status {
                Some(204) => return Ok(End::of(&reply)),
                Some(404) => return Ok(End::default()),
                Some(408 | 413) => return Err(BatchError::Unsupported),
                Some(503) => return Err(failed(CallError::NoResponders).into()),
                None if number(&reply, PENDING).is_none() => return Err(BatchError::Unsupported),
                _ => messages.push(StoredMessage::from_direct(&reply)?),
            }
        }
    }

    async fn reply(&self, replies: &mut Listener) -> Result<Message, CallError> {
        let reply = replies.recv();
        let reply = match self.timeout {
            0 => reply.await,
            ms => timeout(Duration::from_millis(ms), reply)
                .await
                .map_err(|_| CallError::Timeout)?,
        };
        reply.ok_or(CallError::Ended)
    }
}

/// Why a batch could not be read.
#[derive(Debug)]
pub enum BatchError {
    /// The server does not know such requests, or refuses one of this size.
    Unsupported,
    Failed(JetStreamError),
}

impl From<JetStreamError> for BatchError {
    fn from(error: JetStreamError) -> Self {
        BatchError::Failed(error)
    }
}

/// What the server says behind the last message of a page.
#[derive(Default)]
struct End {
    /// Messages that are left.
    pending: u64,
    /// The last message that was sent, and the last one of the stream that counts.
    last: u64,
    up_to: u64,
}

impl End {
    fn of(reply: &Message) -> End {
        let number = |name| number(reply, name).unwrap_or(0);
        End {
            pending: number(PENDING),
            last: number(b"Nats-Last-Sequence"),
            up_to: number(b"Nats-UpTo-Sequence"),
        }
    }
}

/// Every message of a batch tells how many follow.
const PENDING: &[u8] = b"Nats-Num-Pending";

fn number(reply: &Message, name: &[u8]) -> Option<u64> {
    let headers = Headers::parse(reply.header()?).ok()?;
    std::str::from_utf8(headers.get_first(name)?).ok()?.parse().ok()
}
