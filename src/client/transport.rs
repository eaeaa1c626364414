//! The byte stream under a connection, whatever carries it.
//!
//! The engine sees a stream that it can read and write as a whole during the handshake, and two
//! halves afterwards. Each carrier makes one of these; layers (TLS, WebSocket) wrap one into another.

use std::io::{self, Cursor};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, split};
use tokio::net::TcpStream;

pub(crate) type ReadHalf = Box<dyn AsyncRead + Send + Unpin>;
pub(crate) type WriteHalf = Box<dyn AsyncWrite + Send + Unpin>;

/// An open stream to a server.
pub(crate) struct Transport {
    reader: ReadHalf,
    writer: WriteHalf,
    secure: bool,
}

impl Transport {
    pub(crate) fn tcp(stream: TcpStream) -> Self {
        let (reader, writer) = stream.into_split();
        Transport {
            reader: Box::new(reader),
            writer: Box::new(writer),
            secure: false,
        }
    }

    /// A layer over another transport, such as TLS.
    pub(crate) fn layered<S>(stream: S, secure: bool) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (reader, writer) = split(stream);
        Transport {
            reader: Box::new(reader),
            writer: Box::new(writer),
            secure,
        }
    }

    /// The same stream, which gives these bytes before it goes on: they were read too early.
    pub(crate) fn with_unread(self, bytes: Bytes) -> Self {
        if bytes.is_empty() {
            return self;
        }
        Transport {
            reader: Box::new(Cursor::new(bytes).chain(self.reader)),
            ..self
        }
    }

    /// Whether bytes are encrypted on the way.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    /// Two halves; dropping both closes the socket.
    pub(crate) fn split(self) -> (ReadHalf, WriteHalf) {
        (self.reader, self.writer)
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(cx, buf)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_shutdown(cx)
    }
}
