//! Appends the operations of a client to a write buffer.
//!
//! Nothing is checked here: subjects and queues come from [`subject`](super::subject), header
//! blocks from [`Headers::encode`](super::Headers::encode). An absent reply or queue leaves two
//! blanks, which servers read as one.

use bytes::{BufMut, BytesMut};

/// `PUB`, or `HPUB` if there is a header block (complete with its empty line). An empty `reply`
/// means none.
#[inline]
pub fn publish(buf: &mut BytesMut, subject: &[u8], reply: &[u8], header: Option<&[u8]>, payload: &[u8]) {
    let block = header.unwrap_or_default();
    buf.reserve(subject.len() + reply.len() + block.len() + payload.len() + MAX_PUBLISH_EXTRA);
    buf.put_slice(if header.is_some() { b"HPUB " } else { b"PUB " });
    buf.put_slice(subject);
    buf.put_u8(b' ');
    buf.put_slice(reply);
    buf.put_u8(b' ');
    if header.is_some() {
        put_number(buf, block.len() as u64, b" ");
    }
    put_number(buf, (block.len() + payload.len()) as u64, b"\r\n");
    buf.put_slice(block);
    buf.put_slice(payload);
    buf.put_slice(b"\r\n");
}

/// `SUB`; an empty `queue` means none.
pub fn subscribe(buf: &mut BytesMut, subject: &[u8], queue: &[u8], sid: u64) {
    buf.put_slice(b"SUB ");
    buf.put_slice(subject);
    buf.put_u8(b' ');
    buf.put_slice(queue);
    buf.put_u8(b' ');
    put_number(buf, sid, b"\r\n");
}

/// `UNSUB`: at once, or after `max` messages.
pub fn unsubscribe(buf: &mut BytesMut, sid: u64, max: Option<u64>) {
    buf.put_slice(b"UNSUB ");
    match max {
        None => put_number(buf, sid, b"\r\n"),
        Some(max) => {
            put_number(buf, sid, b" ");
            put_number(buf, max, b"\r\n");
        }
    }
}

/// `PING`.
pub fn ping(buf: &mut BytesMut) {
    buf.put_slice(b"PING\r\n");
}

/// `PONG`.
pub fn pong(buf: &mut BytesMut) {
    buf.put_slice(b"PONG\r\n");
}

/// `CONNECT` with the text that [`Connect::to_json`](super::Connect::to_json) makes.
pub fn connect(buf: &mut BytesMut, json: &str) {
    buf.put_slice(b"CONNECT ");
    buf.put_slice(json.as_bytes());
    buf.put_slice(b"\r\n");
}

/// A subject below an inbox, with a number for its last token.
pub fn reply_subject(inbox: &str, token: u64) -> BytesMut {
    let mut subject = BytesMut::with_capacity(inbox.len() + 1 + MAX_DIGITS);
    subject.put_slice(inbox.as_bytes());
    subject.put_u8(b'.');
    put_number(&mut subject, token, b"");
    subject
}

/// Digits of the largest `u64`, and what may stand behind a number.
const MAX_DIGITS: usize = 20;
const MAX_BEHIND: usize = 2;

/// The verb, the blanks, two numbers and two line ends of a publish operation.
const MAX_PUBLISH_EXTRA: usize = 5 + 3 + 2 * MAX_DIGITS + 4;

/// A number and what stands behind it.
#[inline]
fn put_number<const N: usize>(buf: &mut BytesMut, mut number: u64, behind: &[u8; N]) {
    let mut text = [0; MAX_DIGITS + MAX_BEHIND];
    text[MAX_DIGITS..MAX_DIGITS + N].copy_from_slice(behind);
    let mut start = MAX_DIGITS;
    loop {
        start -= 1;
        text[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    buf.put_slice(&text[start..MAX_DIGITS + N]);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `write` appends to a buffer that already holds something.
    fn wire(write: impl FnOnce(&mut BytesMut)) -> String {
        let mut buf = BytesMut::from("before ");
        write(&mut buf);
        let text = String::from_utf8_lossy(&buf);
        text.strip_prefix("before ").unwrap().to_owned()
    }

    #[test]
    fn publishes() {
        let publish = |reply: &str, header: Option<&str>, payload: &str| {
            let header = header.map(str::as_bytes);
            wire(|buf| publish(buf, b"foo", reply.as_bytes(), header, payload.as_bytes()))
        };
        assert_eq!(publish("", None, "hello"), "PUB foo  5\r\nhello\r\n");
        assert_eq!(publish("bar", None, ""), "PUB foo bar 0\r\n\r\n");
        assert_eq!(publish("", None, "a\r\nb\0"), "PUB foo  5\r\na\r\nb\0\r\n");
        let header = "NATS/1.0\r\na: 1\r\na: 2\r\n\r\n";
        assert_eq!(
            publish("", Some(header), "hi"),
            format!("HPUB foo  24 26\r\n{header}hi\r\n")
        );
        assert_eq!(
            publish("bar", Some("NATS/1.0\r\n\r\n"), ""),
            "HPUB foo bar 12 12\r\nNATS/1.0\r\n\r\n\r\n"
        );
    }

    #[test]
    fn a_publish_reserves_once_and_enough() {
        let (mut buf, payload) = (BytesMut::new(), vec![b'x'; 100_000]);
        publish(&mut buf, b"s", b"r", Some(b"NATS/1.0\r\n\r\n"), &payload);
        assert!(buf.capacity() >= buf.len() && buf.capacity() < 2 * payload.len());
    }

    #[test]
    fn subscribes_and_unsubscribes() {
        assert_eq!(wire(|buf| subscribe(buf, b"foo", b"", 1)), "SUB foo  1\r\n");
        assert_eq!(
            wire(|buf| subscribe(buf, b"foo.>", b"q", 27)),
            "SUB foo.> q 27\r\n"
        );
        assert_eq!(wire(|buf| unsubscribe(buf, 10, None)), "UNSUB 10\r\n");
        assert_eq!(wire(|buf| unsubscribe(buf, 10, Some(100))), "UNSUB 10 100\r\n");
    }

    #[test]
    fn handshake_and_keep_alive() {
        assert_eq!(
            wire(|buf| connect(buf, "{\"name\":\"é\"}")),
            "CONNECT {\"name\":\"é\"}\r\n"
        );
        assert_eq!(wire(ping), "PING\r\n");
        assert_eq!(wire(pong), "PONG\r\n");
    }

    #[test]
    fn reply_subjects() {
        assert_eq!(reply_subject("_INBOX.x", 107), "_INBOX.x.107");
        assert_eq!(reply_subject("i", u64::MAX).len(), 2 + MAX_DIGITS);
    }

    #[test]
    fn numbers() {
        for number in [0, 1, 9, 10, 99, 100, 12345, u64::MAX - 1, u64::MAX] {
            assert_eq!(wire(|buf| put_number(buf, number, b" ")), format!("{number} "));
        }
    }
}
