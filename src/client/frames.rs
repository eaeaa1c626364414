//! Takes our own outgoing bytes apart again, when a connection breaks or ends.
//!
//! The outbox is plain bytes, so that a publish costs one append. Only at an end does anybody
//! need to know where operations begin and which of them are messages; then they are walked.

use bytes::BytesMut;
use memchr::memchr;

/// Keeps the publishes of `queue` that begin at `from` or later; returns how many they are.
///
/// Everything else goes: operations that regenerate themselves from the tables, and what lies
/// before `from` or straddles it, because it was handed to a socket.
pub(crate) fn retain_publishes(queue: &BytesMut, from: usize, kept: &mut BytesMut) -> usize {
    let mut count = 0;
    for (start, frame) in (Frames {
        bytes: queue,
        position: 0,
    }) {
        if start >= from && is_publish(frame) {
            kept.extend_from_slice(frame);
            count += 1;
        }
    }
    count
}

/// The number of publishes of `queue` that end after `from`: not, or not completely, written.
pub(crate) fn count_unfinished_publishes(queue: &BytesMut, from: usize) -> usize {
    let frames = Frames {
        bytes: queue,
        position: 0,
    };
    frames
        .filter(|(start, frame)| start + frame.len() > from && is_publish(frame))
        .count()
}

/// Operations of a client with the place where each begins.
struct Frames<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Iterator for Frames<'a> {
    type Item = (usize, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.position;
        let rest = self.bytes.get(start..)?;
        let line_len = memchr(b'\n', rest)? + 1;
        let line = &rest[..line_len];
        let body_len = if is_publish(line) {
            announced_len(line) + 2
        } else {
            0
        };
        let frame = rest.get(..line_len + body_len)?;
        self.position += frame.len();
        Some((start, frame))
    }
}

fn is_publish(frame: &[u8]) -> bool {
    frame.starts_with(b"PUB ") || frame.starts_with(b"HPUB ")
}

/// The last number of a control line, which we wrote ourselves.
fn announced_len(line: &[u8]) -> usize {
    let digits = line
        .trim_ascii_end()
        .rsplit(|&b| b == b' ')
        .next()
        .unwrap_or_default();
    digits
        .iter()
        .fold(0, |len, digit| len * 10 + usize::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::encode;

    fn mixed() -> BytesMut {
        let mut queue = BytesMut::new();
        encode::subscribe(&mut queue, b"PUB", b"", 1);
        encode::publish(&mut queue, b"a", b"", None, b"PUB x  3\r\nfoo\r\n");
        encode::ping(&mut queue);
        encode::publish(&mut queue, b"b", b"r", Some(b"NATS/1.0\r\n\r\n"), b"\n");
        encode::unsubscribe(&mut queue, 1, Some(3));
        encode::publish(&mut queue, b"c", b"", None, b"");
        queue
    }

    #[test]
    fn only_publishes_are_kept() {
        let mut kept = BytesMut::new();
        assert_eq!(retain_publishes(&mixed(), 0, &mut kept), 3);
        let mut expected = BytesMut::new();
        encode::publish(&mut expected, b"a", b"", None, b"PUB x  3\r\nfoo\r\n");
        encode::publish(&mut expected, b"b", b"r", Some(b"NATS/1.0\r\n\r\n"), b"\n");
        encode::publish(&mut expected, b"c", b"", None, b"");
        assert_eq!(kept, expected);
    }

    #[test]
    fn a_partly_written_publish_is_neither_resent_nor_counted_as_sent() {
        let queue = mixed();
        let first = memchr::memmem::find(&queue, b"PUB a").expect("first publish");
        let mut kept = BytesMut::new();
        assert_eq!(retain_publishes(&queue, first + 1, &mut kept), 2);
        assert!(kept.starts_with(b"HPUB b"));
        assert_eq!(count_unfinished_publishes(&queue, first + 1), 3);
        assert_eq!(count_unfinished_publishes(&queue, queue.len() - 1), 1);
        assert_eq!(count_unfinished_publishes(&queue, queue.len()), 0);
    }
}
