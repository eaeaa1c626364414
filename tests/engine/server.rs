//! A server that does what the test says.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::PATIENCE;

pub const INFO: &str = r#"INFO {"server_id":"X","version":"2.10.0","headers":true,"max_payload":1048576}"#;

pub struct Server {
    listener: TcpListener,
}

/// The server's end of one connection.
pub struct Peer {
    stream: BufReader<TcpStream>,
}

impl Server {
    pub fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Server { listener }
    }

    /// `127.0.0.1:port`, as texts name it.
    pub fn address(&self) -> String {
        self.listener.local_addr().unwrap().to_string()
    }

    pub fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    pub fn accept(&self) -> Peer {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false).unwrap();
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    stream.set_write_timeout(Some(PATIENCE)).unwrap();
                    return Peer {
                        stream: BufReader::new(stream),
                    };
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    assert!(Instant::now() < deadline, "nobody connected");
                    sleep(Duration::from_millis(1));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Accepts and plays the server's part of the handshake.
    pub fn accept_connected(&self) -> Peer {
        let mut peer = self.accept();
        peer.shake_hands();
        peer
    }
}

impl Peer {
    /// Sends an INFO, reads CONNECT and PING, sends the PONG; returns the CONNECT line.
    pub fn shake_hands(&mut self) -> String {
        self.send(&format!("{INFO}\r\n"));
        let connect = self.line();
        assert!(connect.starts_with("CONNECT {"), "{connect}");
        self.expect("PING\r\n");
        self.send("PONG\r\n");
        connect
    }

    pub fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes());
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).unwrap();
    }

    /// Sends as much as the sockets take without anybody reading.
    pub fn send_until_full(&mut self, text: &str) {
        let stream = self.stream.get_mut();
        stream.set_nonblocking(true).unwrap();
        while stream.write(text.as_bytes()).is_ok() {}
        stream.set_nonblocking(false).unwrap();
    }

    /// Sends on and on until the client closes.
    pub fn send_until_closed(&mut self, text: &str) {
        while self.stream.get_mut().write_all(text.as_bytes()).is_ok() {}
    }

    /// Waits for input and closes without reading it, which resets the connection.
    pub fn reset(self) {
        self.stream.get_ref().peek(&mut [0]).unwrap();
    }

    /// The next line with its end.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line
    }

    /// Reads exactly `text`.
    pub fn expect(&mut self, text: &str) {
        let mut buf = vec![0; text.len()];
        self.stream
            .read_exact(&mut buf)
            .unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(String::from_utf8_lossy(&buf), text);
    }

    /// The next bytes, so many.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// Everything until the client closes, in order and without a reset.
    pub fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).unwrap();
        String::from_utf8_lossy(&rest).into_owned()
    }

    /// The client has closed without another byte.
    pub fn expect_close(&mut self) {
        assert_eq!(self.rest(), "");
    }
}
