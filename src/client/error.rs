//! The errors of a connection: a code for programs and a text for people.

use std::io;

use super::tls;
use super::websocket::Violation;
use crate::protocol::{ProtocolError, ServerError, UnknownHeaderVersion};

/// What `last_error` holds: the second word of the error code, and the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionError {
    /// The word after `NATS` in the error code, such as `ErrBrokenSocket`.
    pub code: &'static str,
    pub text: String,
}

/// Why [`Client::publish`](super::Client::publish) and its kin did not take a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishError {
    /// The buffer for times without a working connection is full.
    ReconnectBufExceeded,
    /// The caller, or the end of the process, ended the wait for room.
    Interrupted,
    /// The life is over.
    Closed,
}

impl ConnectionError {
    fn new(code: &'static str, text: String) -> Self {
        ConnectionError { code, text }
    }

    /// Whether the server, or the lack of a login, says that we may not connect.
    pub(crate) fn is_authentication(&self) -> bool {
        matches!(
            self.code,
            "ErrAuthorization" | "ErrAuthExpired" | "ErrAuthRevoked" | "ErrAccountAuthExpired"
        )
    }

    /// Whether the server ended the connection because, or possibly because, we read too slowly.
    pub(crate) fn is_drop(&self, behind: bool) -> bool {
        (behind && self.code == "ErrBrokenSocket") || self.text.starts_with("slow consumer")
    }

    pub(crate) fn end_of_stream(server: &str) -> Self {
        Self::new(
            "ErrBrokenSocket",
            format!("Server {server} closed the connection"),
        )
    }

    pub(crate) fn read(server: &str, error: &io::Error) -> Self {
        // A server that ends without a farewell of TLS has closed all the same; what it cut off
        // shows by lengths and line ends.
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::end_of_stream(server);
        }
        if let Some(violation) = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Violation>())
        {
            return Self::web_socket(server, &violation.to_string());
        }
        Self::new(
            "ErrBrokenSocket",
            format!("Connection to {server} broken - {}", os_reason(error)),
        )
    }

    pub(crate) fn write(server: &str, error: &io::Error) -> Self {
        Self::new(
            "ErrBrokenSocket",
            format!("Failed to send data to {server}: {}", os_reason(error)),
        )
    }

    pub(crate) fn write_connect(server: &str, error: &io::Error) -> Self {
        let reason = os_reason(error);
        Self::new(
            "ErrBrokenSocket",
            format!("Failed to send CONNECT protocol to {server}: {reason}"),
        )
    }

    pub(crate) fn dial(server: &str, reason: &str) -> Self {
        Self::new(
            "ErrConnectionRefused",
            format!("Failed to connect to {server}: {reason}"),
        )
    }

    pub(crate) fn proxy(server: &str, proxy: &str, reason: &str) -> Self {
        Self::dial(server, &format!("proxy {proxy}: {reason}"))
    }

    /// The server did not open a WebSocket.
    pub(crate) fn no_web_socket(server: &str, reason: &str) -> Self {
        Self::dial(server, &format!("no WebSocket: {reason}"))
    }

    /// The server does not keep to the rules of WebSocket.
    pub(crate) fn web_socket(server: &str, reason: &str) -> Self {
        let text = format!("Server {server} broke the WebSocket protocol: {reason}");
        Self::new("ErrProtocol", text)
    }

    pub(crate) fn timeout(server: &str) -> Self {
        Self::new("ErrConnectionTimeout", format!("Connection timeout for {server}"))
    }

    pub(crate) fn endless_handshake(server: &str) -> Self {
        Self::new("ErrProtocol", format!("The handshake with {server} does not end"))
    }

    pub(crate) fn too_many_fields() -> Self {
        Self::new(
            "ErrProtocol",
            "Invalid protocol INFO with too many fields".to_owned(),
        )
    }

    pub(crate) fn too_large_info() -> Self {
        Self::new(
            "ErrProtocol",
            "Invalid protocol INFO with too large fields".to_owned(),
        )
    }

    pub(crate) fn tls(server: &str, reason: &str) -> Self {
        Self::new(
            "ErrTLS",
            format!("TLS handshake with server {server} failed: {reason}"),
        )
    }

    /// Reading failed before the server's PONG: in TLS 1.3 only then a client hears that its
    /// certificate was refused.
    pub(crate) fn read_in_handshake(server: &str, error: &io::Error) -> Self {
        match tls::reason(error) {
            Some(reason) => Self::tls(server, &reason),
            None => Self::read(server, error),
        }
    }

    pub(crate) fn secure_wanted(server: &str) -> Self {
        Self::new(
            "ErrSecureConnWanted",
            format!("Server {server} does not provide TLS"),
        )
    }

    pub(crate) fn no_credentials(server: &str) -> Self {
        let text = format!("No credentials known for NATS server at {server}");
        Self::new("ErrAuthorization", text)
    }

    /// There is a login, but not one to be sent to this server now. The reason holds no secrets.
    pub(crate) fn login(server: &str, reason: &str) -> Self {
        Self::new("ErrAuthorization", format!("Cannot log in to {server}: {reason}"))
    }

    pub(crate) fn stale(pings: u64) -> Self {
        let text = format!("The server did not respond to {pings} PINGs");
        Self::new("ErrStaleConnection", text)
    }

    pub(crate) fn internal(reason: &str) -> Self {
        Self::new("ErrBrokenSocket", reason.to_owned())
    }

    pub(crate) fn runtime(reason: &str) -> Self {
        Self::new("ErrConnectionClosed", reason.to_owned())
    }
}

impl From<ProtocolError> for ConnectionError {
    fn from(error: ProtocolError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<UnknownHeaderVersion> for ConnectionError {
    fn from(error: UnknownHeaderVersion) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<ServerError> for ConnectionError {
    fn from(error: ServerError) -> Self {
        Self::new(error.code, error.text)
    }
}

/// The operating system's reason in the words that Tcl uses: `connection refused`.
///
/// Takes off what Rust adds around it, the number at the end and the first capital. Errors of TLS
/// have words of their own.
pub(crate) fn os_reason(error: &io::Error) -> String {
    if let Some(reason) = tls::reason(error) {
        return reason;
    }
    let text = error.to_string();
    let text = match text.rfind(" (os error ") {
        Some(end) => &text[..end],
        None => &text,
    };
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => "unknown error".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_reasons_read_like_tcl() {
        for (code, reason) in [(111, "connection refused"), (104, "connection reset by peer")] {
            assert_eq!(os_reason(&io::Error::from_raw_os_error(code)), reason);
        }
        assert_eq!(os_reason(&io::Error::other("Some trouble")), "some trouble");
    }
}
