//! Frames as a stream of bytes.
//!
//! What is read is the content of binary frames, one after another; their borders mean nothing.
//! What is written goes out as binary frames. Pings are answered while reading. After the peer's
//! close frame, which is answered, the stream ends.
//!
//! Reading may have to write an answer, so both halves work on one state, behind the lock with which
//! the transport splits a layer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};
use tungstenite::protocol::frame::{Frame, FrameHeader};

use super::decoder::{Decoder, Item, Violation};
use crate::client::transport::Transport;

/// Room for one read.
const READ_SIZE: usize = 64 * 1024;
/// Content of the frames that we send. Each is taken as a whole before it is written, so this much
/// counts as written before it is.
const MAX_CONTENT: usize = 64 * 1024;
/// With more than this unsent a ping is not answered: a server that does not read shall not grow
/// our memory.
const MAX_UNSENT: usize = 2 * MAX_CONTENT;

/// The stream of bytes over a transport on which the upgrade is complete.
pub(super) fn over(transport: Transport) -> Transport {
    let secure = transport.is_secure();
    let stream = Stream {
        transport,
        decoder: Decoder::default(),
        input: vec![0; READ_SIZE],
        begin: 0,
        end: 0,
        unsent: BytesMut::new(),
        closed_by_us: false,
        closed_by_peer: false,
    };
    Transport::layered(stream, secure)
}

struct Stream {
    transport: Transport,
    decoder: Decoder,
    /// What was read is between `begin` and `end`.
    input: Vec<u8>,
    begin: usize,
    end: usize,
    /// Whole frames, the first perhaps written in part.
    unsent: BytesMut,
    /// Our close frame was sent or stands in `unsent`: no other may follow.
    closed_by_us: bool,
    closed_by_peer: bool,
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.unsent.is_empty() {
            this.send_answers(cx);
        }
        while !this.closed_by_peer {
            let input = &this.input[this.begin..this.end];
            let Some((item, used)) = this.decoder.next(input, buf.remaining()).map_err(to_io)? else {
                if ready!(this.poll_fill(cx))? == 0 {
                    break;
                }
                continue;
            };
            this.begin += used;
            match item {
                Item::Content(bytes) => {
                    buf.put_slice(bytes);
                    return Poll::Ready(Ok(()));
                }
                Item::Ping(content) => {
                    let content = Bytes::copy_from_slice(content);
                    if !this.closed_by_us && this.unsent.len() <= MAX_UNSENT {
                        this.push(OpCode::Control(Control::Pong), content);
                        this.send_answers(cx);
                    }
                }
                Item::Close(content) => {
                    let code = Bytes::copy_from_slice(content.get(..2).unwrap_or_default());
                    this.closed_by_peer = true;
                    this.close(code);
                    this.send_answers(cx);
                }
                Item::Nothing => {}
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    /// Takes a frame when those before have left.
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.poll_send(cx))?;
        if this.closed_by_us {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let content = &bytes[..bytes.len().min(MAX_CONTENT)];
        this.push(OpCode::Data(Data::Binary), Bytes::copy_from_slice(content));
        // What the socket does not take at once goes with the next write or flush.
        match this.poll_send(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(content.len())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_send(cx))?;
        Pin::new(&mut this.transport).poll_flush(cx)
    }

    /// Sends a close frame behind everything else.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let normal = u16::from(CloseCode::Normal).to_be_bytes();
        self.close(Bytes::copy_from_slice(&normal));
        ready!(self.as_mut().poll_flush(cx))?;
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }
}

impl Stream {
    /// Reads behind what is there: an incomplete frame of the small kind, which always leaves room.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.input.copy_within(self.begin..self.end, 0);
        self.end -= self.begin;
        self.begin = 0;
        let mut room = ReadBuf::new(&mut self.input[self.end..]);
        ready!(Pin::new(&mut self.transport).poll_read(cx, &mut room))?;
        let count = room.filled().len();
        self.end += count;
        Poll::Ready(Ok(count))
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let count = ready!(Pin::new(&mut self.transport).poll_write(cx, &self.unsent))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unsent.advance(count);
        }
        Poll::Ready(Ok(()))
    }

    /// Sends while reading. An error shows when something is written; what is there to be read
    /// comes first.
    fn send_answers(&mut self, cx: &mut Context<'_>) {
        let _ = Pin::new(self).poll_flush(cx);
    }

    fn close(&mut self, code: Bytes) {
        if !self.closed_by_us {
            self.closed_by_us = true;
            self.push(OpCode::Control(Control::Close), code);
        }
    }

    /// Puts a frame behind the others.
    fn push(&mut self, opcode: OpCode, content: Bytes) {
        let header = FrameHeader {
            opcode,
            mask: Some(rand::random()),
            ..FrameHeader::default()
        };
        // The buffer takes everything, so there is no error.
        let _ = Frame::from_payload(header, content).format(&mut (&mut self.unsent).writer());
    }
}

fn to_io(violation: Violation) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, violation)
}
