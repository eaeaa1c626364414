//! What a `-ERR` means.

/// An error that a server reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerError {
    /// The error's code, e.g. `ErrPermissions`.
    pub code: &'static str,
    /// Whether the connection is to be given up.
    pub fatal: bool,
    /// The server's text in lower case, without the quotes around it.
    pub text: String,
}

impl ServerError {
    /// Judges the text that followed `-ERR`. Servers tell their errors apart by text only, and
    /// close the connection after most of them, so an unknown one counts as fatal.
    pub fn classify(raw: &[u8]) -> Self {
        let text = String::from_utf8_lossy(raw);
        let text = text
            .trim_matches(|c: char| c == '\'' || c.is_whitespace())
            .to_lowercase();
        let known = KNOWN.iter().find(|(prefix, ..)| text.starts_with(prefix));
        let (code, fatal) = match known {
            Some(&(_, code, fatal)) => (code, fatal),
            None if is_bad_subject(&text) => ("ErrBadSubject", false),
            None => ("ErrServer", true),
        };
        Self { code, fatal, text }
    }
}

/// How a text begins, its code, and whether it is fatal.
const KNOWN: [(&str, &str, bool); 7] = [
    ("stale connection", "ErrStaleConnection", true),
    ("authorization violation", "ErrAuthorization", true),
    ("user authentication expired", "ErrAuthExpired", true),
    ("user authentication revoked", "ErrAuthRevoked", true),
    ("account authentication expired", "ErrAccountAuthExpired", true),
    ("permissions violation", "ErrPermissions", false),
    ("maximum subscriptions exceeded", "ErrServer", false),
];

/// Such as `invalid subject` and `invalid publish subject`.
fn is_bad_subject(text: &str) -> bool {
    text.strip_prefix("invalid ")
        .is_some_and(|rest| rest.contains("subject"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        let cases = [
            (
                "'Stale Connection'",
                "ErrStaleConnection",
                true,
                "stale connection",
            ),
            (
                "'Authorization Violation'",
                "ErrAuthorization",
                true,
                "authorization violation",
            ),
            (
                "'User Authentication Expired'",
                "ErrAuthExpired",
                true,
                "user authentication expired",
            ),
            (
                "'User Authentication Revoked'",
                "ErrAuthRevoked",
                true,
                "user authentication revoked",
            ),
            (
                "'Account Authentication Expired'",
                "ErrAccountAuthExpired",
                true,
                "account authentication expired",
            ),
            (
                "'Permissions Violation for Publish to \"Foo\"'",
                "ErrPermissions",
                false,
                "permissions violation for publish to \"foo\"",
            ),
            ("'Invalid Subject'", "ErrBadSubject", false, "invalid subject"),
            (
                "'Invalid Publish Subject'",
                "ErrBadSubject",
                false,
                "invalid publish subject",
            ),
            (
                "'Invalid Client Protocol'",
                "ErrServer",
                true,
                "invalid client protocol",
            ),
            (
                "'Not an Invalid Subject'",
                "ErrServer",
                true,
                "not an invalid subject",
            ),
            (
                "'maximum subscriptions exceeded'",
                "ErrServer",
                false,
                "maximum subscriptions exceeded",
            ),
            (
                "'Maximum Connections Exceeded'",
                "ErrServer",
                true,
                "maximum connections exceeded",
            ),
            ("", "ErrServer", true, ""),
            (" '' ", "ErrServer", true, ""),
            (" \t'  Don't ' ", "ErrServer", true, "don't"),
        ];
        for (raw, code, fatal, text) in cases {
            let expected = ServerError {
                code,
                fatal,
                text: text.to_owned(),
            };
            assert_eq!(ServerError::classify(raw.as_bytes()), expected);
        }
        assert_eq!(ServerError::classify(b"'\xFF'").text, "\u{FFFD}");
    }
}
