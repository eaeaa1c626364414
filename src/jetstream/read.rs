//! Reading stored messages: from a stream's leader through the API, or directly from any server
//! that holds the stream.

use std::future::Future;

use super::Context;
use super::api::bad_reply;
use super::error::JetStreamError;
use super::stored_message::StoredMessage;

impl Context {
    /// Asks the leader of a stream. The request is written at once.
    pub fn msg_get(
        &self,
        stream: &str,
        body: &str,
    ) -> impl Future<Output = Result<StoredMessage, JetStreamError>> + Send + use<> {
        let suffix = format!("STREAM.MSG.GET.{stream}");
        let subject = self.subject(&suffix);
        let asked = self.api(&suffix, body);
        async move {
            let message = StoredMessage::from_reply(&asked.await?.fields);
            message.ok_or_else(|| bad_reply(&subject, "it holds no message".to_owned()))
        }
    }

    /// Asks any server that holds the stream, in the way that `suffix` and `body` say. The request
    /// is written at once.
    pub fn direct_get(
        &self,
        suffix: &str,
        body: &str,
    ) -> impl Future<Output = Result<StoredMessage, JetStreamError>> + Send + use<> {
        let subject = self.subject(suffix);
        self.log_request(&subject, body);
        let call = self.call(&subject, None, body.as_bytes());
        let context = self.clone();
        async move {
            let reply = call.await?;
            context.log_reply(&subject, || String::from_utf8_lossy(reply.payload()).into_owned());
            StoredMessage::from_direct(&reply)
        }
    }
}
