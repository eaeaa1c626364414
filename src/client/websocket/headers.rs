//! The headers that an owner adds to the request for a WebSocket.

use thiserror::Error;

/// One header, checked. No `Debug`: its value may be a login.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    pub(super) name: String,
    pub(super) value: String,
}

/// Why headers cannot be sent. Shows a proper name at most, never a value, nor what stands in the
/// place of a name: that may be a value out of place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidHeader {
    #[error("should be a list of names and values")]
    Odd,
    #[error("index {0} is no name of a header")]
    Name(usize),
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
    let pairs = pairs.iter().enumerate();
    pairs
        .map(|(pair, [name, value])| Header::new(2 * pair, name, value))
        .collect()
}

impl Header {
    fn new(index: usize, name: &str, value: &str) -> Result<Header, InvalidHeader> {
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(InvalidHeader::Name(index));
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
            (&["", "v"], "index 0 is no name of a header"),
            (&["a", "v", "a b", "v"], "index 2 is no name of a header"),
            (&["a\r\nb", "v"], "index 0 is no name of a header"),
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
