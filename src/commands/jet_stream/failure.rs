//! What scripts see of the errors of JetStream.

use crate::client::background::CallError;
use crate::commands::connection::not_connected;
use crate::commands::connection::publish::refused;
use crate::jetstream::error::{ApiError, JetStreamError};
use crate::tcl::Error;

/// The error code and message of an error.
pub fn to_tcl(error: JetStreamError) -> Error {
    let message = error.to_string();
    match error {
        JetStreamError::Api(error) => api(&error),
        JetStreamError::NotEnabled => Error::nats("ErrJetStreamNotEnabled", message),
        JetStreamError::MsgNotFound => Error::nats("ErrMsgNotFound", message),
        JetStreamError::InvalidRequest => Error::nats("ErrInvalidArg", message),
        JetStreamError::BadReply { .. } => Error::nats("ErrProtocol", message),
        JetStreamError::Subject(error) => Error::nats(error.code(), message),
        JetStreamError::Call { subject, error } => call(&subject, error),
    }
}

fn api(error: &ApiError) -> Error {
    let words = std::iter::once("NATS".to_owned()).chain(error.error_code());
    Error::Tcl {
        code: words.collect(),
        message: error.description().to_owned(),
    }
}

fn call(subject: &str, error: CallError) -> Error {
    match error {
        CallError::Timeout => Error::nats("ErrTimeout", format!("Request to {subject} timed out")),
        CallError::NoResponders => Error::nats("ErrNoResponders", "No responders available for request"),
        CallError::MaxPayload(max) => {
            Error::nats("ErrMaxPayload", format!("Maximum size of NATS message is {max}"))
        }
        CallError::HeadersNotSupported => Error::nats(
            "ErrHeadersNotSupported",
            "Headers are not supported by this server",
        ),
        CallError::Refused(error) => refused(error),
        CallError::Ended => not_connected(),
    }
}
