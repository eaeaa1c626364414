//! Frames as a stream of bytes.
//!
//! What is read is the content of binary frames, one after another; their borders mean nothing.
//! What is written goes out as binary frames. Pings are answered while reading. After the peer's
//! close frame, which is answered, the stream ends.
//!
//! Both halves share one lock, since reading may have to write an answer. Whoever holds it takes
//! no other lock.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tungstenite::error::ProtocolError;
use tungstenite::protocol::frame::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Message, Utf8Bytes};

use crate::client::lock::lock;
use crate::client::transport::Transport;

/// Content that a frame from the server may have. A server writes all that waits for us as one
/// frame, and drops us before that is more.
const MAX_INCOMING: usize = 64 << 20;
/// Content of the frames that we send. Each is taken as a whole before it is written, so this much
/// counts as written before it is.
const MAX_OUTGOING: usize = 64 << 10;

/// What the server did against the rules, as words that follow a colon.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct Violation(String);

/// The stream of bytes over a transport on which the upgrade is complete.
pub(super) fn over(transport: Transport) -> Transport {
    let secure = transport.is_secure();
    let config = WebSocketConfig::default()
        .max_frame_size(Some(MAX_INCOMING))
        .max_message_size(Some(MAX_INCOMING))
        .write_buffer_size(0);
    let shared = Arc::new(Mutex::new(Frames {
        context: WebSocketContext::new(Role::Client, Some(config)),
        transport,
        unread: Bytes::new(),
        ended: false,
    }));
    let reader = Reader(Arc::clone(&shared));
    Transport::layered(Box::new(reader), Box::new(Writer(shared)), secure)
}

struct Reader(Arc<Mutex<Frames>>);

struct Writer(Arc<Mutex<Frames>>);

/// The frames and what carries them.
struct Frames {
    context: WebSocketContext,
    transport: Transport,
    /// Content that was received and not read yet.
    unread: Bytes,
    /// The peer has closed.
    ended: bool,
}

impl Frames {
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            if !self.unread.is_empty() {
                let count = self.unread.len().min(buf.remaining());
                buf.put_slice(&self.unread.split_to(count));
                return Poll::Ready(Ok(()));
            }
            if self.ended {
                return Poll::Ready(Ok(()));
            }
            let outcome = self.context.read(&mut at_once(&mut self.transport, cx));
            match ready!(poll(outcome)) {
                Ok(Message::Binary(content)) => self.unread = content,
                Ok(Message::Close(_)) => {
                    // The answer is a courtesy: if the socket does not take it, it goes nowhere.
                    let _ = self.poll_flush(cx);
                    self.ended = true;
                }
                Ok(Message::Text(_)) => {
                    return Poll::Ready(Err(violation("it sent a text frame")));
                }
                // The next read answers a ping.
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => self.ended = true,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Takes a frame when the one before has left.
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_flush(cx))?;
        let content = &bytes[..bytes.len().min(MAX_OUTGOING)];
        let frame = Message::Binary(Bytes::copy_from_slice(content));
        let outcome = self.context.write(&mut at_once(&mut self.transport, cx), frame);
        // What could not be written at once is kept for the next flush.
        match poll(outcome) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(content.len())),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll(self.context.flush(&mut at_once(&mut self.transport, cx)))
    }

    /// Sends a close frame behind everything else.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let farewell = CloseFrame {
            code: CloseCode::Normal,
            reason: Utf8Bytes::from_static(""),
        };
        let outcome = self
            .context
            .close(&mut at_once(&mut self.transport, cx), Some(farewell));
        ready!(poll(outcome))?;
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}

/// What an outcome means to a poll: a socket that is not ready is no error here.
fn poll<T>(outcome: tungstenite::Result<T>) -> Poll<io::Result<T>> {
    use tungstenite::Error;
    match outcome {
        Ok(value) => Poll::Ready(Ok(value)),
        Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        Err(error) => Poll::Ready(Err(match error {
            Error::Io(error) => error,
            Error::ConnectionClosed
            | Error::AlreadyClosed
            | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                io::ErrorKind::UnexpectedEof.into()
            }
            Error::Protocol(ProtocolError::SendAfterClosing) => io::ErrorKind::BrokenPipe.into(),
            Error::Capacity(_) => violation("it sent a frame of more than 64 MiB"),
            Error::Utf8(_) => violation("it sent a text frame"),
            Error::Protocol(rule) => violation(&rule.to_string()),
            other => violation(&other.to_string()),
        })),
    }
}

fn violation(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Violation(reason.to_owned()))
}

/// The transport as the crate wants it: what is not ready at once is an error.
struct AtOnce<'a, 'b> {
    transport: &'a mut Transport,
    cx: &'a mut Context<'b>,
}

fn at_once<'a, 'b>(transport: &'a mut Transport, cx: &'a mut Context<'b>) -> AtOnce<'a, 'b> {
    AtOnce { transport, cx }
}

fn or_would_block<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

impl Read for AtOnce<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut buf = ReadBuf::new(buf);
        or_would_block(Pin::new(&mut *self.transport).poll_read(self.cx, &mut buf))?;
        Ok(buf.filled().len())
    }
}

impl Write for AtOnce<'_, '_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        or_would_block(Pin::new(&mut *self.transport).poll_write(self.cx, buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        or_would_block(Pin::new(&mut *self.transport).poll_flush(self.cx))
    }
}

impl AsyncRead for Reader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        lock(&self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Writer {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        lock(&self.0).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.0).poll_shutdown(cx)
    }
}
