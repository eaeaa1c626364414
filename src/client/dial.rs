//! From a server's address to an open TCP stream, through a proxy if there is one.

use std::io;

use tokio::net::{TcpStream, lookup_host};

use super::error::{ConnectionError, os_reason};
use super::proxy::Proxy;
use super::transport::Transport;
use super::url::ServerUrl;

/// Opens a stream to the server. Behind a proxy it is the proxy that resolves the host.
pub(crate) async fn dial(url: &ServerUrl, proxy: Option<&Proxy>) -> Result<Transport, ConnectionError> {
    let failed = |reason: &str| ConnectionError::dial(&url.address(), reason);
    let Ok(port) = url.port.parse::<u16>() else {
        return Err(failed("couldn't open socket: port number too high"));
    };
    match proxy {
        None => connect(url.dial_host(), port)
            .await
            .map_err(|reason| failed(&reason)),
        Some(proxy) => {
            let (host, port) = proxy.target();
            let transport = connect(host, port)
                .await
                .map_err(|reason| ConnectionError::proxy(&url.address(), &proxy.address(), &reason))?;
            proxy.tunnel(transport, url).await
        }
    }
}

/// Resolves the host and connects to the first of its addresses that answers.
async fn connect(host: &str, port: u16) -> Result<Transport, String> {
    let addresses = lookup_host((host, port)).await.map_err(|e| dns_reason(&e))?;
    let mut reason = "couldn't open socket: no address".to_owned();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Delays of Nagle's algorithm would dominate every request; we batch ourselves.
                stream.set_nodelay(true).map_err(|e| os_reason(&e))?;
                return Ok(Transport::tcp(stream));
            }
            Err(error) => reason = os_reason(&error),
        }
    }
    Err(reason)
}

/// The resolver's reason behind Tcl's words for a name that does not resolve.
fn dns_reason(error: &io::Error) -> String {
    let text = error.to_string();
    let reason = text.rsplit(": ").next().unwrap_or(&text);
    format!("couldn't open socket: {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_do_not_resolve_have_tcl_s_reason() {
        let reason = "failed to lookup address information: Name or service not known";
        let reason = dns_reason(&io::Error::other(reason));
        assert_eq!(reason, "couldn't open socket: Name or service not known");
    }
}
