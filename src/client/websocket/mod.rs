//! WebSocket below the NATS protocol: `ws://` and `wss://`.
//!
//! | Module | Holds |
//! |---|---|
//! | here | the upgrade: one HTTP exchange |
//! | `headers` | the headers that the owner adds to it |
//! | `decoder` | the rules for incoming frames |
//! | `stream` | frames as a stream of bytes |
//!
//! TLS, if wanted, lies below all of this. INFO's word on TLS only mirrors the listener then.

mod decoder;
mod headers;
mod stream;

pub(crate) use decoder::Violation;
#[cfg(fuzzing)]
pub use decoder::decode;
pub use headers::{Header, InvalidHeader, parse_headers};

use tungstenite::handshake::{client::generate_key, derive_accept_key};

use super::error::ConnectionError;
use super::http::{self, Answer};
use super::transport::Transport;
use super::url::ServerUrl;

/// Asks the server for a WebSocket and makes a stream of bytes of it.
pub(crate) async fn upgrade(
    transport: Transport,
    url: &ServerUrl,
    headers: &[Header],
) -> Result<Transport, ConnectionError> {
    let key = generate_key();
    let request = request(url, headers, &key);
    let (answer, transport) = http::exchange(transport, request.as_bytes())
        .await
        .map_err(|fault| ConnectionError::no_web_socket(&url.address(), &fault.to_string()))?;
    check(&answer, &key).map_err(|refusal| match refusal {
        Refusal::Status => {
            let reason = format!("the server answered {}", answer.status_line());
            ConnectionError::no_web_socket(&url.address(), &reason)
        }
        Refusal::Violation(reason) => ConnectionError::web_socket(&url.address(), reason),
    })?;
    Ok(stream::over(transport))
}

enum Refusal {
    Status,
    Violation(&'static str),
}

fn request(url: &ServerUrl, headers: &[Header], key: &str) -> String {
    let slash = if url.path.starts_with('/') { "" } else { "/" };
    let mut request = format!(
        "GET {slash}{} HTTP/1.1\r\n\
         Host: {}\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: {key}\r\n",
        url.path,
        url.address()
    );
    for Header { name, value } in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    request
}

/// Whether the answer opens a WebSocket, and only what was asked for.
fn check(answer: &Answer, key: &str) -> Result<(), Refusal> {
    let has = |name, token: &str| {
        answer
            .header(name)
            .flat_map(|value| value.split(','))
            .any(|word| word.trim().eq_ignore_ascii_case(token))
    };
    if answer.status != 101 {
        return Err(Refusal::Status);
    }
    if !has("Upgrade", "websocket") {
        return Err(Refusal::Violation("its answer lacks Upgrade: websocket"));
    }
    if !has("Connection", "Upgrade") {
        return Err(Refusal::Violation("its answer lacks Connection: Upgrade"));
    }
    let accept = derive_accept_key(key.as_bytes());
    if !answer.header("Sec-WebSocket-Accept").eq([accept.as_str()]) {
        return Err(Refusal::Violation(
            "its answer does not prove that it read the request",
        ));
    }
    let extra = ["Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"];
    if extra.iter().any(|name| answer.header(name).next().is_some()) {
        return Err(Refusal::Violation("it chose an extension that was not offered"));
    }
    Ok(())
}
