//! Requests to the JetStream API and their replies.

use std::future::Future;

use serde_json::{Map, Value};

use super::Context;
use super::error::{ApiError, JetStreamError};
use crate::client::background::CallError;
use crate::client::event::LogLevel;
use crate::protocol::Message;
use crate::protocol::subject::check_publish;

/// Entries of a listing that are collected at most: a server that counts wrongly must not take all
/// memory.
pub const MAX_ENTRIES: usize = 1_000_000;

/// A reply without an error.
pub struct ApiReply {
    /// The JSON as it came.
    pub text: String,
    /// Its fields, without `type`, which says the same for every reply to a request.
    pub fields: Map<String, Value>,
}

impl Context {
    /// Asks the API, with JSON or nothing as `body`. The request is written at once.
    pub fn api(
        &self,
        suffix: &str,
        body: &str,
    ) -> impl Future<Output = Result<ApiReply, JetStreamError>> + Send + use<> {
        let subject = self.subject(suffix);
        self.log_request(&subject, body);
        let call = self.call(&subject, None, body.as_bytes());
        let context = self.clone();
        async move {
            let message = call.await.map_err(not_enabled)?;
            let text = String::from_utf8_lossy(message.payload()).into_owned();
            context.log_reply(&subject, || text.clone());
            let mut fields = read_reply(&subject, &text)?;
            fields.shift_remove("type");
            Ok(ApiReply { text, fields })
        }
    }

    /// Asks for all pages of a listing and returns the elements of `list`. `filter` is what the
    /// request holds besides the place to go on from.
    pub async fn pages(
        &self,
        suffix: &str,
        filter: Map<String, Value>,
        list: &str,
    ) -> Result<Vec<Value>, JetStreamError> {
        let mut entries = Vec::new();
        loop {
            let mut request = filter.clone();
            if !entries.is_empty() {
                request.insert("offset".to_owned(), entries.len().into());
            }
            let body = if request.is_empty() {
                String::new()
            } else {
                Value::Object(request).to_string()
            };
            let mut reply = self.api(suffix, &body).await?.fields;
            let total = reply.get("total").and_then(Value::as_u64).unwrap_or(0);
            // Without any entry the server sends null.
            let Some(Value::Array(page)) = reply.shift_remove(list) else {
                return Ok(entries);
            };
            let done = page.is_empty();
            entries.extend(page);
            if done || entries.len() as u64 >= total {
                return Ok(entries);
            }
            if entries.len() >= MAX_ENTRIES {
                let fault = format!("it lists more than {MAX_ENTRIES} entries");
                return Err(bad_reply(&self.subject(suffix), fault));
            }
        }
    }

    /// Sends a request to a subject, which is checked first. It is written at once; the future is
    /// the reply.
    pub fn call(
        &self,
        subject: &str,
        header: Option<&[u8]>,
        payload: &[u8],
    ) -> impl Future<Output = Result<Message, JetStreamError>> + Send + use<> {
        let sent = check_publish(subject, self.check_subjects)
            .map(|wire| self.client.call(&wire, header, payload, self.timeout));
        let subject = subject.to_owned();
        async move {
            sent?
                .await
                .map_err(|error| JetStreamError::Call { subject, error })
        }
    }

    pub fn log_request(&self, subject: &str, body: &str) {
        if self.trace {
            self.client
                .log(LogLevel::Debug, || format!(">>> {subject} {body}"));
        }
    }

    pub fn log_reply(&self, subject: &str, text: impl FnOnce() -> String) {
        if self.trace {
            self.client
                .log(LogLevel::Debug, || format!("<<< {subject} {}", text()));
        }
    }
}

/// The fields of a reply from `subject` that tells no error.
pub fn read_reply(subject: &str, text: &str) -> Result<Map<String, Value>, JetStreamError> {
    let fields = serde_json::from_str(text)
        .map_err(|error| bad_reply(subject, format!("no JSON object ({error})")))?;
    match ApiError::of(&fields) {
        None => Ok(fields),
        Some(error) => Err(JetStreamError::Api(error.to_request(subject))),
    }
}

/// For the API, that nobody answers means that there is none.
fn not_enabled(error: JetStreamError) -> JetStreamError {
    match error {
        JetStreamError::Call {
            error: CallError::NoResponders,
            ..
        } => JetStreamError::NotEnabled,
        other => other,
    }
}

/// A reply that makes no sense.
pub fn bad_reply(subject: &str, fault: String) -> JetStreamError {
    JetStreamError::BadReply {
        subject: subject.to_owned(),
        fault,
    }
}
