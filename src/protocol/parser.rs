//! Takes the operations of a server off a read buffer, one by one.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

use super::error::{ProtocolError, is_blank};
use super::message::{Layout, Message, Span};

/// Longest control line in bytes, without its LF; the limit that NATS servers themselves set.
pub const MAX_CONTROL_LINE: usize = 4096;

/// Longest INFO line in bytes: a large cluster announces many addresses and still stays far below.
pub const MAX_INFO: usize = 1 << 20;

/// Largest header block plus payload of an incoming message in bytes. Servers allow payloads of
/// 64 MiB at most; the rest is for headers that they add on the way.
pub const MAX_INCOMING: usize = 65 << 20;

/// What a server can say.
#[derive(Debug, Clone)]
pub enum ServerOp {
    /// The JSON text of an INFO, not yet looked at.
    Info(Bytes),
    Message(Message),
    Ping,
    Pong,
    Ok,
    /// The text of an -ERR as it came, quotes included.
    Err(Bytes),
}

/// Reads the protocol from a buffer to which the caller appends what it receives.
///
/// A parser belongs to one buffer and one connection. It remembers how far it has looked, so
/// that the work is linear in the bytes received however small the pieces are.
#[derive(Debug, Default)]
pub struct Parser {
    /// Length of the buffer's front that is known to hold no LF.
    scanned: usize,
    /// The message whose control line is read while its body is incomplete. Its bytes stay in
    /// the buffer until the frame is whole.
    incomplete: Option<Layout>,
}

/// What a control line turned out to be.
enum Line {
    Op(ServerOp),
    Head(Layout),
}

impl Parser {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next operation off the front of `buf`; `None` means that it is not complete yet.
    ///
    /// Lines end with CRLF or LF; empty ones are skipped. A body ends by its announced length and
    /// must be followed by CRLF. Nothing is reserved for what is announced.
    ///
    /// # Errors
    /// The stream cannot be continued: `buf` is left at the offending operation and every further
    /// call fails likewise.
    pub fn next(&mut self, buf: &mut BytesMut) -> Result<Option<ServerOp>, ProtocolError> {
        let layout = match self.incomplete.take() {
            Some(layout) => layout,
            None => match self.control_line(buf)? {
                Some(Line::Head(layout)) => layout,
                Some(Line::Op(op)) => return Ok(Some(op)),
                None => return Ok(None),
            },
        };
        let frame_len = layout.frame_len();
        if buf.len() < frame_len {
            self.incomplete = Some(layout);
            return Ok(None);
        }
        if !buf[..frame_len].ends_with(b"\r\n") {
            let line = buf[..layout.body.into()].trim_ascii_end();
            return Err(ProtocolError::invalid(line));
        }
        self.scanned = 0;
        let frame = buf.split_to(frame_len).freeze();
        Ok(Some(ServerOp::Message(Message::new(frame, layout))))
    }

    /// Finds the next line that is not empty and reads it. An operation that is complete with its
    /// line is taken off `buf`; a message stays there.
    fn control_line(&mut self, buf: &mut BytesMut) -> Result<Option<Line>, ProtocolError> {
        loop {
            let from = self.scanned.min(buf.len());
            let found = memchr(b'\n', &buf[from..]).map(|at| from + at);
            let end = found.unwrap_or(buf.len());
            if end > MAX_CONTROL_LINE && end > line_limit(buf) {
                return Err(ProtocolError::LineTooLong);
            }
            self.scanned = end;
            if found.is_none() {
                return Ok(None);
            }
            let line = buf[..end].strip_suffix(b"\r").unwrap_or(&buf[..end]);
            if !line.is_empty() {
                return self.operation(line.len(), end + 1, buf).map(Some);
            }
            buf.advance(end + 1);
            self.scanned = 0;
        }
    }

    /// Reads the line in the first `line_len` bytes of `buf`; what follows it begins at `body`.
    fn operation(
        &mut self,
        line_len: usize,
        body: usize,
        buf: &mut BytesMut,
    ) -> Result<Line, ProtocolError> {
        let line = &buf[..line_len];
        let verb_len = line.iter().position(|&b| is_blank(b)).unwrap_or(line_len);
        let make: fn(Bytes) -> ServerOp = match &line[..verb_len] {
            b"MSG" | b"HMSG" => {
                return message_layout(line, verb_len, body)
                    .map(Line::Head)
                    .ok_or_else(|| ProtocolError::invalid(line));
            }
            b"PING" => |_| ServerOp::Ping,
            b"PONG" => |_| ServerOp::Pong,
            b"+OK" => |_| ServerOp::Ok,
            b"-ERR" => ServerOp::Err,
            b"INFO" => ServerOp::Info,
            _ => return Err(ProtocolError::invalid(line)),
        };
        let mut rest = buf.split_to(body);
        rest.truncate(line_len);
        rest.advance(verb_len);
        self.scanned = 0;
        Ok(Line::Op(make(rest.freeze())))
    }
}

/// How long the line at the front of `buf` may become.
fn line_limit(buf: &[u8]) -> usize {
    if buf.starts_with(b"INFO ") || buf.starts_with(b"INFO\t") {
        MAX_INFO
    } else {
        MAX_CONTROL_LINE
    }
}

/// Reads `MSG <subject> <sid> [reply] <total>` or `HMSG <subject> <sid> [reply] <header> <total>`.
fn message_layout(line: &[u8], verb_len: usize, body: usize) -> Option<Layout> {
    let has_header = verb_len == b"HMSG".len();
    let (words, count) = words(line, verb_len)?;
    let word = |at: usize| &line[words[at].range()];
    let has_reply = match count - usize::from(has_header) {
        3 => false,
        4 => true,
        _ => return None,
    };
    let total = length(word(count - 1))?;
    let header = if has_header {
        Some(length(word(count - 2))?)
    } else {
        None
    };
    if header > Some(total) {
        return None;
    }
    Some(Layout {
        sid: number(word(1))?,
        subject: words[0],
        reply: if has_reply { words[2] } else { Span::default() },
        body: u16::try_from(body).ok()?,
        header,
        total,
    })
}

/// Most arguments that an operation has.
const MAX_WORDS: usize = 5;

/// The words of `line` behind its verb and their number; `None` if there are too many.
fn words(line: &[u8], verb_len: usize) -> Option<([Span; MAX_WORDS], usize)> {
    let mut words = [Span::default(); MAX_WORDS];
    let mut count = 0;
    let mut in_word = false;
    for (at, &byte) in line.iter().enumerate().skip(verb_len) {
        let at = at as u16;
        if is_blank(byte) {
            in_word = false;
            continue;
        }
        if !in_word {
            words.get_mut(count)?.start = at;
            count += 1;
            in_word = true;
        }
        words[count - 1].end = at + 1;
    }
    Some((words, count))
}

/// A length of a body or of its header block.
fn length(word: &[u8]) -> Option<u32> {
    number(word)
        .filter(|&n| n <= MAX_INCOMING as u64)
        .map(|n| n as u32)
}

/// An unsigned decimal number of digits only.
fn number(word: &[u8]) -> Option<u64> {
    word.iter().try_fold(0u64, |number, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number.checked_mul(10)?.checked_add(digit.into())
    })
}
