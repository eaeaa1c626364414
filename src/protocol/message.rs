//! One message as it came over the wire.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

use super::header;

/// A message: its frame (control line, header block, payload) and where the parts lie in it.
///
/// All parts share the frame's single reference to the read buffer, so a message costs no
/// allocation and a clone costs one counter. Subjects are bytes because the protocol does not
/// promise an encoding.
#[derive(Clone)]
pub struct Message {
    frame: Bytes,
    layout: Layout,
}

/// Where the parts of a frame lie, and the subscription it is for.
///
/// Positions on the control line fit 16 bits by [`MAX_CONTROL_LINE`](super::MAX_CONTROL_LINE),
/// those in the body 32 bits by [`MAX_INCOMING`](super::MAX_INCOMING).
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub sid: u64,
    pub subject: Span,
    /// Empty if the message has none.
    pub reply: Span,
    /// Where the control line and its end are over.
    pub body: u16,
    /// Length of the header block; `None` for a message without one.
    pub header: Option<u32>,
    /// Length of header block and payload.
    pub total: u32,
}

/// A range on the control line.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    pub start: u16,
    pub end: u16,
}

impl Message {
    /// `frame` must have the length that `layout` tells.
    pub(super) fn new(frame: Bytes, layout: Layout) -> Self {
        debug_assert_eq!(frame.len(), layout.frame_len());
        Self { frame, layout }
    }

    /// The subscription that the server delivers to.
    pub fn sid(&self) -> u64 {
        self.layout.sid
    }

    /// The subject that the message was published to.
    pub fn subject(&self) -> &[u8] {
        &self.frame[self.layout.subject.range()]
    }

    /// The subject for answers; empty if there is none.
    pub fn reply(&self) -> &[u8] {
        &self.frame[self.layout.reply.range()]
    }

    /// The whole header block, from its version line to its empty line, or `None`.
    pub fn header(&self) -> Option<&[u8]> {
        self.layout.header?;
        Some(&self.frame[self.layout.body.into()..self.layout.payload_range().start])
    }

    /// The payload.
    pub fn payload(&self) -> &[u8] {
        &self.frame[self.layout.payload_range()]
    }

    /// The payload, sharing this message's memory.
    pub fn payload_bytes(&self) -> Bytes {
        self.frame.slice(self.layout.payload_range())
    }

    /// Bytes that the message took on the wire, line ends included.
    pub fn wire_len(&self) -> usize {
        self.frame.len()
    }

    /// The first status of the header, such as 503 for "no responders", if there is one and it is
    /// a number below 65536.
    pub fn status(&self) -> Option<u16> {
        header::first_status(self.header()?)
    }
}

/// Shows addresses and sizes, never contents.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("sid", &self.sid())
            .field("subject", &self.subject().escape_ascii().to_string())
            .field("reply", &self.reply().escape_ascii().to_string())
            .field("header_len", &self.layout.header)
            .field("payload_len", &self.payload().len())
            .finish()
    }
}

impl Layout {
    /// Length of the whole frame: control line, body and the line end behind it.
    pub fn frame_len(&self) -> usize {
        self.payload_range().end + 2
    }

    /// Where the payload lies.
    pub fn payload_range(&self) -> Range<usize> {
        let body = usize::from(self.body);
        body + self.header.unwrap_or(0) as usize..body + self.total as usize
    }
}

impl Span {
    pub fn range(self) -> Range<usize> {
        self.start.into()..self.end.into()
    }
}

#[cfg(test)]
impl Message {
    /// The message that the bytes are.
    pub(crate) fn from_wire(wire: &[u8]) -> Message {
        use super::{Parser, ServerOp};
        match Parser::new().next(&mut bytes::BytesMut::from(wire)) {
            Ok(Some(ServerOp::Message(message))) => message,
            other => panic!("not a message: {other:?}"),
        }
    }

    /// One with a header, which is the whole block.
    pub(crate) fn with_header(reply: &str, header: &str, payload: &str) -> Message {
        let (head, total) = (header.len(), header.len() + payload.len());
        let wire = format!("HMSG inbox 1 {reply} {head} {total}\r\n{header}{payload}\r\n");
        Message::from_wire(wire.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_without_header() {
        let m = Message::from_wire(b"MSG foo.bar 12 _INBOX.x 5\r\nhello\r\n");
        assert_eq!(
            (m.sid(), m.subject(), m.reply()),
            (12, &b"foo.bar"[..], &b"_INBOX.x"[..])
        );
        assert_eq!((m.header(), m.payload(), m.status()), (None, &b"hello"[..], None));
        assert_eq!(m.payload_bytes(), "hello");
        assert_eq!(m.wire_len(), 34);
    }

    #[test]
    fn parts_with_header() {
        let m = Message::from_wire(b"HMSG a 1 24 26\r\nNATS/1.0\r\na: 1\r\na: 2\r\n\r\nhi\r\n");
        assert_eq!(m.header(), Some(&b"NATS/1.0\r\na: 1\r\na: 2\r\n\r\n"[..]));
        assert_eq!((m.reply(), m.payload(), m.status()), (&b""[..], &b"hi"[..], None));
        let empty = Message::from_wire(b"HMSG a 1 0 2\r\nhi\r\n");
        assert_eq!((empty.header(), empty.payload()), (Some(&b""[..]), &b"hi"[..]));
    }

    #[test]
    fn debug_hides_contents() {
        let m = Message::from_wire(b"HMSG a.b 1 r 21 27\r\nNATS/1.0\r\nk: pass\r\n\r\nsecret\r\n");
        assert_eq!(
            format!("{m:?}"),
            "Message { sid: 1, subject: \"a.b\", reply: \"r\", header_len: Some(21), payload_len: 6 }"
        );
    }
}
