//! Server URLs: `[nats://|tls://][user[:password]@]host[:port][/]` and
//! `ws://|wss://[user[:password]@]host[:port][/path][?query]`.

use std::fmt;
use std::net::Ipv6Addr;

/// How the client talks to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    Nats,
    Tls,
    Ws,
    Wss,
}

/// What a URL says about the login. No `Debug`: it must not reach a log.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    None,
    UserPassword { user: String, password: String },
    Token(String),
}

/// One server of the pool. No `Debug`, because of [`Login`]; `Display` leaves the login out.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl {
    pub scheme: Scheme,
    /// A name, an IPv4 address, or an IPv6 address in its brackets.
    pub host: String,
    /// Digits as given; the range is the dialler's affair.
    pub port: String,
    pub login: Login,
    /// Path and query of a WebSocket URL, with the slash; empty for the other schemes.
    pub path: String,
}

/// The text is no server URL. Carries nothing: the caller knows the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidUrl;

const BLANKS: [char; 6] = [' ', '\t', '\n', '\r', '\x0b', '\x0c'];

impl Scheme {
    /// The word before `://`.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Nats => "nats",
            Scheme::Tls => "tls",
            Scheme::Ws => "ws",
            Scheme::Wss => "wss",
        }
    }

    fn parse(word: &str) -> Result<Scheme, InvalidUrl> {
        match word {
            "nats" => Ok(Scheme::Nats),
            "tls" => Ok(Scheme::Tls),
            "ws" => Ok(Scheme::Ws),
            "wss" => Ok(Scheme::Wss),
            _ => Err(InvalidUrl),
        }
    }

    pub(crate) fn is_secure(self) -> bool {
        matches!(self, Scheme::Tls | Scheme::Wss)
    }

    pub(crate) fn is_web_socket(self) -> bool {
        matches!(self, Scheme::Ws | Scheme::Wss)
    }

    fn default_port(self) -> &'static str {
        match self {
            Scheme::Nats | Scheme::Tls => "4222",
            Scheme::Ws => "80",
            Scheme::Wss => "443",
        }
    }
}

impl ServerUrl {
    /// Parses one element of `-servers`. Trailing blanks are ignored, escapes kept as they are.
    pub fn parse(text: &str) -> Result<ServerUrl, InvalidUrl> {
        let text = text.trim_end_matches(BLANKS);
        let text = cut(text, '#');
        let (scheme, rest) = match cut(text, '?').split_once("://") {
            Some((word, _)) => (Scheme::parse(word)?, &text[word.len() + 3..]),
            None => (Scheme::Nats, text),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(end);
        let path = if scheme.is_web_socket() {
            check_path(tail)?;
            tail.to_owned()
        } else if cut(tail, '?').bytes().all(|b| b == b'/') {
            String::new()
        } else {
            return Err(InvalidUrl);
        };
        let (login, address) = match authority.split_once('@') {
            Some((userinfo, address)) => (parse_login(userinfo)?, address),
            None => (Login::None, authority),
        };
        let (host, port) = split_address(address, scheme.default_port())?;
        Ok(ServerUrl {
            scheme,
            host: host.to_owned(),
            port: port.to_owned(),
            login,
            path,
        })
    }

    /// Parses an entry of a server's `connect_urls`: `host:port`, nothing else.
    ///
    /// Scheme and login are those of the server that announced it (D13).
    pub(crate) fn announced(entry: &str, by: &ServerUrl) -> Result<ServerUrl, InvalidUrl> {
        let (host, port) = split_address(entry, by.scheme.default_port())?;
        Ok(ServerUrl {
            scheme: by.scheme,
            host: host.to_owned(),
            port: port.to_owned(),
            login: by.login.clone(),
            path: by.path.clone(),
        })
    }

    /// A text that may be no URL, or several, for a message: without what may be a login, and
    /// without the query of a WebSocket.
    ///
    /// A fault often lies in the login itself, a password with a slash in it for one. So all goes
    /// that stands before the last `@`, but for the scheme.
    pub fn redacted(text: &str) -> String {
        let mut shown = match text.rsplit_once('@') {
            Some((before, after)) => {
                let scheme = before.find("://").map_or("", |end| &before[..end + 3]);
                format!("{scheme}***@{after}")
            }
            None => text.to_owned(),
        };
        if text.contains("ws://") || text.contains("wss://") {
            shown.truncate(cut(&shown, '?').len());
        }
        shown
    }

    /// `H:P` as every text names the server.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The host as the resolver wants it: an IPv6 address without its brackets.
    pub fn dial_host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// Whether both name the same host and the same port number.
    pub(crate) fn same_address(&self, other: &ServerUrl) -> bool {
        self.host == other.host && self.port.trim_start_matches('0') == other.port.trim_start_matches('0')
    }
}

impl fmt::Display for ServerUrl {
    /// The URL for log lines: without login and query, since either may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}:{}{}",
            self.scheme.as_str(),
            self.host,
            self.port,
            cut(&self.path, '?')
        )
    }
}

fn cut(text: &str, at: char) -> &str {
    text.find(at).map_or(text, |end| &text[..end])
}

/// `user:password`, or a token alone; `:password` counts as nothing.
fn parse_login(userinfo: &str) -> Result<Login, InvalidUrl> {
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    check_login_part(user)?;
    check_login_part(password)?;
    Ok(match (user.is_empty(), password.is_empty()) {
        (true, _) => Login::None,
        (false, true) => Login::Token(user.to_owned()),
        (false, false) => Login::UserPassword {
            user: user.to_owned(),
            password: password.to_owned(),
        },
    })
}

fn check_login_part(part: &str) -> Result<(), InvalidUrl> {
    let mut rest = part.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'%', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => tail,
            (b'%', _) => return Err(InvalidUrl),
            (b, tail) if b.is_ascii_alphanumeric() || b"$_.+!*'(,);&=-".contains(b) => tail,
            _ => return Err(InvalidUrl),
        }
    }
    Ok(())
}

/// The request line of a WebSocket handshake holds the path: no blank may split it.
fn check_path(path: &str) -> Result<(), InvalidUrl> {
    if path.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(InvalidUrl)
    }
}

/// Host and port of `host[:port]`; an IPv6 address keeps its brackets.
pub(super) fn split_address<'a>(
    address: &'a str,
    default_port: &'a str,
) -> Result<(&'a str, &'a str), InvalidUrl> {
    let (host, rest) = if address.starts_with('[') {
        let end = address.find(']').ok_or(InvalidUrl)?;
        address[1..end].parse::<Ipv6Addr>().map_err(|_| InvalidUrl)?;
        address.split_at(end + 1)
    } else {
        let end = address.find(':').unwrap_or(address.len());
        let (host, rest) = address.split_at(end);
        check_name(host)?;
        (host, rest)
    };
    let port = match rest.strip_prefix(':') {
        Some("") => default_port,
        Some(port) if port.bytes().all(|b| b.is_ascii_digit()) => port,
        None if rest.is_empty() => default_port,
        _ => return Err(InvalidUrl),
    };
    Ok((host, port))
}

/// DNS labels, with one final dot allowed and underscores accepted (D46).
fn check_name(host: &str) -> Result<(), InvalidUrl> {
    let labels = host.strip_suffix('.').unwrap_or(host);
    let valid = labels.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    });
    if valid { Ok(()) } else { Err(InvalidUrl) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(&'static str, String, String)> {
        ServerUrl::parse(text)
            .ok()
            .map(|u| (u.scheme.as_str(), u.host, u.port))
    }

    #[test]
    fn addresses() {
        let ok = |s: &'static str, h: &str, p: &str| Some((s, h.to_owned(), p.to_owned()));
        assert_eq!(parts("localhost"), ok("nats", "localhost", "4222"));
        assert_eq!(parts("nats://h:"), ok("nats", "h", "4222"));
        assert_eq!(parts("tls://a.b.c.:12///"), ok("tls", "a.b.c.", "12"));
        assert_eq!(parts("h:99999/?q#f"), ok("nats", "h", "99999"));
        assert_eq!(parts("h?a://b"), ok("nats", "h", "4222"));
        assert_eq!(parts("[::1]:42 \t\n"), ok("nats", "[::1]", "42"));
        assert_eq!(parts("nats://u:p@my_host-1:7#x"), ok("nats", "my_host-1", "7"));
        assert_eq!(parts("ws://h:"), ok("ws", "h", "80"));
        assert_eq!(parts("wss://h/a/b?c=d"), ok("wss", "h", "443"));
    }

    #[test]
    fn faults() {
        for text in [
            "",
            " h",
            "nats://",
            "NATS://h",
            "tls:h",
            "http://h",
            "h:2a20",
            "a..b",
            "-h",
            "h-",
            ".h",
            "h..",
            "h/x",
            "a b",
            "h\u{e9}",
            "[::1",
            "[x]",
            "[::1]x",
            "a@b@c",
            "a:b:c@h",
            "u%4@h",
            "u{@h",
            "ws://h/a b",
            "h:1:2",
            "tls://[::1]:x",
        ] {
            assert!(ServerUrl::parse(text).is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn logins() {
        let login = |text| ServerUrl::parse(text).ok().map(|u| u.login);
        let pair = Login::UserPassword {
            user: "u%20x".into(),
            password: "p=1".into(),
        };
        assert!(login("nats://u%20x:p=1@h") == Some(pair));
        assert!(login("tok@h") == Some(Login::Token("tok".into())));
        assert!(login("tok:@h") == Some(Login::Token("tok".into())));
        assert!(login(":pw@h") == Some(Login::None));
    }

    #[test]
    fn web_socket_urls_keep_path_and_query() {
        let url = ServerUrl::parse("ws://h:80/a?b#c").expect("valid");
        assert_eq!(url.path, "/a?b");
    }

    #[test]
    fn texts_never_show_secrets() {
        let url = ServerUrl::parse("nats://user:secret@h:1").expect("valid");
        assert_eq!(url.to_string(), "nats://h:1");
        assert_eq!(url.address(), "h:1");
        let url = ServerUrl::parse("ws://h/path?token=secret").expect("valid");
        assert_eq!(url.to_string(), "ws://h:80/path");
    }

    #[test]
    fn redaction_hides_what_may_be_a_login() {
        for (text, shown) in [
            ("nats://h:port", "nats://h:port"),
            ("nats://user:pa/ss#w@rd@h:1", "nats://***@h:1"),
            ("tok@h:x", "***@h:x"),
            ("http://u:p@a {nats://u:p@b", "http://***@b"),
            ("ws://h/a b?token=c", "ws://h/a b"),
            ("h?a b", "h?a b"),
        ] {
            assert_eq!(ServerUrl::redacted(text), shown);
        }
    }

    #[test]
    fn announced_servers_inherit_scheme_and_login() {
        let seed = ServerUrl::parse("tls://tok@seed:1").expect("valid");
        let url = ServerUrl::announced("[::2]:5", &seed).expect("valid");
        assert!(url.scheme == Scheme::Tls && url.login == seed.login);
        assert_eq!((url.address().as_str(), url.dial_host()), ("[::2]:5", "::2"));
        assert!(ServerUrl::announced("tls://x:1", &seed).is_err());
    }
}
