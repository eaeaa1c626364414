//! TLS over any transport: after INFO, before it (`tls_first`), or under WebSocket.
//!
//! | Module | Holds |
//! |---|---|
//! | `setup` | what one attempt knows: wishes, and what the files hold at that moment |
//! | `config` | from those to a configuration of rustls |
//! | `ciphers`, `key` | names of cipher suites; private keys in all their forms |
//! | `verify` | whose certificate is taken |
//! | `reasons` | why it failed, in plain words |

mod ciphers;
mod config;
mod key;
mod reasons;
mod setup;
mod verify;

use std::net::IpAddr;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::error::ConnectionError;
use super::pool::Server;
use super::transport::Transport;

pub use ciphers::{CipherSuites, Protocols};
pub use setup::{Material, TlsOptions};

pub(crate) use reasons::reason;
pub(crate) use setup::Setup;

/// Shakes hands with the server over the transport and returns the encrypted one.
///
/// # Errors
/// `ErrTLS`, naming the server and the reason; the transport is closed then.
pub(crate) async fn wrap(
    transport: Transport,
    server: &Server,
    setup: &Setup,
) -> Result<Transport, ConnectionError> {
    let address = server.url.address();
    let failed = |reason: String| ConnectionError::tls(&address, &reason);
    let name = expected_name(server, &setup.options).map_err(failed)?;
    let config = setup.config().await.map_err(failed)?;
    let stream = TlsConnector::from(config).connect(name, transport).await;
    let stream = stream.map_err(|error| failed(reasons::of_handshake(&error)))?;
    Ok(Transport::layered(stream, true))
}

/// The name that the certificate must be for, which is told the server, too, unless it is an address.
fn expected_name(server: &Server, options: &TlsOptions) -> Result<ServerName<'static>, String> {
    let name = match &options.server_name {
        Some(name) => name.as_str(),
        None => server.certificate_name(),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(ServerName::from(address));
    }
    ServerName::try_from(name.to_owned())
        .map_err(|_| format!("{name} is no name that a certificate could have; give -servername"))
}
