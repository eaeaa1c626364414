//! HTTP proxies that open a tunnel with CONNECT.

use data_encoding::BASE64;

use super::error::ConnectionError;
use super::http;
use super::transport::Transport;
use super::url::{InvalidUrl, ServerUrl, split_address};

const DEFAULT_PORT: &str = "80";

/// The proxy that connections go through. No `Debug`: it holds a login.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// A name, an IPv4 address, or an IPv6 address in its brackets.
    host: String,
    port: u16,
    /// `user:password` as HTTP's basic scheme wants it, in base64.
    login: Option<String>,
}

impl Proxy {
    /// Parses `http://[user[:password]@]host[:port][/]`. Escapes in the login are decoded.
    ///
    /// # Errors
    /// [`InvalidUrl`] carries nothing, because the text may hold a login.
    pub fn parse(text: &str) -> Result<Proxy, InvalidUrl> {
        let rest = text.strip_prefix("http://").ok_or(InvalidUrl)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (login, address) = match rest.rsplit_once('@') {
            Some((login, address)) => (Some(basic(login)?), address),
            None => (None, rest),
        };
        let (host, port) = split_address(address, DEFAULT_PORT)?;
        Ok(Proxy {
            host: host.to_owned(),
            port: port.parse().map_err(|_| InvalidUrl)?,
            login,
        })
    }

    /// `H:P`, as every text names the proxy.
    pub(crate) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Where to dial: the host without brackets, and the port.
    pub(crate) fn target(&self) -> (&str, u16) {
        (self.host.trim_start_matches('[').trim_end_matches(']'), self.port)
    }

    /// Has the proxy at the other end of `transport` open a tunnel to the server.
    pub(crate) async fn tunnel(
        &self,
        transport: Transport,
        server: &ServerUrl,
    ) -> Result<Transport, ConnectionError> {
        let address = server.address();
        let failed = |reason: &str| ConnectionError::proxy(&address, &self.address(), reason);
        let login = match &self.login {
            Some(login) => format!("Proxy-Authorization: Basic {login}\r\n"),
            None => String::new(),
        };
        let request = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n{login}\r\n");
        let (answer, tunnel) = http::exchange(transport, request.as_bytes())
            .await
            .map_err(|fault| failed(&fault.to_string()))?;
        match answer.status {
            200..=299 => Ok(tunnel),
            407 => Err(failed(&format!(
                "it wants another login than -proxy_url has ({})",
                answer.status_line()
            ))),
            _ => Err(failed(&format!("it answered {}", answer.status_line()))),
        }
    }
}

fn basic(login: &str) -> Result<String, InvalidUrl> {
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let user = decode(user)?;
    // The first colon separates the two; one inside the user could not be told from it.
    if user.contains(&b':') {
        return Err(InvalidUrl);
    }
    Ok(BASE64.encode(&[user, b":".to_vec(), decode(password)?].concat()))
}

/// Resolves `%HH`.
fn decode(part: &str) -> Result<Vec<u8>, InvalidUrl> {
    let mut pieces = part.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let digits = piece.get(..2).ok_or(InvalidUrl)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(InvalidUrl);
        }
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| InvalidUrl)?);
        bytes.extend_from_slice(&piece.as_bytes()[2..]);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(text: &str) -> Option<String> {
        let login = Proxy::parse(text).ok()?.login?;
        String::from_utf8(BASE64.decode(login.as_bytes()).ok()?).ok()
    }

    #[test]
    fn addresses() {
        let address = |text| Proxy::parse(text).ok().map(|proxy| proxy.address());
        assert_eq!(address("http://p").as_deref(), Some("p:80"));
        assert_eq!(address("http://p:3128/").as_deref(), Some("p:3128"));
        assert_eq!(address("http://u:p@[::1]:1").as_deref(), Some("[::1]:1"));
        let proxy = Proxy::parse("http://[::1]:1").ok();
        assert_eq!(proxy.as_ref().map(Proxy::target), Some(("::1", 1)));
    }

    #[test]
    fn logins_are_decoded() {
        assert_eq!(login("http://u:p@h").as_deref(), Some("u:p"));
        assert_eq!(login("http://u@h").as_deref(), Some("u:"));
        assert_eq!(login("http://u:a%40b:%C3%a9@c@h").as_deref(), Some("u:a@b:é@c"));
    }

    #[test]
    fn faults() {
        for text in [
            "",
            "p:3128",
            "https://p",
            "HTTP://p",
            "http://",
            "http://p:99999",
            "http://p:x",
            "http://p/x",
            "http://u%4:x@p",
            "http://u%+1:x@p",
            "http://u%3a:x@p",
            "http://p q",
        ] {
            assert!(Proxy::parse(text).is_err(), "{text:?} was accepted");
        }
    }
}
