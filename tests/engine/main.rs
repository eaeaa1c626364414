//! The client engine against scripted servers: bytes on the wire, events, and their order.

mod additions;
mod background;
mod backpressure;
mod batch;
mod close;
mod exit;
mod handshake;
mod reconnect;
mod requests;
mod server;
mod session;
mod sink;
mod websocket;

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use nats::client::{Client, Options, Settings};

use server::{Peer, Server};
use sink::Recorder;

/// Longer than anything here takes; reaching it is a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection under test with what it told.
struct Fixture {
    client: Client,
    settings: Arc<Settings>,
    sink: Arc<Recorder>,
    next_ping: Cell<u64>,
}

/// Connects to `servers` in their order.
fn connect(servers: &[&str], adjust: impl FnOnce(&mut Options)) -> Fixture {
    let settings = Arc::new(Settings::default());
    let sink = Arc::new(Recorder::default());
    let urls: Vec<String> = servers.iter().map(|url| (*url).to_owned()).collect();
    settings.pool.lock().unwrap().configure(&urls, false).unwrap();
    {
        let mut options = settings.options.lock().unwrap();
        // A busy machine may take longer than the default.
        options.connect_timeout = 60_000;
        adjust(&mut options);
    }
    let client = Client::new(Arc::clone(&settings), sink.clone()).unwrap();
    client.start();
    Fixture {
        client,
        settings,
        sink,
        next_ping: Cell::new(1),
    }
}

/// Connects to a server and plays its part of the handshake.
fn connected(server: &Server, adjust: impl FnOnce(&mut Options)) -> (Fixture, Peer) {
    let fixture = connect(&[&server.url()], adjust);
    let mut peer = server.accept();
    peer.shake_hands();
    fixture.sink.skip_to("status connected");
    (fixture, peer)
}

impl Fixture {
    fn publish(&self, subject: &str, payload: &[u8]) {
        self.client
            .publish(subject.as_bytes(), b"", None, payload, &mut || true)
            .unwrap();
    }

    fn subscribe(&self, subject: &str, max: u64) -> u64 {
        let sid = self.settings.next_sid();
        self.client.subscribe(sid, subject.as_bytes(), b"", max);
        sid
    }

    fn ping(&self, timeout_ms: u64) -> u64 {
        let id = self.next_ping.get();
        self.next_ping.set(id + 1);
        self.client.ping(id, timeout_ms);
        id
    }
}
