//! A connection to a server of the model's own: a pipe that holds little.

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, DuplexStream};

use super::super::life::Life;
use super::super::session::Input;
use crate::protocol::Parser;

/// Bytes that either direction holds.
pub(super) const CAPACITY: usize = 48;

pub(super) fn pipe() -> (DuplexStream, DuplexStream) {
    tokio::io::duplex(CAPACITY)
}

/// Connects a life: what its session reads, and the server's side.
pub(super) fn connect(life: &Life) -> (Input, DuplexStream) {
    let (socket, server) = pipe();
    let (reader, writer) = tokio::io::split(socket);
    life.outbox.open(Box::new(writer), BytesMut::new(), 0);
    let input = Input {
        reader: Box::new(reader),
        parser: Parser::new(),
        buf: BytesMut::new(),
        address: String::new(),
    };
    (input, server)
}

/// Reads up to the end of what the server is sent.
pub(super) async fn read_to_end(server: &mut DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    server.read_to_end(&mut bytes).await.unwrap();
    bytes
}

/// The payloads of the publishes that have come as a whole.
pub(super) fn payloads(bytes: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(bytes).unwrap();
    let whole = text.rfind("\r\n").map_or("", |end| &text[..end]);
    let mut lines = whole.split("\r\n");
    let mut payloads = Vec::new();
    while let Some(line) = lines.next() {
        if line.starts_with("PUB ") {
            payloads.extend(lines.next().map(str::to_owned));
        }
    }
    payloads
}
