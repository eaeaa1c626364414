//! What must hold of the wire protocol whatever the bytes and however they are cut.

#[path = "support/operations.rs"]
mod operations;

use bytes::BytesMut;
use nats::protocol::{Headers, MAX_CONTROL_LINE, Parser, ServerInfo, ServerOp, encode};
use operations::{Op, parse};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What a server writes for `op`, with freedom in blanks and line ends.
fn write(op: &Op, blank: &str, line_end: &str, wire: &mut Vec<u8>) {
    let mut words: Vec<&[u8]> = Vec::new();
    let mut numbers = Vec::new();
    let mut body = None;
    match op {
        Op::Info(json) => words.extend([b"INFO", json.as_slice()]),
        Op::Ping => words.push(b"PING"),
        Op::Pong => words.push(b"PONG"),
        Op::Ok => words.push(b"+OK"),
        Op::Err(text) => words.extend([b"-ERR", text.as_slice()]),
        Op::Message {
            sid,
            subject,
            reply,
            header,
            payload,
        } => {
            let block = header.as_deref().unwrap_or_default();
            numbers.push(sid.to_string());
            numbers.push(block.len().to_string());
            numbers.push((block.len() + payload.len()).to_string());
            let verb: &[u8] = if header.is_some() { b"HMSG" } else { b"MSG" };
            words.extend([verb, subject, numbers[0].as_bytes()]);
            words.extend((!reply.is_empty()).then_some(reply.as_slice()));
            words.extend(header.is_some().then(|| numbers[1].as_bytes()));
            words.push(numbers[2].as_bytes());
            body = Some([block, payload, b"\r\n"].concat());
        }
    }
    wire.extend(words.join(blank.as_bytes()));
    wire.extend(line_end.as_bytes());
    wire.extend(body.unwrap_or_default());
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    vec(
        any::<u8>().prop_filter("not a separator", |b| !b" \t\r\n".contains(b)),
        1..20,
    )
}

fn bytes(longest: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(
        prop_oneof![any::<u8>(), select(b"\r\n MSG 12".to_vec())],
        0..longest,
    )
}

fn header_block() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        bytes(40),
        select(vec![
            b"NATS/1.0 503\r\n\r\n".to_vec(),
            b"NATS/1.0 100 Idle Heartbeat\r\nk: v\r\n\r\n".to_vec(),
            b"NATS/1.0\r\na: 1\r\na: 2\r\n\r\n".to_vec(),
        ]),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let long = "x".repeat(MAX_CONTROL_LINE + 100);
    let message = (
        any::<u64>(),
        name(),
        name(),
        any::<bool>(),
        header_block(),
        bytes(300),
    );
    prop_oneof![
        1 => Just(Op::Ping),
        1 => Just(Op::Pong),
        1 => Just(Op::Ok),
        1 => Just(Op::Err(b"'Permissions Violation for Publish to \"x\"'".to_vec())),
        1 => Just(Op::Info(format!("{{\"server_id\":\"{long}\"}}").into_bytes())),
        6 => message.prop_flat_map(|(sid, subject, reply, has_reply, block, payload)| {
            any::<bool>().prop_map(move |has_header| Op::Message {
                sid,
                subject: subject.clone(),
                reply: if has_reply { reply.clone() } else { Vec::new() },
                header: has_header.then(|| block.clone()),
                payload: payload.clone(),
            })
        }),
    ]
}

/// Operations and a stream that says them, with empty lines in between.
fn stream() -> impl Strategy<Value = (Vec<Op>, Vec<u8>)> {
    let empty_lines = select(vec!["", "", "\r\n", "\n\r\n"]);
    let blank = select(vec![" ", "\t", "  ", " \t "]);
    let line_end = select(vec!["\r\n", "\n", " \r\n"]);
    vec((op(), empty_lines, blank, line_end), 0..12).prop_map(|parts| {
        let mut wire = Vec::new();
        for (op, empty_lines, blank, line_end) in &parts {
            wire.extend(empty_lines.as_bytes());
            write(op, blank, line_end, &mut wire);
        }
        (parts.into_iter().map(|(op, ..)| op).collect(), wire)
    })
}

fn piece_sizes() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![Just(vec![1]), vec(1..200usize, 1..20), vec(1..5usize, 1..20)]
}

/// Bytes that look like the protocol here and there.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "MSG ",
        "HMSG ",
        "INFO ",
        "PING",
        "+OK",
        "-ERR ",
        "NATS/1.0",
        " 1 2",
        " 0",
        " 4294967296 ",
        " 18446744073709551616",
        " -1 ",
        "\r\n",
        "\n",
        "\r",
        " ",
        "a.b ",
        "{\"a\":",
        ": ",
    ];
    let word = select(words.map(|word| word.as_bytes().to_vec()).to_vec());
    let part = prop_oneof![4 => word, 1 => vec(any::<u8>(), 0..40), 1 => vec(Just(b'x'), 4000..4200)];
    vec(part, 0..40).prop_map(|parts| parts.concat())
}

/// A change to a stream: at a place, some bytes fewer, other bytes in their stead.
fn damage() -> impl Strategy<Value = (Index, usize, Vec<u8>)> {
    (any::<Index>(), 0..4usize, vec(any::<u8>(), 0..4))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn pieces_do_not_matter((ops, wire) in stream(), sizes in piece_sizes()) {
        let expected = (ops, None);
        prop_assert_eq!(&parse(&wire, &[]), &expected);
        prop_assert_eq!(&parse(&wire, &sizes), &expected);
    }

    #[test]
    fn garbage_does_no_harm(wire in garbage(), sizes in piece_sizes()) {
        prop_assert_eq!(parse(&wire, &[]), parse(&wire, &sizes));
    }

    #[test]
    fn damaged_streams_do_no_harm(
        (_, mut wire) in stream(),
        damages in vec(damage(), 1..4),
        sizes in piece_sizes(),
    ) {
        for (place, fewer, others) in damages {
            let start = place.index(wire.len() + 1);
            let end = wire.len().min(start + fewer);
            wire.splice(start..end, others);
        }
        prop_assert_eq!(parse(&wire, &[]), parse(&wire, &sizes));
    }

    #[test]
    fn any_bytes_are_headers_or_of_another_version(tail in garbage()) {
        for block in [tail.clone(), [b"NATS/1.0 ", &tail[..]].concat()] {
            let line = format!("HMSG a 1 {0} {0}\r\n", block.len());
            let wire = [line.as_bytes(), &block, b"\r\n"].concat();
            let mut buf = BytesMut::from(wire.as_slice());
            let Ok(Some(ServerOp::Message(message))) = Parser::new().next(&mut buf) else {
                return Err(TestCaseError::fail("no message"));
            };
            match Headers::parse(&block) {
                Ok(headers) => {
                    for (key, mut values) in headers.iter() {
                        prop_assert!(!key.is_empty() && values.len() > 0);
                        prop_assert!(values.all(|value| value == value.trim_ascii()));
                    }
                    if let Some(status) = message.status() {
                        let first = headers.get_first(b"Status").map(<[u8]>::to_vec);
                        let first = first.and_then(|first| String::from_utf8(first).ok());
                        prop_assert_eq!(first.and_then(|first| first.parse().ok()), Some(status));
                    }
                }
                Err(_) => prop_assert_eq!(message.status(), None),
            }
        }
    }

    #[test]
    fn any_bytes_are_an_info_or_refused(tail in garbage()) {
        for json in [tail.clone(), [b"{\"version\":\"", &tail[..], b"\"}"].concat()] {
            match ServerInfo::parse(&json) {
                Ok(info) => prop_assert!(info.fields().count() <= json.len()),
                Err(error) => prop_assert_eq!(error.code(), "ErrProtocol"),
            }
        }
    }

    #[test]
    fn headers_survive_the_way(fields in vec((header_key(), vec(header_value(), 1..4)), 0..50)) {
        let mut expected: Vec<(Vec<u8>, Vec<Vec<u8>>)> = Vec::new();
        for (key, values) in &fields {
            match expected.iter_mut().find(|(known, _)| known == key) {
                Some((_, list)) => list.extend(values.clone()),
                None => expected.push((key.clone(), values.clone())),
            }
        }
        let mut block = BytesMut::new();
        let pairs = fields.iter().map(|(key, values)| (&key[..], values.iter().map(|v| &v[..])));
        prop_assert_eq!(Headers::encode(pairs, &mut block), Ok(()));
        prop_assert!(block.starts_with(b"NATS/1.0\r\n") && block.ends_with(b"\r\n\r\n"));
        let headers = Headers::parse(&block).unwrap();
        let read: Vec<(Vec<u8>, Vec<Vec<u8>>)> = headers
            .iter()
            .map(|(key, values)| (key.to_vec(), values.map(<[u8]>::to_vec).collect()))
            .collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn any_header_is_written_whole_or_refused(key in bytes(12), value in bytes(12)) {
        let mut block = BytesMut::new();
        let written = Headers::encode([(&key[..], [&value[..]])], &mut block);
        let lines = block.iter().filter(|&&byte| byte == b'\n').count();
        let (key, value) = (key.trim_ascii(), value.trim_ascii());
        if written.is_err() {
            prop_assert!(block.is_empty());
        } else if key.is_empty() {
            prop_assert_eq!(lines, 2);
        } else {
            prop_assert_eq!(lines, 3);
            let headers = Headers::parse(&block).unwrap();
            prop_assert_eq!(headers.get_first(key), Some(value));
        }
    }

    #[test]
    fn publishes_survive_the_way(
        subject in name(),
        reply in prop_oneof![Just(Vec::new()), name()],
        header in proptest::option::of(header_block()),
        payload in bytes(300),
        sid in any::<u64>(),
    ) {
        let mut sent = BytesMut::new();
        encode::publish(&mut sent, &subject, &reply, header.as_deref(), &payload);
        // A server passes a publish on as a message: other verb, and the sid behind the subject.
        let verb: &[u8] = if header.is_some() { b"HPUB " } else { b"PUB " };
        let sent = sent.strip_prefix(verb).unwrap();
        let (subject_sent, behind) = sent.split_at(subject.len());
        prop_assert_eq!(subject_sent, &subject);
        let verb: &[u8] = if header.is_some() { b"HMSG " } else { b"MSG " };
        let wire = [verb, &subject, format!(" {sid}").as_bytes(), behind].concat();
        let expected = Op::Message { sid, subject, reply, header, payload };
        prop_assert_eq!(parse(&wire, &[]), (vec![expected], None));
    }
}

fn header_key() -> impl Strategy<Value = Vec<u8>> {
    let key = vec(
        any::<u8>().prop_filter("not a separator", |b| !b":\r\n".contains(b)),
        1..4,
    );
    prop_oneof![
        select(vec![b"a".to_vec(), b"A".to_vec(), b"Status".to_vec()]),
        key.prop_map(|key| key.trim_ascii().to_vec())
            .prop_filter("not blank", |key| !key.is_empty()),
    ]
}

fn header_value() -> impl Strategy<Value = Vec<u8>> {
    vec(
        any::<u8>().prop_filter("not a line end", |b| !b"\r\n".contains(b)),
        0..10,
    )
    .prop_map(|value| value.trim_ascii().to_vec())
}
