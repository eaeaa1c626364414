//! How a server can break the protocol.

use thiserror::Error;

/// A breach after which the connection cannot be used any more.
///
/// `Display` gives the text that users see, [`code`](Self::code) the second element of the
/// `-errorcode` list.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProtocolError {
    /// An unknown verb, or arguments or a payload that do not fit it. Holds the verb, a blank
    /// and the rest of the line; verb and rest are cut to 256 bytes each.
    #[error("Invalid protocol {0}")]
    Invalid(String),
    /// A line grew past its limit without ending.
    #[error("Maximum control line exceeded")]
    LineTooLong,
}

impl ProtocolError {
    /// The error for a control line `line` (without its line end).
    pub(super) fn invalid(line: &[u8]) -> Self {
        let verb_end = line.iter().position(|&b| is_blank(b)).unwrap_or(line.len());
        let (verb, rest) = line.split_at(verb_end);
        Self::invalid_operation(verb, rest.trim_ascii_start())
    }

    /// The error for a verb and what follows it.
    pub(super) fn invalid_operation(verb: &[u8], rest: &[u8]) -> Self {
        Self::Invalid(format!("{} {}", excerpt(verb), excerpt(rest)))
    }

    /// The error's code, e.g. `ErrProtocol`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "ErrProtocol",
            Self::LineTooLong => "ErrServer",
        }
    }
}

/// A header block of a version that we do not know; holds the word in the version's place.
///
/// The message is delivered with an empty header and the connection lives on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("Unknown header version {0}")]
pub struct UnknownHeaderVersion(String);

impl UnknownHeaderVersion {
    pub(super) fn new(word: &[u8]) -> Self {
        Self(excerpt(word))
    }

    /// The error's code, `ErrBadHeaderMsg`.
    pub fn code(&self) -> &'static str {
        "ErrBadHeaderMsg"
    }
}

/// Whether `byte` separates the words of a control line.
pub(super) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Bytes of a server's text that an error repeats: enough to recognise it, too few to flood a log.
const MAX_EXCERPT: usize = 256;

/// The beginning of `bytes` as text; what is not UTF-8 shows as U+FFFD.
fn excerpt(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_EXCERPT)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_codes() {
        let cases: [(&[u8], &str); 5] = [
            (b"FOO bar  baz", "Invalid protocol FOO bar  baz"),
            (b"FOO", "Invalid protocol FOO "),
            (b"FOO \t bar", "Invalid protocol FOO bar"),
            (b"", "Invalid protocol  "),
            (b"F\xFFO x", "Invalid protocol F\u{FFFD}O x"),
        ];
        for (line, text) in cases {
            let error = ProtocolError::invalid(line);
            assert_eq!((error.to_string().as_str(), error.code()), (text, "ErrProtocol"));
        }
        let error = ProtocolError::LineTooLong;
        assert_eq!(error.to_string(), "Maximum control line exceeded");
        assert_eq!(error.code(), "ErrServer");
        let error = UnknownHeaderVersion::new(b"NATS/2.0");
        assert_eq!(error.to_string(), "Unknown header version NATS/2.0");
        assert_eq!(error.code(), "ErrBadHeaderMsg");
    }

    #[test]
    fn long_texts_are_cut() {
        let text = ProtocolError::invalid(&[b'x'; 4096]).to_string();
        assert_eq!(text, format!("Invalid protocol {} ", "x".repeat(MAX_EXCERPT)));
        let line = [b"FOO ".as_slice(), &[b'y'; 4000]].concat();
        let text = ProtocolError::invalid(&line).to_string();
        assert_eq!(text, format!("Invalid protocol FOO {}", "y".repeat(MAX_EXCERPT)));
    }
}
