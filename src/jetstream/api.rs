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

/// Values of JSON in one reply, or in all pages of a listing: each takes far more memory than text.
/// The largest replies, those of a server with a hundred thousand streams, have fewer.
const MAX_VALUES: usize = 4_000_000;

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
        let mut values = 0;
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
            let ApiReply { text, fields } = self.api(suffix, &body).await?;
            values += most_values(&text);
            if values > MAX_VALUES {
                return Err(bad_reply(&self.subject(suffix), too_many_values()));
            }
            let mut reply = fields;
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
    if most_values(text) > MAX_VALUES {
        return Err(bad_reply(subject, too_many_values()));
    }
    // What is no object would be repeated in the parser's words, however long it is.
    if !text.trim_ascii_start().starts_with('{') {
        return Err(bad_reply(subject, "no JSON object".to_owned()));
    }
    let fields = serde_json::from_str(text)
        .map_err(|error| bad_reply(subject, format!("no JSON object ({error})")))?;
    match ApiError::of(&fields) {
        None => Ok(fields),
        Some(error) => Err(JetStreamError::Api(error.to_request(subject))),
    }
}

/// How many values of JSON a text can hold at most.
fn most_values(text: &str) -> usize {
    let begins = |byte: &&u8| matches!(byte, b',' | b'[' | b'{');
    1 + text.as_bytes().iter().filter(begins).count()
}

fn too_many_values() -> String {
    format!("it holds more than {MAX_VALUES} values")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_up_to_a_number_of_values() {
        let reply = |count| read_reply("s", &format!("{{\"a\":[0{}]}}", ",0".repeat(count)));
        assert!(reply(1000).is_ok());
        let error = reply(MAX_VALUES).unwrap_err();
        assert_eq!(
            error.to_string(),
            "The reply to s is not understood: it holds more than 4000000 values"
        );
    }

    #[test]
    fn a_reply_is_not_repeated_in_the_error_about_it() {
        for text in ["\"\u{7f}\"", "[1]", "{\"a\":x}", ""] {
            let text = text.replace('\u{7f}', &"\u{7f}".repeat(10_000));
            let error = read_reply("s", &text).unwrap_err().to_string();
            assert!(error.contains("no JSON object") && error.len() < 200, "{error}");
        }
    }

    #[test]
    fn no_text_holds_more_values_than_are_counted() {
        for (text, values) in [("1", 1), ("[]", 1), ("[1,2]", 3), (r#"{"a":[1,{}],"b":2}"#, 5)] {
            assert!(most_values(text) >= values, "{text}");
        }
    }
}
