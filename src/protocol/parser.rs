//! Takes the operations of a server off a read buffer, one by one.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

use super::error::{ProtocolError, is_blank};
use super::message::{Layout, Message, Span};

/// Longest control line in bytes, without its LF; the limit that NATS servers themselves set.
pub const MAX_CONTROL_LINE: usize = 4096;

/// How much longer the line of a message may be. A server holds a publisher to the limit for
/// subject, reply and size together; what it sends on has verb, subscription and the size of
/// headers besides. Without this allowance any publisher could end the connections of those who
/// subscribe to `>`.
pub const MESSAGE_LINE_EXTRA: usize = 64;

/// Longest INFO line in bytes: a large cluster announces many addresses and still stays far below.
pub const MAX_INFO: usize = 1 << 20;

/// Largest header block plus payload of an incoming message in bytes. Servers allow payloads of
/// 64 MiB at most; the rest is for headers that they add on the way.
pub const MAX_INCOMING: usize = 65 << 20;

/// What a server can say.
#[derive(Debug, Clone)]
pub enum ServerOp {
    /// The JSON text of an INFO, not yet looked at, without outer white space.
    Info(Bytes),
    Message(Message),
    Ping,
    Pong,
    Ok,
    /// The text of an -ERR with its quotes, without outer white space.
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
    fn operation(&mut self, line_len: usize, body: usize, buf: &mut BytesMut) -> Result<Line, ProtocolError> {
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
        self.scanned = 0;
        let taken = buf.split_to(body).freeze();
        let rest = taken[verb_len..].trim_ascii();
        Ok(Line::Op(make(taken.slice_ref(rest))))
    }
}

/// How long the line at the front of `buf` may become.
fn line_limit(buf: &[u8]) -> usize {
    let is = |verb: &[u8]| {
        buf.strip_prefix(verb)
            .and_then(<[u8]>::first)
            .is_some_and(|&b| is_blank(b))
    };
    if is(b"INFO") {
        MAX_INFO
    } else if is(b"MSG") || is(b"HMSG") {
        MAX_CONTROL_LINE + MESSAGE_LINE_EXTRA
    } else {
        MAX_CONTROL_LINE
    }
}

/// Reads `MSG <subject> <sid> [reply] <total>` or `HMSG <subject> <sid> [reply] <header> <total>`.
fn message_layout(line: &[u8], verb_len: usize, body: usize) -> Option<Layout> {
    let has_header = verb_len == b"HMSG".len();
    let (words, count) = words(line, verb_len)?;
    let has_reply = match (has_header, count) {
        (false, 3) | (true, 4) => false,
        (false, 4) | (true, 5) => true,
        _ => return None,
    };
    let word = |at: usize| &line[words[at].range()];
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
    let (mut count, mut at) = (0, verb_len);
    loop {
        at += line[at..].iter().take_while(|&&byte| is_blank(byte)).count();
        if at == line.len() {
            break;
        }
        let start = at as u16;
        at += line[at..].iter().take_while(|&&byte| !is_blank(byte)).count();
        *words.get_mut(count)? = Span {
            start,
            end: at as u16,
        };
        count += 1;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// All operations in `wire`, shown as text, and the error that ended them.
    fn parse(wire: &[u8]) -> (Vec<String>, Option<String>) {
        let (mut parser, mut buf, mut ops) = (Parser::new(), BytesMut::from(wire), Vec::new());
        loop {
            match parser.next(&mut buf) {
                Ok(Some(op)) => ops.push(show(&op)),
                Ok(None) => return (ops, None),
                Err(error) => {
                    let left = buf.len();
                    assert_eq!(parser.next(&mut buf).unwrap_err(), error, "an error stays");
                    assert_eq!(buf.len(), left);
                    return (ops, Some(error.to_string()));
                }
            }
        }
    }

    fn show(op: &ServerOp) -> String {
        match op {
            ServerOp::Info(json) => format!("INFO {}", json.escape_ascii()),
            ServerOp::Err(text) => format!("ERR {}", text.escape_ascii()),
            ServerOp::Message(m) => format!(
                "{} {} {} {:?} {}",
                m.sid(),
                m.subject().escape_ascii(),
                m.reply().escape_ascii(),
                m.header().map(|block| block.escape_ascii().to_string()),
                m.payload().escape_ascii()
            ),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn reads_every_operation() {
        let wire = b"INFO {\"a\":1} \r\nPING\r\nPONG\r\n+OK\r\n-ERR 'Some Text'\r\n\
            MSG foo 9 2\r\nhi\r\nMSG foo 9 bar 0\r\n\r\n\
            HMSG foo 18446744073709551615 12 14\r\nNATS/1.0\r\n\r\n\r\n\r\n\
            HMSG foo 9 bar 12 12\r\nNATS/1.0\r\n\r\n\r\n";
        let expected = [
            r#"INFO {\"a\":1}"#,
            "Ping",
            "Pong",
            "Ok",
            r"ERR \'Some Text\'",
            "9 foo  None hi",
            "9 foo bar None ",
            r#"18446744073709551615 foo  Some("NATS/1.0\\r\\n\\r\\n") \r\n"#,
            r#"9 foo bar Some("NATS/1.0\\r\\n\\r\\n") "#,
        ];
        assert_eq!(parse(wire), (expected.map(String::from).to_vec(), None));
    }

    #[test]
    fn is_lenient_where_servers_may_differ() {
        let wire = b"\r\n\n\nPING\nPONG \r\n\r\n+OK all right\r\n-ERR\n-ERR\t'x'\r\nINFO\r\n\
            MSG \t a\t\t1   2 \t\nhi\r\nMSG {a\"b 007 1\r\n\n\r\n";
        let expected = [
            "Ping",
            "Pong",
            "Ok",
            "ERR ",
            r"ERR \'x\'",
            "INFO ",
            "1 a  None hi",
            r#"7 {a\"b  None \n"#,
        ];
        assert_eq!(parse(wire), (expected.map(String::from).to_vec(), None));
    }

    #[test]
    fn refuses_what_is_malformed() {
        let lines: [&[u8]; 25] = [
            b"ping",
            b"FOO bar",
            b" PING",
            b"PING\r",
            b"INFO{}",
            b"\0",
            b"MSG ",
            b"HMSG ",
            b"MSG foo 1",
            b"MSG foo 1 r 2 3",
            b"MSG foo 1 r 2 3 4 5 6 7 8",
            b"MSG foo x 2",
            b"MSG foo -1 2",
            b"MSG foo 18446744073709551616 2",
            b"MSG foo 1 -2",
            b"MSG foo 1 +2",
            b"MSG foo 1 2x",
            b"MSG foo 1 0x2",
            b"MSG foo 1 99999999999999999999999999",
            b"MSG foo 1 68157441",
            b"HMSG foo 1 2",
            b"HMSG foo 1 3 2",
            b"HMSG foo 1 x 2",
            b"HMSG foo 1 r 4294967297 4294967298",
            b"HMSG foo 1 r 2 3 4",
        ];
        for line in lines {
            // Behind each line comes what would fit it, were its last number not to be refused.
            let wire = [b"PING\r\n".as_slice(), line, b"\r\nhi\r\n"].concat();
            let text = ProtocolError::invalid(line).to_string();
            assert_eq!(parse(&wire), (vec!["Ping".into()], Some(text)));
        }
    }

    #[test]
    fn a_body_must_be_followed_by_crlf() {
        for end in ["xy", "\n\n", "\r\r", "x\r\n"] {
            let wire = format!("MSG foo 1 2\r\nhi{end}PING\r\n");
            let text = "Invalid protocol MSG foo 1 2".to_owned();
            assert_eq!(parse(wire.as_bytes()), (vec![], Some(text)));
        }
    }

    #[test]
    fn lines_have_limits() {
        let too_long = Some("Maximum control line exceeded".to_owned());
        let cases = [
            ("-ERR ", MAX_CONTROL_LINE),
            ("INFO ", MAX_INFO),
            ("INFO\t", MAX_INFO),
        ];
        for (verb, limit) in cases {
            let longest = format!("{verb}{}", "x".repeat(limit - verb.len()));
            let (ops, error) = parse(format!("{longest}\n").as_bytes());
            assert_eq!((ops.len(), error), (1, None));
            assert_eq!(parse(longest.as_bytes()), (vec![], None));
            assert_eq!(
                parse(format!("{longest}y\n").as_bytes()),
                (vec![], too_long.clone())
            );
            assert_eq!(
                parse(format!("{longest}y").as_bytes()),
                (vec![], too_long.clone())
            );
        }
        let message_limit = MAX_CONTROL_LINE + MESSAGE_LINE_EXTRA;
        for (verb, end) in [("MSG ", " 1 0"), ("HMSG\t", " 1 0 0")] {
            let subject = "x".repeat(message_limit - verb.len() - end.len());
            let (ops, error) = parse(format!("{verb}{subject}{end}\n\r\n").as_bytes());
            assert_eq!((ops.len(), error), (1, None));
            let (_, error) = parse(format!("{verb}y{subject}{end}\n\r\n").as_bytes());
            assert_eq!(error, too_long.clone());
        }
        let information = format!("INFORMATION {}", "x".repeat(MAX_CONTROL_LINE));
        assert_eq!(parse(information.as_bytes()), (vec![], too_long));
    }

    #[test]
    fn bytes_are_looked_at_once_and_never_reserved_for() {
        let (mut parser, mut buf) = (Parser::new(), BytesMut::new());
        for byte in b"INFO ".iter().chain(&[b'x'; 100_000]) {
            buf.extend_from_slice(&[*byte]);
            assert!(matches!(parser.next(&mut buf), Ok(None)));
            assert_eq!(parser.scanned, buf.len());
        }
        let mut buf = BytesMut::from(format!("MSG foo 1 {MAX_INCOMING}\r\n").as_bytes());
        let (mut parser, capacity) = (Parser::new(), buf.capacity());
        assert!(matches!(parser.next(&mut buf), Ok(None)));
        assert!(parser.incomplete.is_some());
        assert_eq!(buf.capacity(), capacity);
    }
}
