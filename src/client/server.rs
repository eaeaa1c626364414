//! One server of the pool.

use std::fmt;
use std::net::IpAddr;

use super::error::ConnectionError;
use super::url::ServerUrl;

/// One element of the pool.
#[derive(Clone)]
pub struct Server {
    pub url: ServerUrl,
    /// Learnt from a server rather than configured.
    pub discovered: bool,
    /// Failed attempts since the last success or the call of `connect`.
    pub reconnects: u64,
    /// Milliseconds since the epoch at the last failure; 0 for none.
    pub last_attempt: u64,
    /// The authentication error that the last attempt met, and how many before met the same.
    pub(super) auth_error: Option<(ConnectionError, u64)>,
    /// The host name of the server that announced this one, if it has one (D13).
    announced_by: Option<String>,
}

/// Only the address: the URL holds a login.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({})", self.url.address())
    }
}

impl Server {
    pub(super) fn configured(url: ServerUrl) -> Server {
        Server {
            url,
            discovered: false,
            reconnects: 0,
            last_attempt: 0,
            auth_error: None,
            announced_by: None,
        }
    }

    pub(super) fn discovered(url: ServerUrl, by: &Server) -> Server {
        let name = by.certificate_name();
        Server {
            discovered: true,
            announced_by: Some(name.to_owned()).filter(|name| !is_address(name)),
            ..Server::configured(url)
        }
    }

    /// The name or address that the server's certificate must be for: of a server that was announced
    /// by its bare address, the name of the one that announced it.
    pub(crate) fn certificate_name(&self) -> &str {
        let host = self.url.dial_host();
        match &self.announced_by {
            Some(name) if is_address(host) => name,
            _ => host,
        }
    }

    pub(super) fn forget_failures(&mut self) {
        self.reconnects = 0;
        self.last_attempt = 0;
        self.auth_error = None;
    }
}

fn is_address(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
}
