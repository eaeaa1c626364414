//! From an open stream to the server's PONG.
//!
//! The server speaks first (INFO); the client answers with CONNECT and PING in one write, after
//! an upgrade to TLS if wanted. Nothing else is written before the PONG.

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::error::ConnectionError;
use super::event::{Event, LogLevel};
use super::identity::Claim;
use super::life::Life;
use super::pool::Server;
use super::settings::Options;
use super::tls::{self, Setup};
use super::transport::{ReadHalf, Transport, WriteHalf};
use crate::protocol::{Connect, Credentials, MAX_INFO, Parser, ServerError, ServerInfo, ServerOp, encode};

/// The version that the package provides.
const VERSION: &str = env!("CARGO_PKG_VERSION");
const READ_SIZE: usize = 16 * 1024;
/// Bytes that a server may send before its PONG: a few of the largest INFOs. Nothing else bounds
/// what it makes us tell the owner meanwhile.
const MAX_HANDSHAKE: usize = 4 * MAX_INFO;
/// Operations that a server may send before its PONG. Each can make us tell the owner something,
/// and nobody pauses a handshake until the owner has listened.
const MAX_OPERATIONS: usize = 1000;

/// A stream whose server has answered the handshake.
pub(crate) struct Established {
    pub(crate) reader: ReadHalf,
    pub(crate) writer: WriteHalf,
    pub(crate) parser: Parser,
    /// What came behind the PONG.
    pub(crate) buf: BytesMut,
    /// The server sent a PING before the handshake was over.
    pub(crate) owes_pong: bool,
}

/// The stream while it is read and written as a whole.
struct Line {
    transport: Transport,
    parser: Parser,
    buf: BytesMut,
    received: usize,
    operations: usize,
    address: String,
}

impl Life {
    pub(crate) async fn handshake(
        &self,
        transport: Transport,
        server: &Server,
        options: &Options,
        tls: &Setup,
        claim: &Claim,
    ) -> Result<Established, ConnectionError> {
        let mut line = Line::new(transport, server.url.address());
        let info = self.first_info(&mut line).await?;
        // Over WebSocket TLS came before HTTP or not at all; INFO only tells of the listener.
        let settled = line.transport.is_secure() || server.url.scheme.is_web_socket();
        if !settled && upgrades(&info, tls.wanted, &line.address)? {
            line = line.upgrade(server, tls).await?;
        }
        self.take_connect_urls(&info);
        let proof = claim.prove(&self.gate, &info, &line.address, options).await?;
        let json = connect_json(&info, proof.credentials(), options, line.transport.is_secure());
        line.send_connect(&json).await?;
        let owes_pong = self.await_pong(&mut line).await?;
        let (reader, writer) = line.transport.split();
        Ok(Established {
            reader,
            writer,
            parser: line.parser,
            buf: line.buf,
            owes_pong,
        })
    }

    async fn first_info(&self, line: &mut Line) -> Result<ServerInfo, ConnectionError> {
        loop {
            match line.next_op().await? {
                ServerOp::Info(json) => {
                    let mut events = Vec::new();
                    let info = self.note_info(&json, true, &line.address, &mut events)?;
                    self.gate.deliver(&mut events);
                    return Ok(info);
                }
                ServerOp::Err(text) => self.take_server_error(&text)?,
                _ => {}
            }
        }
    }

    /// Returns whether the server is owed a PONG.
    async fn await_pong(&self, line: &mut Line) -> Result<bool, ConnectionError> {
        let mut owes_pong = false;
        loop {
            match line.next_op().await? {
                ServerOp::Pong => return Ok(owes_pong),
                ServerOp::Ping => owes_pong = true,
                ServerOp::Info(json) => {
                    let mut events = Vec::new();
                    self.take_info(&json, &line.address, &mut events)?;
                    self.gate.deliver(&mut events);
                }
                ServerOp::Err(text) => self.take_server_error(&text)?,
                ServerOp::Ok => {
                    let mut events = Vec::new();
                    self.gate
                        .log(&mut events, LogLevel::Debug, || "received +OK".to_owned());
                    self.gate.deliver(&mut events);
                }
                // Nothing is subscribed yet.
                ServerOp::Message(_) => {}
            }
        }
    }

    /// A fatal error ends the attempt; another one is told and forgotten.
    fn take_server_error(&self, text: &[u8]) -> Result<(), ConnectionError> {
        let error = ServerError::classify(text);
        if error.fatal {
            return Err(error.into());
        }
        let mut events: Vec<Event> = Vec::new();
        self.report_error(&mut events, error.into());
        self.gate.deliver(&mut events);
        Ok(())
    }
}

impl Line {
    fn new(transport: Transport, address: String) -> Self {
        Line {
            transport,
            parser: Parser::new(),
            buf: BytesMut::new(),
            received: 0,
            operations: 0,
            address,
        }
    }

    /// The same line under TLS. What a server knows of others counts only once it is the right
    /// server, and nothing that came in clear text behind its INFO counts at all.
    async fn upgrade(self, server: &Server, tls: &Setup) -> Result<Line, ConnectionError> {
        if !self.buf.is_empty() {
            let reason = "the server went on in clear text";
            return Err(ConnectionError::tls(&self.address, reason));
        }
        let transport = tls::wrap(self.transport, server, tls).await?;
        Ok(Line::new(transport, self.address))
    }

    async fn next_op(&mut self) -> Result<ServerOp, ConnectionError> {
        loop {
            if self.operations > MAX_OPERATIONS || self.received > MAX_HANDSHAKE {
                return Err(ConnectionError::endless_handshake(&self.address));
            }
            if let Some(op) = self.parser.next(&mut self.buf)? {
                self.operations += 1;
                return Ok(op);
            }
            self.buf.reserve(READ_SIZE);
            match self.transport.read_buf(&mut self.buf).await {
                Ok(0) => return Err(ConnectionError::end_of_stream(&self.address)),
                Ok(count) => self.received += count,
                Err(error) => return Err(ConnectionError::read_in_handshake(&self.address, &error)),
            }
        }
    }

    async fn send_connect(&mut self, json: &str) -> Result<(), ConnectionError> {
        let mut buf = BytesMut::new();
        encode::connect(&mut buf, json);
        encode::ping(&mut buf);
        let sent = async {
            self.transport.write_all(&buf).await?;
            self.transport.flush().await
        };
        sent.await
            .map_err(|error| ConnectionError::write_connect(&self.address, &error))
    }
}

/// Whether to upgrade; an error if TLS is wanted and the server does not offer it.
fn upgrades(info: &ServerInfo, wanted: bool, address: &str) -> Result<bool, ConnectionError> {
    if wanted && !info.tls_required() && !info.tls_available() {
        return Err(ConnectionError::secure_wanted(address));
    }
    Ok(wanted || info.tls_required())
}

fn connect_json(info: &ServerInfo, credentials: Credentials<'_>, options: &Options, tls: bool) -> String {
    let connect = Connect {
        verbose: options.verbose,
        pedantic: options.pedantic,
        tls_required: tls,
        name: &options.name,
        version: VERSION,
        echo: options.echo,
        headers: info.headers(),
        credentials,
    };
    connect.to_json()
}
