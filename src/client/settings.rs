//! What the owner and the engine share, and what outlives a single connection.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::inbox::{DEFAULT_INBOX_PREFIX, new_inbox};
use super::lock::lock;
use super::pauses::Pauses;
use super::pool::ServerPool;
use super::proxy::Proxy;
use super::tls::TlsOptions;
use super::websocket::Header;
use crate::protocol::ServerInfo;
use crate::sync::Mutex;

/// Shared by the owner and the lives that it starts, one after another.
///
/// Its locks are leaves and held briefly; nobody holds two of them.
#[derive(Default)]
pub struct Settings {
    /// Cloned whenever a value is about to take effect: at an attempt, or when a timer is set.
    pub options: Mutex<Options>,
    pub pool: Mutex<ServerPool>,
    /// The last INFO, merged with its updates; kept after the connection.
    pub info: Mutex<Option<ServerInfo>>,
    pub stats: Stats,
    last_sid: AtomicU64,
    last_request_id: AtomicU64,
}

/// The options that the engine acts upon. Durations are milliseconds. No `Debug`: logins.
#[derive(Clone)]
pub struct Options {
    pub name: String,
    pub pedantic: bool,
    pub verbose: bool,
    pub echo: bool,
    pub user: String,
    pub password: String,
    pub token: String,
    /// Whether the owner is asked for the login of servers whose URL has none (`Event::AskIdentity`).
    pub ask_identity: bool,
    /// Whether the owner signs where a JWT comes without a seed (`Event::AskSignature`).
    pub ask_signature: bool,
    /// Refuse servers without TLS.
    pub secure: bool,
    /// Begin with TLS, for servers that do not send INFO in clear text.
    pub tls_first: bool,
    pub tls: TlsOptions,
    /// What goes into the request for a WebSocket besides what must.
    pub ws_headers: Vec<Header>,
    /// Through which connections go.
    pub proxy: Option<Proxy>,
    /// For one attempt, from the resolver to the PONG; 0 for no limit.
    pub connect_timeout: u64,
    /// From a server's failure to the next attempt on it, at least.
    pub reconnect_time_wait: u64,
    /// Whether the owner is asked for the delay instead (`Event::AskDelay`).
    pub ask_delay: bool,
    /// Up to this much is added to `reconnect_time_wait` by chance.
    pub reconnect_jitter: u64,
    /// Failed attempts until a server leaves the pool; negative for no limit.
    pub max_reconnect_attempts: i64,
    /// Equal authentication errors in a row until a server leaves the pool; 0 for no limit.
    pub auth_error_limit: u64,
    /// Whether the first round goes on like a reconnect when every server has failed.
    pub retry_on_initial_connect: bool,
    /// Whether the servers that a server announces stay out of the pool.
    pub ignore_discovered_servers: bool,
    /// What reply subjects begin with; a subject of ASCII characters.
    pub inbox_prefix: String,
    /// Period of the keep-alive; 0 for none.
    pub ping_interval: u64,
    pub max_outstanding_pings: u64,
    /// Bytes that may be queued while the connection makes progress; then `publish` waits.
    pub outbox_size: usize,
    /// Bytes that may be queued without a working connection; then `publish` fails.
    pub reconnect_buf_size: usize,
    /// How long a flush at the end goes on without progress.
    pub flush_timeout: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            name: String::new(),
            pedantic: false,
            verbose: false,
            echo: true,
            user: String::new(),
            password: String::new(),
            token: String::new(),
            ask_identity: false,
            ask_signature: false,
            secure: false,
            tls_first: false,
            tls: TlsOptions::default(),
            ws_headers: Vec::new(),
            proxy: None,
            connect_timeout: 2000,
            reconnect_time_wait: 2000,
            ask_delay: false,
            reconnect_jitter: 100,
            max_reconnect_attempts: 60,
            auth_error_limit: 0,
            retry_on_initial_connect: false,
            ignore_discovered_servers: false,
            inbox_prefix: DEFAULT_INBOX_PREFIX.to_owned(),
            ping_interval: 120_000,
            max_outstanding_pings: 2,
            outbox_size: 16 << 20,
            reconnect_buf_size: 64 << 20,
            flush_timeout: 2000,
        }
    }
}

/// Counters over the lifetime of the owner.
#[derive(Debug, Default)]
pub struct Stats {
    pub in_msgs: AtomicU64,
    pub in_bytes: AtomicU64,
    /// Publishes that the writer has taken; those that it gives back unwritten are taken off again.
    pub out_msgs: AtomicU64,
    /// Bytes handed to the socket.
    pub out_bytes: AtomicU64,
    /// Handshakes completed after a loss.
    pub reconnects: AtomicU64,
    /// When reading stood still because the owner did not keep up.
    pub pauses: Pauses,
    /// Sessions that the server ended while the owner did not keep up, or by saying that it did
    /// not. What the server dropped with them nobody can count.
    pub server_drops: AtomicU64,
}

impl Settings {
    /// A new subscription ID: 1, 2, …
    pub fn next_sid(&self) -> u64 {
        self.last_sid.fetch_add(1, Relaxed) + 1
    }

    /// A new request ID: 1, 2, … for requests of both styles.
    pub fn next_request_id(&self) -> u64 {
        self.last_request_id.fetch_add(1, Relaxed) + 1
    }

    /// A new reply subject.
    pub fn new_inbox(&self) -> String {
        new_inbox(&lock(&self.options).inbox_prefix)
    }

    pub(crate) fn options(&self) -> Options {
        lock(&self.options).clone()
    }
}
