//! One HTTP exchange that opens a tunnel: a proxy's CONNECT, a server's upgrade to WebSocket.
//!
//! Only the head of the answer is read. What follows it belongs to the tunnel.

use std::io;

use bytes::BytesMut;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::error::os_reason;
use super::transport::Transport;

/// Bytes that the head of an answer may have; what lies behind them in the same read included.
const MAX_HEAD: usize = 64 * 1024;
/// Lines that a head may have.
const MAX_HEADERS: usize = 128;
const READ_SIZE: usize = 4 * 1024;
/// Characters of a server's own words that go into a message.
const MAX_REASON: usize = 100;

/// The head of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    reason: String,
    headers: Vec<(String, String)>,
}

/// Why there is no answer, as words that follow "the proxy" or "the server".
#[derive(Debug, Error)]
pub(crate) enum Fault {
    #[error("{}", os_reason(.0))]
    Io(#[from] io::Error),
    #[error("the connection was closed without an answer")]
    Ended,
    #[error("the answer is not HTTP")]
    NotHttp,
    #[error("the head of the answer is larger than {} KiB", MAX_HEAD / 1024)]
    TooLong,
}

/// Sends a request and reads the head of the answer. The transport that is returned goes on
/// behind it.
pub(crate) async fn exchange(mut transport: Transport, request: &[u8]) -> Result<(Answer, Transport), Fault> {
    transport.write_all(request).await?;
    transport.flush().await?;
    let mut buf = BytesMut::new();
    loop {
        buf.reserve(READ_SIZE);
        if transport.read_buf(&mut buf).await? == 0 {
            return Err(Fault::Ended);
        }
        if let Some((answer, length)) = Answer::parse(&buf)? {
            let unread = buf.split_off(length).freeze();
            return Ok((answer, transport.with_unread(unread)));
        }
        if buf.len() >= MAX_HEAD {
            return Err(Fault::TooLong);
        }
    }
}

impl Answer {
    /// The head at the beginning of `bytes` and its length; `None` if it is not complete.
    fn parse(bytes: &[u8]) -> Result<Option<(Answer, usize)>, Fault> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut head = httparse::Response::new(&mut headers);
        let length = match head.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(Fault::NotHttp),
        };
        let text = |value| String::from_utf8_lossy(value).into_owned();
        let answer = Answer {
            status: head.code.ok_or(Fault::NotHttp)?,
            reason: head.reason.unwrap_or_default().to_owned(),
            headers: head
                .headers
                .iter()
                .map(|header| (header.name.to_owned(), text(header.value)))
                .collect(),
        };
        Ok(Some((answer, length)))
    }

    /// The status and the words that came with it, fit for a message: `404 Not Found`.
    pub(crate) fn status_line(&self) -> String {
        let words: String = self
            .reason
            .chars()
            .filter(|c| c.is_ascii_graphic() || *c == ' ')
            .take(MAX_REASON)
            .collect();
        format!("{} {words}", self.status).trim_end().to_owned()
    }

    /// The values of all headers of that name, in their order.
    pub(crate) fn header<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

/// The length of the head of an answer, and its status line, if it is complete.
#[cfg(fuzzing)]
pub fn head(bytes: &[u8]) -> Option<(usize, String)> {
    let (answer, length) = Answer::parse(bytes).ok()??;
    Some((length, answer.status_line()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<(Answer, usize)>, Fault> {
        Answer::parse(text.as_bytes())
    }

    #[test]
    fn a_head_ends_where_the_tunnel_begins() {
        let text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nINFO";
        let (answer, length) = parse(text).expect("HTTP").expect("complete");
        assert_eq!(&text[length..], "INFO");
        assert_eq!(answer.status_line(), "101 Switching Protocols");
        assert_eq!(answer.header("upgrade").collect::<Vec<_>>(), ["websocket"]);
    }

    #[test]
    fn an_incomplete_head_wants_more_and_another_protocol_does_not() {
        assert!(matches!(parse("HTTP/1.1 200 OK\r\nA: b\r\n"), Ok(None)));
        assert!(matches!(parse("INFO {}\r\n"), Err(Fault::NotHttp)));
    }

    #[test]
    fn the_words_of_a_status_are_bounded_and_printable() {
        let reason = format!("a\tb{}", "x".repeat(500));
        let (answer, _) = parse(&format!("HTTP/1.1 403 {reason}\r\n\r\n"))
            .expect("HTTP")
            .expect("complete");
        let line = answer.status_line();
        assert!(
            line.starts_with("403 abxx") && line.len() == 4 + MAX_REASON,
            "{line}"
        );
    }
}
