//! What the reply subject of a delivered message tells about it.
//!
//! Servers write `$JS.ACK.<stream>.<consumer>.<delivered>.<sseq>.<cseq>.<time>.<pending>`, or with
//! the domain (`_` for none) and the account's hash behind `ACK`, possibly with further tokens at
//! the end.

/// Where a message comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata<'a> {
    pub stream: &'a [u8],
    pub consumer: &'a [u8],
    /// How often the message was delivered, this time included.
    pub num_delivered: u64,
    pub stream_seq: u64,
    /// Counts the deliveries of the consumer.
    pub consumer_seq: u64,
    /// When the message was stored, in nanoseconds since 1970.
    pub timestamp: i64,
    /// Messages that the consumer has yet to deliver.
    pub num_pending: u64,
}

impl<'a> Metadata<'a> {
    /// Reads a reply subject; `None` if no JetStream server wrote it.
    pub fn parse(reply: &'a [u8]) -> Option<Metadata<'a>> {
        let tokens: Vec<&[u8]> = reply.split(|&byte| byte == b'.').collect();
        let fields = match tokens.as_slice() {
            [b"$JS", b"ACK", fields @ ..] => fields,
            _ => return None,
        };
        let fields = match fields.len() {
            7 => fields,
            9.. => &fields[2..],
            _ => return None,
        };
        let &[
            stream,
            consumer,
            delivered,
            stream_seq,
            consumer_seq,
            time,
            pending,
            ..,
        ] = fields
        else {
            return None;
        };
        Some(Metadata {
            stream,
            consumer,
            num_delivered: number(delivered)?,
            stream_seq: number(stream_seq)?,
            consumer_seq: number(consumer_seq)?,
            timestamp: number(time)?,
            num_pending: number(pending)?,
        })
    }
}

fn number<T: std::str::FromStr>(token: &[u8]) -> Option<T> {
    std::str::from_utf8(token).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: Metadata = Metadata {
        stream: b"S",
        consumer: b"C",
        num_delivered: 1,
        stream_seq: 20,
        consumer_seq: 3,
        timestamp: 1_700_000_000_123_456_789,
        num_pending: 4,
    };

    #[test]
    fn both_layouts() {
        for reply in [
            "$JS.ACK.S.C.1.20.3.1700000000123456789.4",
            "$JS.ACK._.hash.S.C.1.20.3.1700000000123456789.4",
            "$JS.ACK.hub.hash.S.C.1.20.3.1700000000123456789.4.random",
            "$JS.ACK.hub.hash.S.C.1.20.3.1700000000123456789.4.random.more",
        ] {
            assert_eq!(Metadata::parse(reply.as_bytes()), Some(EXPECTED), "{reply}");
        }
    }

    #[test]
    fn everything_else() {
        for reply in [
            "",
            "_INBOX.a.b.c.d.e.f.g.h",
            "$JS.ACK",
            "$JS.NAK.S.C.1.20.3.17.4",
            "$JS.ACK.S.C.1.20.3.17",
            "$JS.ACK.S.C.1.20.3.17.4.x",
            "$JS.ACK.S.C.one.20.3.17.4",
            "$JS.ACK.S.C.1.20.3..4",
            "$JS.ACK.S.C.1.20.3.17.-4",
            "$JS.ACK.S.C.1.20.3.17.99999999999999999999999",
        ] {
            assert_eq!(Metadata::parse(reply.as_bytes()), None, "{reply}");
        }
    }
}
