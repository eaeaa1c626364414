//! From `connect` to connected, or to the next server.

use nats::client::Options;

use crate::connect;
use crate::server::{INFO, Server};

type Adjust = fn(&mut Options);

#[test]
fn the_client_answers_info_with_connect_and_ping() {
    let server = Server::start();
    let address = server.address();
    let fixture = connect(&[&server.url()], |options| options.name = "x\"\u{e9}".to_owned());
    let mut peer = server.accept();
    for piece in [&INFO[..3], &INFO[3..20], &INFO[20..], "\r", "\n"] {
        peer.send(piece);
    }
    assert_eq!(
        peer.line(),
        concat!(
            r#"CONNECT {"verbose":false,"pedantic":false,"tls_required":false,"name":"x\""#,
            "\u{e9}",
            r#"","lang":"Tcl","version":"3.3.0","protocol":1,"echo":true,"#,
            "\"headers\":true,\"no_responders\":true}\r\n"
        )
    );
    peer.expect("PING\r\n");
    peer.send("+OK\r\nPONG\r\n");
    assert_eq!(
        fixture.sink.take_to("status connected"),
        [
            &format!("log Info Connecting to the server at {address}"),
            "info replace server_id version headers max_payload",
            &format!("log Info Connected to the server at {address}"),
            "no error",
            "status connected",
        ]
    );
}

#[test]
fn nothing_is_written_before_the_pong() {
    let server = Server::start();
    let fixture = connect(&[&server.url()], |_| {});
    fixture.publish("early", b"1");
    let sid = fixture.subscribe("foo", 0);
    let mut peer = server.accept();
    peer.send(&format!("{INFO}\r\n"));
    assert!(peer.line().starts_with("CONNECT"));
    peer.expect("PING\r\n");
    peer.send("PING\r\n");
    peer.send("INFO {\"ldm\":true}\r\n");
    fixture.sink.skip_to("info merge ldm");
    peer.send("PONG\r\nMSG foo 1 1\r\nm\r\n");
    peer.expect("PONG\r\nSUB foo  1\r\nPUB early  1\r\n1\r\n");
    fixture.sink.skip_to("status connected");
    assert_eq!(fixture.sink.next(), format!("message {sid} foo m"));
    assert!(fixture.settings.info.lock().unwrap().as_ref().unwrap().ldm());
}

#[test]
fn a_malformed_info_leads_to_the_next_server() {
    let (broken, good) = (Server::start(), Server::start());
    let fixture = connect(&[&broken.url(), &good.url()], |_| {});
    let mut peer = broken.accept();
    peer.send("INFO {nonsense\r\n");
    let told = fixture
        .sink
        .take_to("ErrProtocol Invalid protocol INFO {nonsense");
    assert_eq!(told[1], "log Warn Invalid protocol INFO {nonsense");
    peer.expect_close();
    let _peer = good.accept_connected();
    fixture.sink.skip_to("status connected");
}

#[test]
fn an_error_in_the_handshake_is_a_failed_attempt() {
    let server = Server::start();
    let fixture = connect(&[&server.url()], |_| {});
    let mut peer = server.accept();
    peer.send(&format!("{INFO}\r\n"));
    peer.line();
    peer.send("-ERR 'Authorization Violation'\r\n");
    assert_eq!(
        fixture.sink.take_to("lost")[2..],
        [
            "log Warn authorization violation",
            "ErrAuthorization authorization violation",
            "log Error No servers available for connection",
            "lost",
        ]
    );
    let pool = fixture.settings.pool.lock().unwrap();
    let failed = pool.current().unwrap();
    assert!(
        failed.reconnects == 1 && failed.last_attempt > 0,
        "the pool stays"
    );
}

/// The single error of a connection whose server sends `info` and nothing else.
fn error_after(info: &str, adjust: impl FnOnce(&mut Options)) -> String {
    let server = Server::start();
    let fixture = connect(&[&server.url()], adjust);
    let mut peer = server.accept();
    peer.send(info);
    let told = fixture.sink.take_to("lost");
    let error = told.iter().find(|line| line.starts_with("Err")).unwrap();
    error.replace(&server.address(), "H:P")
}

#[test]
fn failed_attempts_have_the_texts_of_the_contract() {
    let cases: [(&str, Adjust, &str); 5] = [
        (
            "INFO {\"auth_required\":true}\r\n",
            |_| {},
            "ErrAuthorization No credentials known for NATS server at H:P",
        ),
        (
            "INFO {}\r\n",
            |options| options.secure = true,
            "ErrSecureConnWanted Server H:P does not provide TLS",
        ),
        (
            "INFO {\"tls_required\":true}\r\nPONG\r\n",
            |_| {},
            "ErrTLS TLS handshake with server H:P failed: the server went on in clear text",
        ),
        (
            "INFO",
            |options| options.connect_timeout = 50,
            "ErrConnectionTimeout Connection timeout for H:P",
        ),
        (
            "INFO {}\r\n\r\nHELLO you\r\n",
            |_| {},
            "ErrProtocol Invalid protocol HELLO you",
        ),
    ];
    for (info, adjust, error) in cases {
        assert_eq!(error_after(info, adjust), error);
    }
}

#[test]
fn unreachable_servers_have_the_system_s_reason() {
    let address = Server::start().address();
    for (url, error) in [
        (
            address.clone(),
            format!("Failed to connect to {address}: connection refused"),
        ),
        (
            "127.0.0.1:70000".to_owned(),
            "Failed to connect to 127.0.0.1:70000: couldn't open socket: port number too high".to_owned(),
        ),
    ] {
        let fixture = connect(&[&url], |_| {});
        assert!(
            fixture
                .sink
                .take_to("lost")
                .contains(&format!("ErrConnectionRefused {error}"))
        );
    }
}

#[test]
fn a_server_that_hangs_up_is_named() {
    let server = Server::start();
    let fixture = connect(&[&server.url()], |_| {});
    drop(server.accept());
    let error = format!(
        "ErrBrokenSocket Server {} closed the connection",
        server.address()
    );
    assert!(fixture.sink.take_to("lost").contains(&error));
}

#[test]
fn credentials_come_from_the_url_or_the_options() {
    let cases: [(&str, Adjust, &str); 4] = [
        (
            "u:p@",
            |options| options.token = "t".to_owned(),
            r#""user":"u","pass":"p"}"#,
        ),
        (
            "tok@",
            |options| options.token = "t".to_owned(),
            r#""auth_token":"tok"}"#,
        ),
        (
            "",
            |options| {
                options.token = "t".to_owned();
                options.user = "u".to_owned();
                options.password = "p".to_owned();
            },
            r#""user":"u","pass":"p"}"#,
        ),
        (
            "",
            |options| {
                options.user = "u".to_owned();
                options.token = "t".to_owned();
            },
            r#""auth_token":"t"}"#,
        ),
    ];
    for (login, adjust, expected) in cases {
        let server = Server::start();
        let _fixture = connect(&[&format!("nats://{login}{}", server.address())], adjust);
        let mut peer = server.accept();
        peer.send("INFO {\"auth_required\":true}\r\n");
        let connect = peer.line();
        assert!(connect.ends_with(&format!("{expected}\r\n")), "{connect}");
    }
}

#[test]
fn every_info_can_announce_servers() {
    let (seed, other) = (Server::start(), Server::start());
    let fixture = connect(&[&seed.url()], |_| {});
    let mut peer = seed.accept();
    let (known, new) = (seed.address(), other.address());
    peer.send(&format!(
        "INFO {{\"connect_urls\":[\"{known}\",\"no url\",\"{new}\"]}}\r\n"
    ));
    drop(peer);
    let _peer = other.accept_connected();
    let told = fixture.sink.take_to("status connected");
    assert!(told.contains(&"log Warn Ignored no url in connect_urls: no server address".to_owned()));
    let pool = fixture.settings.pool.lock().unwrap();
    let current = pool.current().unwrap();
    assert_eq!((current.url.address(), current.discovered), (new, true));
    assert_eq!(pool.len(), 2);
}

#[test]
fn a_handshake_is_bounded() {
    let server = Server::start();
    let fixture = connect(&[&server.url()], |options| options.connect_timeout = 0);
    let mut peer = server.accept();
    peer.send(&format!("{INFO}\r\n"));
    peer.send_until_closed(&format!("INFO {{\"a\":\"{}\"}}\r\n", "x".repeat(10_000)));
    let error = format!("ErrProtocol The handshake with {} does not end", server.address());
    assert!(fixture.sink.take_to("lost").contains(&error));
}
