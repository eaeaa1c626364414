//! The byte stream under a connection, whatever carries it.
//!
//! The engine sees a stream that it can read and write as a whole during the handshake, and two
//! halves afterwards. Other carriers than TCP enter here.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::error::ConnectionError;

pub(crate) type ReadHalf = Box<dyn AsyncRead + Send + Unpin>;
pub(crate) type WriteHalf = Box<dyn AsyncWrite + Send + Unpin>;

/// An open stream to a server.
pub(crate) struct Transport {
    stream: TcpStream,
}

impl Transport {
    pub(crate) fn tcp(stream: TcpStream) -> Self {
        Transport { stream }
    }

    /// Whether bytes are encrypted on the way.
    pub(crate) fn is_secure(&self) -> bool {
        false
    }

    /// Upgrades the stream to TLS.
    pub(crate) async fn into_tls(self) -> Result<Transport, ConnectionError> {
        Err(ConnectionError::tls_unavailable())
    }

    /// Two halves; dropping both closes the socket.
    pub(crate) fn split(self) -> (ReadHalf, WriteHalf) {
        let (reader, writer) = self.stream.into_split();
        (Box::new(reader), Box::new(writer))
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
