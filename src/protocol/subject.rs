//! Which subjects and queue names are allowed, and their bytes on the wire.
//!
//! On the wire a character up to U+00FF is one byte; others cannot be sent. A *token* is one or
//! more letters, digits and ``-!#$%&'()+,/:;<=?@^_`|~``. The check functions return the wire form.
//! With `strict` false they demand only what keeps the stream intact: something visible, without
//! white space and control characters.

use std::borrow::Cow;

use thiserror::Error;

/// A name that is not allowed; holds it as given.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SubjectError {
    #[error("Invalid subject {0}")]
    Subject(String),
    #[error("Invalid reply {0}")]
    Reply(String),
    #[error("Invalid queue {0}")]
    Queue(String),
}

impl SubjectError {
    /// The error's code: `ErrBadQueueName` for a queue, else `ErrBadSubject`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Subject(_) | Self::Reply(_) => "ErrBadSubject",
            Self::Queue(_) => "ErrBadQueueName",
        }
    }
}

/// A subject to publish to: tokens with dots between them.
pub fn check_publish(subject: &str, strict: bool) -> Result<Cow<'_, [u8]>, SubjectError> {
    to_wire(subject)
        .filter(|wire| is_subject(wire, strict))
        .ok_or_else(|| SubjectError::Subject(subject.to_owned()))
}

/// A subject for answers: as for publishing, or empty for none.
pub fn check_reply(reply: &str, strict: bool) -> Result<Cow<'_, [u8]>, SubjectError> {
    to_wire(reply)
        .filter(|wire| wire.is_empty() || is_subject(wire, strict))
        .ok_or_else(|| SubjectError::Reply(reply.to_owned()))
}

/// A subject to subscribe to: as for publishing, or with `*` and `>` in place of whole tokens.
pub fn check_subscribe(subject: &str, strict: bool) -> Result<Cow<'_, [u8]>, SubjectError> {
    to_wire(subject)
        .filter(|wire| is_pattern(wire, strict))
        .ok_or_else(|| SubjectError::Subject(subject.to_owned()))
}

/// The name of a queue group: one token.
pub fn check_queue(queue: &str, strict: bool) -> Result<Cow<'_, [u8]>, SubjectError> {
    to_wire(queue)
        .filter(|wire| is_token(wire, if strict { TOKEN } else { VISIBLE }))
        .ok_or_else(|| SubjectError::Queue(queue.to_owned()))
}

/// Whether bytes are ASCII tokens with dots between them: a subject by every check here, and its own
/// wire form. This is asked of every message that is published, so it looks at each byte once.
#[inline]
pub fn is_plain(bytes: &[u8]) -> bool {
    are_tokens(bytes, PLAIN)
}

/// Whether bytes that a server wants as a subject keep the stream intact.
pub fn is_visible(wire: &[u8]) -> bool {
    is_token(wire, VISIBLE)
}

/// One byte per character; `None` if a character is above U+00FF.
pub fn to_wire(text: &str) -> Option<Cow<'_, [u8]>> {
    if text.is_ascii() {
        return Some(text.as_bytes().into());
    }
    text.chars()
        .map(|c| u8::try_from(c).ok())
        .collect::<Option<Vec<u8>>>()
        .map(Cow::Owned)
}

fn is_subject(wire: &[u8], strict: bool) -> bool {
    if strict {
        are_tokens(wire, TOKEN)
    } else {
        is_token(wire, VISIBLE)
    }
}

/// Tokens of the class with dots between them.
#[inline]
fn are_tokens(wire: &[u8], class: u8) -> bool {
    let mut begun = false;
    for &byte in wire {
        // A dot ends a token, which must have begun; everything else is part of one.
        if !(is_of(byte, class) || byte == b'.' && begun) {
            return false;
        }
        begun = byte != b'.';
    }
    begun
}

fn is_pattern(wire: &[u8], strict: bool) -> bool {
    if !strict {
        return is_token(wire, VISIBLE);
    }
    wire.split(|&byte| byte == b'.')
        .all(|token| matches!(token, b"*" | b">") || is_token(token, TOKEN))
}

/// One or more characters, all of the class.
fn is_token(wire: &[u8], class: u8) -> bool {
    !wire.is_empty() && wire.iter().all(|&byte| is_of(byte, class))
}

fn is_of(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// Class of characters that a token may hold.
const TOKEN: u8 = 1;

/// Class of ASCII characters that a token may hold.
const PLAIN: u8 = 4;

/// Class of characters that are neither white space nor control characters.
const VISIBLE: u8 = 2;

/// The classes of the characters up to U+00FF.
const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        if is_token_character(c) {
            classes[byte] |= if c.is_ascii() { TOKEN | PLAIN } else { TOKEN };
        }
        // U+0080 to U+009F are controls, U+00A0 is the no-break space.
        if c.is_ascii_graphic() || c > 0xA0 {
            classes[byte] |= VISIBLE;
        }
        byte += 1;
    }
    classes
}

const fn is_token_character(byte: u8) -> bool {
    match byte {
        b'"' | b'*' | b'.' | b'>' | b'[' | b'\\' | b']' | b'{' | b'}' => false,
        // Feminine and masculine ordinal, micro sign; then the accented letters but for the
        // signs of multiplication and division.
        0xAA | 0xBA | 0xB5 => true,
        0xC0.. => byte != 0xD7 && byte != 0xF7,
        _ => byte.is_ascii_graphic(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNS: &str = "-!#$%&'()+,/:;<=?@^_`|~";

    #[test]
    fn classes_agree_with_unicode() {
        for byte in 0..=u8::MAX {
            let c = char::from(byte);
            let token = c.is_alphabetic() || c.is_ascii_digit() || SIGNS.contains(c);
            let visible = !c.is_whitespace() && !c.is_control();
            let expected = u8::from(token) * TOKEN
                + u8::from(token && c.is_ascii()) * PLAIN
                + u8::from(visible) * VISIBLE;
            assert_eq!(CLASSES[usize::from(byte)], expected, "{c:?}");
        }
    }

    #[test]
    fn strict_subjects() {
        for subject in ["foo", "foo.bar", "a.b.c.1", SIGNS, "caf\u{e9}.x", "$JS.API.INFO"] {
            for check in [check_publish, check_reply, check_subscribe] {
                assert_eq!(check(subject, true), Ok(to_wire(subject).unwrap()));
            }
        }
        let bad = [
            "", ".", ".a", "a.", "a..b", "a b", "a\tb", "a\r\n", "a\0", "a\"", "a[", "a]", "a{", "a}",
            "a\\b", "a\u{80}", "a\u{a0}", "\u{d7}", "\u{b2}", "\u{100}", "\u{3b1}",
        ];
        for subject in bad {
            let error = SubjectError::Subject(subject.to_owned());
            assert_eq!(check_publish(subject, true), Err(error.clone()));
            assert_eq!(check_subscribe(subject, true), Err(error));
            if !subject.is_empty() {
                let error = SubjectError::Reply(subject.to_owned());
                assert_eq!(check_reply(subject, true), Err(error));
            }
        }
    }

    #[test]
    fn plain_subjects_pass_every_check() {
        for subject in ["foo", "foo.bar", "a.b.c.1", SIGNS, "$JS.API.INFO"] {
            assert!(is_plain(subject.as_bytes()), "{subject}");
            for check in [check_publish, check_reply, check_subscribe] {
                assert_eq!(check(subject, false).unwrap(), subject.as_bytes());
            }
        }
        for other in ["", ".", ".a", "a.", "a..b", "a b", "a\n", "*", "a.>", "caf\u{e9}"] {
            assert!(!is_plain(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn wildcards_only_where_one_subscribes() {
        for pattern in ["*", ">", "a.*", "a.>", "*.a.*", ">.a", "a.>.>"] {
            assert!(check_subscribe(pattern, true).is_ok(), "{pattern}");
            assert!(check_publish(pattern, true).is_err(), "{pattern}");
            assert!(check_reply(pattern, true).is_err(), "{pattern}");
        }
        for pattern in ["a*", "*a", "**", ">>", "a>", "a.*b", "*.", "..*"] {
            assert!(check_subscribe(pattern, true).is_err(), "{pattern}");
        }
    }

    #[test]
    fn queues_are_one_token() {
        for queue in ["q", "q-1", SIGNS, "\u{e9}"] {
            assert!(check_queue(queue, true).is_ok(), "{queue}");
        }
        for queue in ["", "a.b", ".", "a b", "*", ">", "a\n", "\u{3b1}"] {
            assert!(check_queue(queue, true).is_err(), "{queue}");
        }
    }

    #[test]
    fn lax_checks_keep_the_stream_intact() {
        let checks = [check_publish, check_reply, check_subscribe, check_queue];
        for name in ["foo", "a..b", ".", "a*", "{\"[\\]}", "\u{e9}\u{d7}"] {
            assert!(checks.iter().all(|check| check(name, false).is_ok()), "{name}");
        }
        for name in [
            " ",
            "a b",
            "a\tb",
            "a\r\nPING",
            "\0",
            "\u{7f}",
            "\u{85}",
            "\u{a0}",
            "\u{100}",
        ] {
            assert!(checks.iter().all(|check| check(name, false).is_err()), "{name:?}");
        }
        assert!(check_publish("", false).is_err() && check_subscribe("", false).is_err());
        assert!(check_queue("", false).is_err());
    }

    #[test]
    fn an_empty_reply_means_none() {
        assert!(check_reply("", true).unwrap().is_empty());
        assert!(check_reply("", false).unwrap().is_empty());
    }

    #[test]
    fn wire_forms() {
        assert!(matches!(to_wire("foo"), Some(Cow::Borrowed(b"foo"))));
        assert_eq!(to_wire("a\u{e9}\u{ff}").unwrap().as_ref(), b"a\xE9\xFF");
        assert_eq!(to_wire("a\u{100}"), None);
    }

    #[test]
    fn texts_and_codes() {
        let cases = [
            (check_publish("a b", true), "Invalid subject a b", "ErrBadSubject"),
            (check_reply("a b", true), "Invalid reply a b", "ErrBadSubject"),
            (check_queue("a.b", true), "Invalid queue a.b", "ErrBadQueueName"),
        ];
        for (result, text, code) in cases {
            let error = result.unwrap_err();
            assert_eq!((error.to_string().as_str(), error.code()), (text, code));
        }
    }
}
