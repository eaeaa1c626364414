//! Frames as a stream of bytes.
//!
//! What is read is the content of binary frames, one after another; their borders mean nothing.
//! What is written goes out as binary frames. Pings are answered while reading. After the peer's
//! close frame, which is answered, the stream ends.
//!
//! Reading may have to write an answer, so both halves work on one state, behind the lock with which
//! the transport splits a layer.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tungstenite::error::ProtocolError;
use tungstenite::protocol::frame::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message, Utf8Bytes};

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
    let frames = Frames {
        context: WebSocketContext::new(Role::Client, Some(config)),
        transport,
        unread: Bytes::new(),
        ended: false,
    };
    Transport::layered(frames, secure)
}

/// The frames and what carries them.
struct Frames {
    context: WebSocketContext,
    transport: Transport,
    /// Content that was received and not read yet.
    unread: Bytes,
    /// The peer has closed.
    ended: bool,
}

impl AsyncRead for Frames {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if !self.unread.is_empty() {
                let count = self.unread.len().min(buf.remaining());
                buf.put_slice(&self.unread.split_to(count));
                return Poll::Ready(Ok(()));
            }
            if self.ended {
                return Poll::Ready(Ok(()));
            }
            match ready!(self.poll(cx, |context, socket| context.read(socket))) {
                Ok(Message::Binary(content)) => self.unread = content,
                Ok(Message::Close(_)) => {
                    // The answer is a courtesy: if the socket does not take it, it goes nowhere.
                    let _ = self.as_mut().poll_flush(cx);
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
}

impl AsyncWrite for Frames {
    /// Takes a frame when the one before has left.
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.as_mut().poll_flush(cx))?;
        let content = &bytes[..bytes.len().min(MAX_OUTGOING)];
        let frame = Message::Binary(Bytes::copy_from_slice(content));
        match self.poll(cx, |context, socket| context.write(socket, frame)) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            // What could not be written at once is kept for the next flush.
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(content.len())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx, |context, socket| context.flush(socket))
    }

    /// Sends a close frame behind everything else.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let farewell = CloseFrame {
            code: CloseCode::Normal,
            reason: Utf8Bytes::default(),
        };
        ready!(self.poll(cx, |context, socket| context.close(socket, Some(farewell))))?;
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}

impl Frames {
    /// Does something with the frames. A socket that is not ready is no error here.
    fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        act: impl FnOnce(&mut WebSocketContext, &mut AtOnce) -> tungstenite::Result<T>,
    ) -> Poll<io::Result<T>> {
        let mut socket = AtOnce {
            transport: &mut self.transport,
            cx,
        };
        match act(&mut self.context, &mut socket) {
            Ok(value) => Poll::Ready(Ok(value)),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            Err(error) => Poll::Ready(Err(to_io(error))),
        }
    }
}

fn to_io(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => io::ErrorKind::UnexpectedEof.into(),
        Error::Protocol(ProtocolError::SendAfterClosing) => io::ErrorKind::BrokenPipe.into(),
        Error::Protocol(rule) => violation(&rule.to_string()),
        Error::Capacity(_) => violation("it sent a frame of more than 64 MiB"),
        Error::Utf8(_) => violation("it sent a text frame"),
        other => violation(&other.to_string()),
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
