//! What operations fail with.

use serde_json::{Map, Value};
use thiserror::Error;

use crate::client::background::CallError;
use crate::protocol::subject::SubjectError;

#[derive(Debug, Clone, Error)]
pub enum JetStreamError {
    /// The server answered with an error.
    #[error("{}", .0.description())]
    Api(ApiError),
    #[error("JetStream is not enabled in the server")]
    NotEnabled,
    #[error("no message found")]
    MsgNotFound,
    #[error("Invalid request")]
    InvalidRequest,
    /// The answer is none; holds the subject asked and what is wrong.
    #[error("The reply to {subject} is not understood: {fault}")]
    BadReply { subject: String, fault: String },
    /// Nobody can pull from this consumer.
    #[error("Consumer {0} is a push consumer: it delivers by itself")]
    PushConsumer(String),
    #[error(transparent)]
    Subject(#[from] SubjectError),
    /// A pull request that a caller waits for brought nothing; holds its subject.
    #[error("Sync pull request timeout, subject={subject}")]
    PullTimeout { subject: String },
    /// The request brought no answer; holds its subject.
    #[error("Request to {subject} failed: {error:?}")]
    Call { subject: String, error: CallError },
}

impl JetStreamError {
    /// Whether it is an answer of the server with this code, one of those behind `NATS`.
    pub fn is(&self, code: &str) -> bool {
        match self {
            JetStreamError::Api(error) => error.error_code()[0] == code,
            JetStreamError::MsgNotFound => code == "ErrMsgNotFound",
            _ => false,
        }
    }

    /// Whether nobody listens to the subject that was asked.
    pub fn is_no_responders(&self) -> bool {
        self.call() == Some(CallError::NoResponders)
    }

    /// Whether no answer came in time.
    pub fn is_timeout(&self) -> bool {
        self.call() == Some(CallError::Timeout)
    }

    /// Whether what was asked for may have been done, or may still be, although no answer tells.
    pub fn is_uncertain(&self) -> bool {
        let unanswered = matches!(self.call(), Some(CallError::Timeout | CallError::Ended));
        unanswered || matches!(self, JetStreamError::BadReply { .. })
    }

    fn call(&self) -> Option<CallError> {
        match self {
            JetStreamError::Call { error, .. } => Some(*error),
            _ => None,
        }
    }
}

/// The `error` object of an API reply. Fields that are missing count as 0 or empty.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    fields: Map<String, Value>,
    /// The subject of the request, where it tells what the error is about.
    asked: Option<String>,
}

impl ApiError {
    /// The error in a reply, if there is one.
    pub fn of(reply: &Map<String, Value>) -> Option<ApiError> {
        match reply.get("error")? {
            Value::Null => None,
            Value::Object(fields) => Some(ApiError {
                fields: fields.clone(),
                asked: None,
            }),
            other => Some(ApiError::new(0, 0, &other.to_string())),
        }
    }

    pub fn new(code: u64, err_code: u64, description: &str) -> ApiError {
        let fields = [
            ("code", Value::from(code)),
            ("err_code", Value::from(err_code)),
            ("description", Value::from(description)),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        ApiError {
            fields: fields.into_iter().collect(),
            asked: None,
        }
    }

    /// The same error as the answer to a request to this subject.
    pub fn to_request(self, subject: &str) -> ApiError {
        ApiError {
            asked: Some(subject.to_owned()),
            ..self
        }
    }

    /// The subject of the request that it answers, if that is known.
    pub fn asked(&self) -> Option<&str> {
        self.asked.as_deref()
    }

    /// A status like those of HTTP.
    pub fn code(&self) -> u64 {
        self.number("code")
    }

    /// Which of the server's errors it is.
    pub fn err_code(&self) -> u64 {
        self.number("err_code")
    }

    pub fn description(&self) -> &str {
        let text = self.fields.get("description").and_then(Value::as_str);
        text.unwrap_or_default()
    }

    /// Everything but the description, as the server sent it.
    pub fn details(&self) -> impl Iterator<Item = (&str, &Value)> {
        let all = self.fields.iter().map(|(name, value)| (name.as_str(), value));
        all.filter(|(name, _)| *name != "description")
    }

    /// The words of the error code behind `NATS`.
    pub fn error_code(&self) -> Vec<String> {
        let name = match (self.code(), self.err_code()) {
            // Newer servers number a conflict over one subject differently.
            (400, 10071 | 10164) => "ErrWrongLastSequence",
            (404, 10014) => "ErrConsumerNotFound",
            (404, 10037) => "ErrMsgNotFound",
            (404, 10059) => "ErrStreamNotFound",
            (503, 10039) => "ErrJetStreamNotEnabledForAccount",
            (code, err_code) => {
                return vec!["ErrJSResponse".to_owned(), code.to_string(), err_code.to_string()];
            }
        };
        vec![name.to_owned()]
    }

    fn number(&self, name: &str) -> u64 {
        self.fields.get(name).and_then(Value::as_u64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> Option<ApiError> {
        ApiError::of(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn both_numbers_decide_about_the_code() {
        let cases = [
            (400, 10071, "ErrWrongLastSequence"),
            (400, 10164, "ErrWrongLastSequence"),
            (404, 10014, "ErrConsumerNotFound"),
            (404, 10037, "ErrMsgNotFound"),
            (404, 10059, "ErrStreamNotFound"),
            (503, 10039, "ErrJetStreamNotEnabledForAccount"),
            (404, 10071, "ErrJSResponse 404 10071"),
            (400, 10059, "ErrJSResponse 400 10059"),
            (500, 10052, "ErrJSResponse 500 10052"),
        ];
        for (code, err_code, expected) in cases {
            assert_eq!(ApiError::new(code, err_code, "").error_code().join(" "), expected);
        }
    }

    #[test]
    fn missing_and_odd_fields() {
        let found = error(r#"{"error":{"code":"x"}}"#).unwrap();
        assert_eq!((found.code(), found.err_code(), found.description()), (0, 0, ""));
        assert_eq!(error(r#"{"error":"boom"}"#).unwrap().description(), "\"boom\"");
        assert_eq!(error(r#"{"error":null}"#), None);
        assert_eq!(error("{}"), None);
    }

    #[test]
    fn details_leave_the_description_out() {
        let found = error(r#"{"error":{"code":400,"description":"d","err_code":10071,"x":[1]}}"#).unwrap();
        let names: Vec<&str> = found.details().map(|(name, _)| name).collect();
        assert_eq!(names, ["code", "err_code", "x"]);
    }
}
