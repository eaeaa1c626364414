//! Reading a key, now or at a revision.

use std::future::Future;
use std::pin::Pin;

use serde_json::json;

use super::bucket::Bucket;
use super::entry::Entry;
use super::error::KvError;
use crate::jetstream::Context;
use crate::jetstream::api::bad_reply;
use crate::jetstream::error::JetStreamError;
use crate::jetstream::stored_message::StoredMessage;

impl Bucket {
    /// Reads the value of a key, the one of a revision if that is given. The request is written at
    /// once.
    ///
    /// # Errors
    /// Markers count as keys that are not found.
    pub fn get(
        &self,
        context: &Context,
        key: &str,
        revision: Option<u64>,
    ) -> impl Future<Output = Result<Entry, KvError>> + Send + use<> {
        let entry = self.entry(context, key, revision);
        async move {
            let entry = entry.await?;
            if entry.is_marker() {
                let text = format!("Key {} was deleted or purged", entry.key);
                return Err(KvError::KeyNotFound(text));
            }
            Ok(entry)
        }
    }

    /// Reads the entry of a key, which may be a marker.
    pub(super) fn entry(
        &self,
        context: &Context,
        key: &str,
        revision: Option<u64>,
    ) -> impl Future<Output = Result<Entry, KvError>> + Send + use<> {
        let message = self.message(context, key, revision);
        let (key, bucket, subject) = (key.to_owned(), self.name.clone(), self.stored_at(key));
        async move {
            let message = match message.await {
                Ok(message) => message,
                Err(error) if error.is("ErrMsgNotFound") => {
                    let text = format!("Key {key} not found in bucket {bucket}");
                    return Err(KvError::KeyNotFound(text));
                }
                Err(error) => return Err(KvError::of_bucket(&bucket, error)),
            };
            if message.subject != subject.as_bytes() {
                let other = String::from_utf8_lossy(&message.subject);
                return Err(KvError::KeyNotFound(format!("Expected {subject}, got {other}")));
            }
            let fault = "its revision or time is missing".to_owned();
            Entry::of(&key, &message).ok_or_else(|| KvError::Failed(bad_reply(&subject, fault)))
        }
    }

    fn message(&self, context: &Context, key: &str, revision: Option<u64>) -> Answer {
        let (stream, last) = (&self.stream, self.stored_at(key));
        match (self.allow_direct, revision) {
            (true, None) => Box::pin(context.direct_get(&format!("DIRECT.GET.{stream}.{last}"), "")),
            (true, Some(seq)) => {
                let body = json!({"seq": seq}).to_string();
                Box::pin(context.direct_get(&format!("DIRECT.GET.{stream}"), &body))
            }
            (false, None) => Box::pin(context.msg_get(stream, &json!({"last_by_subj": last}).to_string())),
            (false, Some(seq)) => Box::pin(context.msg_get(stream, &json!({"seq": seq}).to_string())),
        }
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<StoredMessage, JetStreamError>> + Send>>;
