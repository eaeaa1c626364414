//! What a parser makes of a stream however it is cut, in a form that can be compared; for the
//! property tests and for fuzzing.

use bytes::BytesMut;
use nats::protocol::{Parser, ServerOp};

/// An operation in a form that can be compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    Info(Vec<u8>),
    Ping,
    Pong,
    Ok,
    Err(Vec<u8>),
    Message {
        sid: u64,
        subject: Vec<u8>,
        reply: Vec<u8>,
        header: Option<Vec<u8>>,
        payload: Vec<u8>,
    },
}

/// The operations that a stream gave, and the text and code of the error that ended it.
pub type Outcome = (Vec<Op>, Option<(String, &'static str)>);

/// Feeds `wire` in pieces of the given sizes (over and over; whole if there are none) as a reader
/// would, and checks on the way what holds for any bytes at all.
pub fn parse(wire: &[u8], sizes: &[usize]) -> Outcome {
    let (mut parser, mut buf, mut ops) = (Parser::new(), BytesMut::new(), Vec::new());
    let (mut rest, mut taken) = (wire, 0);
    let whole = [wire.len()];
    let sizes = if sizes.is_empty() { &whole[..] } else { sizes };
    for &size in sizes.iter().cycle() {
        let (piece, later) = rest.split_at(size.min(rest.len()));
        buf.extend_from_slice(piece);
        rest = later;
        loop {
            let (length, capacity) = (buf.len(), buf.capacity());
            let next = parser.next(&mut buf);
            assert!(buf.capacity() <= capacity, "the parser reserved memory");
            taken += length - buf.len();
            match next {
                Ok(Some(op)) => {
                    assert!(buf.len() < length, "an operation took no bytes");
                    ops.push(op_of(&op, length - buf.len()));
                }
                Ok(None) => break,
                Err(error) => return (ops, Some((error.to_string(), error.code()))),
            }
        }
        if rest.is_empty() {
            break;
        }
    }
    assert_eq!(taken + buf.len(), wire.len(), "bytes were lost");
    (ops, None)
}

/// `taken`: by how many bytes the operation made the buffer shorter.
fn op_of(op: &ServerOp, taken: usize) -> Op {
    match op {
        ServerOp::Info(json) => Op::Info(json.to_vec()),
        ServerOp::Ping => Op::Ping,
        ServerOp::Pong => Op::Pong,
        ServerOp::Ok => Op::Ok,
        ServerOp::Err(text) => Op::Err(text.to_vec()),
        ServerOp::Message(message) => {
            assert!(message.wire_len() <= taken);
            assert_eq!(message.payload_bytes(), message.payload());
            Op::Message {
                sid: message.sid(),
                subject: message.subject().to_vec(),
                reply: message.reply().to_vec(),
                header: message.header().map(<[u8]>::to_vec),
                payload: message.payload().to_vec(),
            }
        }
    }
}
