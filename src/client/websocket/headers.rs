//! The headers that an owner adds to the request for a WebSocket.

use thiserror::Error;

/// One header, checked. No `Debug`: its value may be a login.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    pub(super) name: String,
    pub(super) value: String,
}

/// Why headers cannot be sent. Names a header at most, never a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidHeader {
    #[error("should be a list of names and values")]
    Odd,
    #[error("\"{0}\"\"\" is no name of a header")]
    Name(String),
    #[error("{0} belongs to the client itself")]
    Reserved(String),
    #[error("the value of {0} has characters other than printable ASCII")]
    Value(String),
}

/// What the request holds anyway, or what would change where it ends.
const RESERVED: [&str; 6] = [
    "host",
    "upgrade",
    "connection",
    "content-length",
    "transfer-encoding",
    "trailer",
];

/// Checks names and values in turn; a name may come more than once.
pub fn parse_headers(words: &[String]) -> Result<Vec<Header>, InvalidHeader> {
    let (pairs, rest) = words.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(InvalidHeader::Odd);
    }
    pairs
        .iter()
        .map(|[name, value]| Header::new(name, value))
        .collect()
}

impl Header {
    fn new(name: &str, value: &str) -> Result<Header, InvalidHeader> {
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(InvalidHeader::Name(name.escape_debug().to_string()));
        }
        let lower = name.to_ascii_lowercase();
        if RESERVED.contains(&lower.as_str()) || lower.starts_with("sec-websocket-") {
            return Err(InvalidHeader::Reserved(name.to_owned()));
        }
        if !value.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            return Err(InvalidHeader::Value(name.to_owned()));
        }
        Ok(Header {
            name: name.to_owned(),
            value: value.to_owned(),
        })
    }
}

/// The characters of names in HTTP.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(words: &[&str]) -> Option<String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        parse_headers(&words).err().map(|error| error.to_string())
    }

    #[test]
    fn names_may_repeat() {
        assert_eq!(
            fault(&["X-A", "1", "x-a", "2", "Authorization", "Bearer x"]),
            None
        );
    }

    #[test]
    fn faults_never_show_a_value() {
        for (words, text) in [
            (&["X"][..], "should be a list of names and values"),
            (&["", "v"], "\"\" is no name of a header"),
            (&["a b", "v"], "\"a b\" is no name of a header"),
            (&["a\r\nb", "v"], "\"a\\r\\nb\" is no name of a header"),
            (&["HOST", "v"], "HOST belongs to the client itself"),
            (
                &["Sec-Websocket-Key", "v"],
                "Sec-Websocket-Key belongs to the client itself",
            ),
        ] {
            assert_eq!(fault(words).as_deref(), Some(text));
        }
        for value in ["s\r\nX: y", "s\n", "s\0", "s\u{e9}", "s\t"] {
            let text = "the value of X has characters other than printable ASCII";
            assert_eq!(fault(&["X", value]).as_deref(), Some(text), "{value:?}");
        }
    }
}
