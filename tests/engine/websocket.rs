//! WebSocket: the upgrade, frames in both directions, and the end.

use std::collections::HashSet;

use nats::client::Options;
use nats::client::websocket::parse_headers;
use tungstenite::handshake::derive_accept_key;

use crate::server::{INFO, Peer, Server};
use crate::{Fixture, connect};

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// A frame from the server.
fn frame(first: u8, content: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u16::try_from(content.len()) {
        Ok(length @ ..126) => frame.push(length as u8),
        Ok(length) => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(127);
            frame.extend((content.len() as u64).to_be_bytes());
        }
    }
    frame.extend(content);
    frame
}

impl Peer {
    fn send_frame(&mut self, first: u8, content: &[u8]) {
        self.send_bytes(&frame(first, content));
    }

    /// The next frame of the client: its first byte, mask and content.
    fn frame(&mut self) -> (u8, [u8; 4], Vec<u8>) {
        let head = self.bytes(2);
        assert!(head[1] & 0x80 != 0, "the frame is not masked");
        let length = match head[1] & 0x7f {
            126 => u16::from_be_bytes(self.bytes(2).try_into().unwrap()).into(),
            127 => u64::from_be_bytes(self.bytes(8).try_into().unwrap()),
            short => short.into(),
        };
        let mask: [u8; 4] = self.bytes(4).try_into().unwrap();
        let mut content = self.bytes(length.try_into().unwrap());
        for (index, byte) in content.iter_mut().enumerate() {
            *byte ^= mask[index % 4];
        }
        (head[0], mask, content)
    }

    fn expect_frame(&mut self, first: u8, content: &[u8]) {
        let (kind, _, bytes) = self.frame();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!(
            (kind, text),
            (first, String::from_utf8_lossy(content).into_owned())
        );
    }

    /// The lines of the request, without the last empty one.
    fn request(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.line().trim_end() {
                "" => return lines,
                line => lines.push(line.to_owned()),
            }
        }
    }

    /// Answers a request with 101 and more header lines, each with its end.
    fn agree(&mut self, request: &[String], more: &str) {
        let accept = accept_of(request);
        self.send(&format!(
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\n\
             Connection: keep-alive, upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{more}\r\n"
        ));
    }

    fn shake_hands_in_frames(&mut self) {
        let request = self.request();
        self.agree(&request, "");
        self.send_frame(BINARY, format!("{INFO}\r\n").as_bytes());
        let (_, _, connect) = self.frame();
        assert!(connect.ends_with(b"}\r\nPING\r\n"));
        self.send_frame(BINARY, b"PONG\r\n");
    }
}

fn accept_of(request: &[String]) -> String {
    let key = request
        .iter()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    derive_accept_key(key.unwrap().as_bytes())
}

fn url(server: &Server) -> String {
    format!("ws://{}", server.address())
}

fn connected(server: &Server, adjust: impl FnOnce(&mut Options)) -> (Fixture, Peer) {
    let fixture = connect(&[&url(server)], adjust);
    let mut peer = server.accept();
    peer.shake_hands_in_frames();
    fixture.sink.skip_to("status connected");
    (fixture, peer)
}

#[test]
fn the_request_names_path_and_query_and_the_owner_s_headers() {
    let server = Server::start();
    let headers = ["X-One", "1", "Authorization", "Bearer a b", "X-One", "2"].map(str::to_owned);
    let _fixture = connect(&[&format!("{}/a/b?c=d", url(&server))], |options| {
        options.ws_headers = parse_headers(&headers).ok().unwrap();
    });
    let mut request = server.accept().request();
    let key = request.remove(5);
    assert!(
        key.starts_with("Sec-WebSocket-Key: ") && key.ends_with("==") && key.len() == 43,
        "{key}"
    );
    assert_eq!(
        request,
        [
            "GET /a/b?c=d HTTP/1.1",
            &format!("Host: {}", server.address()),
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "X-One: 1",
            "Authorization: Bearer a b",
            "X-One: 2",
        ]
    );
}

#[test]
fn what_follows_the_head_in_one_packet_belongs_to_the_stream() {
    let server = Server::start();
    let fixture = connect(&[&format!("{}?q", url(&server))], |_| {});
    let mut peer = server.accept();
    let request = peer.request();
    assert_eq!(request[0], "GET /?q HTTP/1.1");
    let head = format!(
        "HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        accept_of(&request)
    );
    let info = frame(BINARY, format!("{INFO}\r\n").as_bytes());
    let (now, later) = info.split_at(7);
    peer.send_bytes(&[head.as_bytes(), now].concat());
    peer.send_bytes(later);
    peer.frame();
    peer.send_frame(BINARY, b"PONG\r\n");
    fixture.sink.skip_to("status connected");
}

#[test]
fn borders_of_frames_mean_nothing_and_pings_are_answered_between_them() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    fixture.subscribe("a", 0);
    peer.expect_frame(BINARY, b"SUB a  1\r\n");
    peer.send_frame(0x02, b"MS");
    peer.send_frame(PING, b"why");
    peer.expect_frame(PONG, b"why");
    peer.send_frame(0x00, b"");
    peer.send_frame(0x80, b"G a 1 2\r\nx");
    peer.send_frame(PONG, b"nobody asked");
    peer.send_frame(BINARY, b"");
    peer.send_frame(BINARY, b"y\r\nMSG a 1 1\r\nz\r\n");
    assert_eq!(fixture.sink.next(), "message 1 a xy");
    assert_eq!(fixture.sink.next(), "message 1 a z");
}

#[test]
fn a_frame_may_hold_far_more_than_one_message() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    fixture.subscribe("a", 0);
    peer.frame();
    // More than a server keeps for a client, unless it is told to keep more.
    let messages = 80;
    let message = [b"MSG a 1 1000000\r\n", &vec![b'x'; 1_000_000][..], b"\r\n"].concat();
    let bytes = message.len() * messages;
    peer.send_bytes(&[&[BINARY, 127][..], &(bytes as u64).to_be_bytes()].concat());
    let sending = std::thread::spawn(move || {
        for _ in 0..messages {
            peer.send_bytes(&message);
        }
        peer
    });
    for _ in 0..messages {
        assert_eq!(fixture.sink.next().len(), "message 1 a ".len() + 1_000_000);
    }
    sending.join().unwrap();
}

#[test]
fn what_is_written_goes_out_in_masked_binary_frames_of_bounded_size() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    fixture.publish("p", &vec![b'x'; 1 << 20]);
    let mut content = Vec::new();
    let mut masks = HashSet::new();
    let expected = [b"PUB p  1048576\r\n", &vec![b'x'; 1 << 20][..], b"\r\n"].concat();
    while content.len() < expected.len() {
        let (first, mask, bytes) = peer.frame();
        assert_eq!(first, BINARY);
        assert!(!bytes.is_empty() && bytes.len() <= 64 << 10, "{}", bytes.len());
        masks.insert(mask);
        content.extend(bytes);
    }
    assert!(content == expected);
    assert!(masks.len() > 14, "masks are fresh: {}", masks.len());
}

#[test]
fn a_close_frame_is_answered_behind_what_came_before_it() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    fixture.subscribe("a", 0);
    peer.frame();
    let mut last = frame(BINARY, b"MSG a 1 1\r\nx\r\n");
    last.extend(frame(CLOSE, b"\x03\xe9gone"));
    peer.send_bytes(&last);
    assert_eq!(fixture.sink.next(), "message 1 a x");
    let text = format!(
        "ErrBrokenSocket Server {} closed the connection",
        server.address()
    );
    fixture.sink.skip_to(&text);
    peer.expect_frame(CLOSE, b"\x03\xe9");
    peer.expect_close();
}

#[test]
fn an_error_before_the_close_frame_is_what_ends_the_session() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    let mut last = frame(BINARY, b"-ERR 'User Authentication Expired'\r\n");
    last.extend(frame(CLOSE, b"\x03\xf0"));
    peer.send_bytes(&last);
    fixture.sink.skip_to("ErrAuthExpired user authentication expired");
}

#[test]
fn violations_end_the_session_with_their_name() {
    let mut cases = vec![
        (frame(TEXT, b"INFO"), "it sent a text frame"),
        (vec![BINARY, 0x81, 1, 2, 3, 4, 5], "it sent a masked frame"),
        (frame(0x83, b""), "it sent a frame of unknown kind"),
        (frame(0x8b, b""), "it sent a frame of unknown kind"),
        (
            frame(0x09, b""),
            "it sent a control frame that is too large or in pieces",
        ),
        (
            frame(PING, &[0; 126]),
            "it sent a control frame that is too large or in pieces",
        ),
        (frame(0x80, b""), "it sent pieces of messages out of order"),
        (
            [frame(0x02, b"+OK"), frame(BINARY, b"\r\n")].concat(),
            "it sent pieces of messages out of order",
        ),
        (frame(CLOSE, b"\x03"), "it sent a close frame with half a code"),
        (
            [frame(BINARY, b"+OK\r\n"), frame(TEXT, b"")].concat(),
            "it sent a text frame",
        ),
        (
            vec![BINARY, 126, 0, 5],
            "it sent a length that is not written as it must be",
        ),
        (
            vec![
                BINARY, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,
            ],
            "it sent a masked frame",
        ),
    ];
    // Any of the bits for extensions, such as that of a compressed message, which we do not offer.
    let extended = (1..8).flat_map(|bits| [0, 2, 8, 9, 10].map(|kind| 0x80 | bits << 4 | kind));
    cases.extend(extended.map(|first| (frame(first, b"x"), "it sent a frame with an extension")));
    let unknown = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];
    cases.extend(unknown.map(|kind| (frame(0x80 | kind, b""), "it sent a frame of unknown kind")));
    for (bytes, reason) in cases {
        let server = Server::start();
        let (fixture, mut peer) = connected(&server, |_| {});
        peer.send_bytes(&bytes);
        fixture.sink.skip_to(&format!(
            "ErrProtocol Server {} broke the WebSocket protocol: {reason}",
            server.address()
        ));
        peer.expect_close();
        server.accept().shake_hands_in_frames();
        fixture.sink.skip_to("status connected");
    }
}

#[test]
fn closing_ends_with_a_close_frame_behind_everything_else() {
    let server = Server::start();
    let (fixture, mut peer) = connected(&server, |_| {});
    let closing = std::thread::spawn(move || {
        for _ in 0..10_000 {
            fixture.publish("p", b"0123456789");
        }
        fixture.client.close(true)
    });
    let mut content = Vec::new();
    let farewell = loop {
        match peer.frame() {
            (BINARY, _, bytes) => content.extend(bytes),
            (first, _, bytes) => break (first, bytes),
        }
    };
    assert_eq!(farewell, (CLOSE, vec![0x03, 0xe8]));
    assert!(content == b"PUB p  10\r\n0123456789\r\n".repeat(10_000));
    peer.expect_close();
    assert_eq!(closing.join().unwrap().unsent, 0);
}

#[test]
fn a_flush_without_progress_gives_up_and_counts() {
    let server = Server::start();
    let (fixture, _peer) = connected(&server, |options| {
        options.outbox_size = 64 << 20;
        options.flush_timeout = 50;
    });
    for _ in 0..32 {
        fixture.publish("p", &vec![b'x'; 1 << 20]);
    }
    let report = fixture.client.close(true);
    assert!(
        report.connected && report.unsent > 0 && report.unsent < 32,
        "{report:?}"
    );
}

/// The single error of a connection whose server sends `answer` to the request, and closes if told.
fn error_after(answer: impl FnOnce(&[String]) -> String, close: bool) -> String {
    let server = Server::start();
    let fixture = connect(&[&url(&server)], |options| options.connect_timeout = 300);
    let mut peer = server.accept();
    let request = peer.request();
    peer.send(&answer(&request));
    let _open = (!close).then_some(peer);
    let told = fixture.sink.take_to("lost");
    let error = told.iter().find(|line| line.starts_with("Err")).unwrap();
    error.replace(&server.address(), "H:P")
}

#[test]
fn a_server_that_opens_no_web_socket_is_told_by_its_answer() {
    let endless = format!("HTTP/1.1 101 ok\r\nX: {}", "x".repeat(70_000));
    let cases = [
        (
            "HTTP/1.1 404 Not Found\r\n\r\n",
            "the server answered 404 Not Found",
        ),
        ("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", "the server answered 200 OK"),
        ("HTTP/1.1 503\r\n\r\n", "the server answered 503"),
        ("INFO {}\r\n", "the answer is not HTTP"),
        (&endless, "the head of the answer is larger than 64 KiB"),
    ];
    for (answer, reason) in cases {
        assert_eq!(
            error_after(|_| answer.to_owned(), false),
            format!("ErrConnectionRefused Failed to connect to H:P: no WebSocket: {reason}")
        );
    }
    assert_eq!(
        error_after(|_| "HTTP/1.1 101".to_owned(), true),
        "ErrConnectionRefused Failed to connect to H:P: no WebSocket: \
         the connection was closed without an answer"
    );
    assert_eq!(
        error_after(|_| "HTTP/1.1 101".to_owned(), false),
        "ErrConnectionTimeout Connection timeout for H:P"
    );
}

#[test]
fn an_upgrade_must_keep_to_the_rules() {
    let upgrade = "Upgrade: websocket\r\n";
    let connection = "Connection: Upgrade\r\n";
    let cases = [
        (connection.to_owned(), true, "its answer lacks Upgrade: websocket"),
        (upgrade.to_owned(), true, "its answer lacks Connection: Upgrade"),
        (
            format!("{upgrade}Connection: close\r\n"),
            true,
            "its answer lacks Connection: Upgrade",
        ),
        (
            format!("{upgrade}{connection}"),
            false,
            "its answer does not prove that it read the request",
        ),
        (
            format!("{upgrade}{connection}Sec-WebSocket-Accept: AAAA\r\n"),
            false,
            "its answer does not prove that it read the request",
        ),
        (
            format!("{upgrade}{connection}Sec-WebSocket-Extensions: permessage-deflate\r\n"),
            true,
            "it chose an extension that was not offered",
        ),
        (
            format!("{upgrade}{connection}Sec-WebSocket-Protocol: mqtt\r\n"),
            true,
            "it chose an extension that was not offered",
        ),
    ];
    for (lines, proven, reason) in cases {
        let answer = |request: &[String]| {
            let proof = match proven {
                true => format!("Sec-WebSocket-Accept: {}\r\n", accept_of(request)),
                false => String::new(),
            };
            format!("HTTP/1.1 101 ok\r\n{lines}{proof}\r\n")
        };
        assert_eq!(
            error_after(answer, false),
            format!("ErrProtocol Server H:P broke the WebSocket protocol: {reason}")
        );
    }
}

#[test]
fn a_connection_that_must_be_secure_begins_with_tls() {
    let server = Server::start();
    let fixture = connect(&[&url(&server)], |options| options.secure = true);
    let mut peer = server.accept();
    assert_eq!(peer.bytes(3)[..2], [0x16, 3], "a handshake of TLS");
    drop(peer);
    fixture.sink.skip_to("lost");
}
