//! What scripts see of the errors of JetStream.

use crate::client::background::CallError;
use crate::commands::advice;
use crate::commands::connection::not_connected;
use crate::commands::connection::publish::{headers_not_supported, max_payload, refused};
use crate::commands::connection::request::{no_responders, timed_out};
use crate::jetstream::error::{ApiError, JetStreamError};
use crate::tcl::Error;

/// The error code and message of an error, with advice for those who do not catch it.
pub fn to_tcl(error: JetStreamError) -> Error {
    let message = error.to_string();
    match error {
        JetStreamError::Api(error) => api(&error),
        JetStreamError::NotEnabled => advice::for_code(Error::nats("ErrJetStreamNotEnabled", message)),
        JetStreamError::MsgNotFound => Error::nats("ErrMsgNotFound", message),
        JetStreamError::InvalidRequest => Error::nats("ErrInvalidArg", message),
        JetStreamError::PullTimeout { .. } => Error::nats("ErrTimeout", message),
        JetStreamError::BadReply { .. } => Error::nats("ErrProtocol", message),
        JetStreamError::PushConsumer(_) => Error::nats("ErrPushConsumer", message),
        JetStreamError::Subject(error) => Error::nats(error.code(), message),
        JetStreamError::Call { subject, error } => call(&subject, error),
    }
}

/// The error code without `NATS` and without numbers, and the message.
pub fn code_and_text(error: JetStreamError) -> (String, String) {
    parts(to_tcl(error))
}

fn parts(error: Error) -> (String, String) {
    match error {
        Error::Advised { error, .. } => parts(*error),
        Error::Nats { code, message } => (code.to_owned(), message),
        Error::Tcl { code, message } => (code.into_iter().nth(1).unwrap_or_default(), message),
        Error::Raised { message, .. } => ("ErrInternal".to_owned(), message.to_text().into_owned()),
    }
}

fn api(error: &ApiError) -> Error {
    let words = std::iter::once("NATS".to_owned()).chain(error.error_code());
    let raised = Error::Tcl {
        code: words.collect(),
        message: error.description().to_owned(),
    };
    advice::for_answer(raised, error.asked())
}

fn call(subject: &str, error: CallError) -> Error {
    match error {
        CallError::Timeout => timed_out(subject),
        CallError::NoResponders => no_responders(),
        CallError::MaxPayload(max) => max_payload(max),
        CallError::HeadersNotSupported => headers_not_supported(),
        CallError::Refused(error) => refused(error),
        CallError::Ended => not_connected(),
    }
}
