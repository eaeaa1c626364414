//! Header blocks, both ways.
//!
//! A block is the line `NATS/1.0`, a line `key: value` for each value, and an empty line. A
//! server may put a status and a description behind the version. Keys and values are bytes: the
//! protocol promises no encoding.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::{BufMut, BytesMut};
use thiserror::Error;

use super::error::UnknownHeaderVersion;

const VERSION: &[u8] = b"NATS/1.0";

/// Key under which [`Headers`] lists the status of the version line.
const STATUS: &[u8] = b"Status";

/// Key under which [`Headers`] lists the description of the version line.
const DESCRIPTION: &[u8] = b"Description";

/// The keys of a header block in the order of their first appearance, with their values.
///
/// Keys are compared byte by byte: case matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers<'a> {
    fields: Vec<Field<'a>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Field<'a> {
    key: &'a [u8],
    values: Vec<Cow<'a, [u8]>>,
}

/// A header that cannot be sent; holds the key, one character per byte.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// The key holds a colon, a CR or an LF.
    #[error("Invalid header key {0}")]
    Key(String),
    /// A value of this key holds a CR or an LF.
    #[error("Invalid value of the header key {0}")]
    Value(String),
}

impl<'a> Headers<'a> {
    /// Reads a block as it came over the wire.
    ///
    /// Lines end with CRLF or LF. An integer behind the version becomes the value of `Status`,
    /// the words behind it, joined by single blanks, the value of `Description`; a status that
    /// is not an integer is dropped. Lines without a key are ignored. Keys and values are trimmed
    /// of outer white space. A key that comes again appends to its values.
    pub fn parse(block: &'a [u8]) -> Result<Self, UnknownHeaderVersion> {
        let (first, rest) = split_line(block);
        let mut words = words(first);
        check_version_word(words.next())?;
        let mut fields = Collector::default();
        if let Some(status) = words.next().filter(|word| is_integer(word)) {
            fields.append(STATUS, status.into());
        }
        let description: Vec<&[u8]> = words.collect();
        if !description.is_empty() {
            fields.append(DESCRIPTION, description.join(&b' ').into());
        }
        for (key, value) in lines(rest) {
            fields.append(key, value.into());
        }
        Ok(Self {
            fields: fields.fields,
        })
    }

    /// Looks at the version only: whether [`parse`](Self::parse) would succeed.
    pub fn check_version(block: &[u8]) -> Result<(), UnknownHeaderVersion> {
        check_version_word(words(split_line(block).0).next())
    }

    /// Appends the block for `pairs` (each a key and its values) to `buf`.
    ///
    /// Keys and values are trimmed of outer white space; blank keys and keys without values are
    /// left out. `Status` and `Description` are keys like any other.
    ///
    /// # Errors
    /// A key or value would break its line; `buf` is left as it was.
    pub fn encode<'p, V>(
        pairs: impl IntoIterator<Item = (&'p [u8], V)>,
        buf: &mut BytesMut,
    ) -> Result<(), HeaderError>
    where
        V: IntoIterator<Item = &'p [u8]>,
    {
        let start = buf.len();
        let written = encode_fields(pairs, buf);
        if written.is_err() {
            buf.truncate(start);
        }
        written
    }

    /// The keys with their values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], impl ExactSizeIterator<Item = &[u8]>)> {
        self.fields
            .iter()
            .map(|field| (field.key, field.values.iter().map(Cow::as_ref)))
    }

    /// The first value of `key`.
    pub fn get_first(&self, key: &[u8]) -> Option<&[u8]> {
        let field = self.fields.iter().find(|field| field.key == key)?;
        field.values.first().map(Cow::as_ref)
    }

    /// Number of different keys.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

impl HeaderError {
    /// The error's code, `ErrInvalidArg`.
    pub fn code(&self) -> &'static str {
        "ErrInvalidArg"
    }
}

/// The first `Status` of `block`, as [`Headers::parse`] would find it, if it is a number below
/// 65536. Servers write it on the version line, where it is found without parsing the rest.
pub(super) fn first_status(block: &[u8]) -> Option<u16> {
    let (first, rest) = split_line(block);
    let mut words = words(first);
    if words.next()? != VERSION {
        return None;
    }
    match words.next().filter(|word| is_integer(word)) {
        Some(status) => number(status),
        None => number(lines(rest).find(|(key, _)| *key == STATUS)?.1),
    }
}

fn number(word: &[u8]) -> Option<u16> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Gathers fields by key.
#[derive(Default)]
struct Collector<'a> {
    fields: Vec<Field<'a>>,
    /// Positions by key, kept only once there are too many keys to search one by one: a block of
    /// many megabytes of different keys must not take quadratic time.
    index: HashMap<&'a [u8], usize>,
}

impl<'a> Collector<'a> {
    /// Up to so many keys a search beats the index.
    const SEARCHED: usize = 32;

    fn append(&mut self, key: &'a [u8], value: Cow<'a, [u8]>) {
        match self.position(key) {
            Some(at) => self.fields[at].values.push(value),
            None => {
                if self.fields.len() >= Self::SEARCHED {
                    self.index.insert(key, self.fields.len());
                }
                self.fields.push(Field {
                    key,
                    values: vec![value],
                });
            }
        }
    }

    fn position(&self, key: &[u8]) -> Option<usize> {
        let searched = &self.fields[..self.fields.len().min(Self::SEARCHED)];
        let found = searched.iter().position(|field| field.key == key);
        found.or_else(|| self.index.get(key).copied())
    }
}

/// The first line without its LF, and what follows.
fn split_line(block: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'\n', block) {
        Some(end) => (&block[..end], &block[end + 1..]),
        None => (block, &[]),
    }
}

/// The keys and values of lines that have a key.
fn lines(rest: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    rest.split(|&byte| byte == b'\n').filter_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        let key = line[..colon].trim_ascii();
        (!key.is_empty()).then(|| (key, line[colon + 1..].trim_ascii()))
    })
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
}

/// Digits, perhaps behind a sign.
fn is_integer(word: &[u8]) -> bool {
    let digits = word
        .strip_prefix(b"-")
        .or(word.strip_prefix(b"+"))
        .unwrap_or(word);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

fn check_version_word(word: Option<&[u8]>) -> Result<(), UnknownHeaderVersion> {
    match word.unwrap_or_default() {
        VERSION => Ok(()),
        other => Err(UnknownHeaderVersion::new(other)),
    }
}

fn encode_fields<'p, V>(
    pairs: impl IntoIterator<Item = (&'p [u8], V)>,
    buf: &mut BytesMut,
) -> Result<(), HeaderError>
where
    V: IntoIterator<Item = &'p [u8]>,
{
    buf.put_slice(b"NATS/1.0\r\n");
    for (key, values) in pairs {
        let key = key.trim_ascii();
        if key.is_empty() {
            continue;
        }
        if key.iter().any(|byte| matches!(byte, b':' | b'\r' | b'\n')) {
            return Err(HeaderError::Key(latin1(key)));
        }
        for value in values {
            let value = value.trim_ascii();
            if memchr::memchr2(b'\r', b'\n', value).is_some() {
                return Err(HeaderError::Value(latin1(key)));
            }
            buf.reserve(key.len() + value.len() + 4);
            buf.put_slice(key);
            buf.put_slice(b": ");
            buf.put_slice(value);
            buf.put_slice(b"\r\n");
        }
    }
    buf.put_slice(b"\r\n");
    Ok(())
}

/// One character per byte.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fields of `block` as `key=value|value`.
    fn parse(block: &str) -> Result<Vec<String>, String> {
        let headers = Headers::parse(block.as_bytes()).map_err(|error| error.to_string())?;
        let field =
            |(key, values): (&[u8], Vec<&[u8]>)| format!("{}={}", latin1(key), latin1(&values.join(&b'|')));
        Ok(headers
            .iter()
            .map(|(key, values)| field((key, values.collect())))
            .collect())
    }

    type Pairs<'a> = &'a [(&'a str, &'a [&'a str])];

    fn encode(pairs: Pairs) -> Result<String, HeaderError> {
        let mut buf = BytesMut::from("before");
        let pairs = pairs
            .iter()
            .map(|(key, values)| (key.as_bytes(), values.iter().map(|value| value.as_bytes())));
        let written = Headers::encode(pairs, &mut buf);
        let text = String::from_utf8_lossy(&buf)["before".len()..].to_owned();
        match written {
            Ok(()) => Ok(text),
            Err(error) => {
                assert_eq!(text, "", "an error leaves the buffer as it was");
                Err(error)
            }
        }
    }

    #[test]
    fn reads_version_lines() {
        let cases: [(&str, &[&str]); 12] = [
            ("NATS/1.0", &[]),
            ("NATS/1.0\r\n\r\n", &[]),
            ("NATS/1.0 503\r\n\r\n", &["Status=503"]),
            (
                "NATS/1.0\t404  No   Messages \n\n",
                &["Status=404", "Description=No Messages"],
            ),
            (
                "NATS/1.0 100 Idle Heartbeat\r\n",
                &["Status=100", "Description=Idle Heartbeat"],
            ),
            ("NATS/1.0 408 {a \"b\r\n", &["Status=408", "Description={a \"b"]),
            ("NATS/1.0 abc\r\n", &[]),
            ("NATS/1.0 abc def\r\n", &["Description=def"]),
            ("NATS/1.0 5x3 def\r\n", &["Description=def"]),
            ("NATS/1.0 -1\r\n", &["Status=-1"]),
            ("NATS/1.0 503\r\nStatus: 7\r\n", &["Status=503|7"]),
            (
                "NATS/1.0\r\nStatus: 7\r\nDescription: x\r\n",
                &["Status=7", "Description=x"],
            ),
        ];
        for (block, expected) in cases {
            assert_eq!(parse(block).unwrap(), expected, "{block:?}");
        }
    }

    #[test]
    fn reads_fields() {
        let cases: [(&str, &[&str]); 9] = [
            ("a: 1\r\nb: 2\r\na: 3\r\n\r\n", &["a=1|3", "b=2"]),
            ("a:1\n b :\t2 \n", &["a=1", "b=2"]),
            ("a: b:c\r\n", &["a=b:c"]),
            ("a:\r\na: \r\n", &["a=|"]),
            ("A: 1\r\na: 2\r\n", &["A=1", "a=2"]),
            ("no colon\r\n: x\r\n : y\r\na: 1\r\n", &["a=1"]),
            ("a b: c d\r\n", &["a b=c d"]),
            ("a: 1", &["a=1"]),
            ("a: {b\r\n\r\nc: }\r\n", &["a={b", "c=}"]),
        ];
        for (fields, expected) in cases {
            assert_eq!(
                parse(&format!("NATS/1.0\r\n{fields}")).unwrap(),
                expected,
                "{fields:?}"
            );
        }
    }

    #[test]
    fn refuses_other_versions() {
        for (block, word) in [
            ("NATS/1.1\r\n\r\n", "NATS/1.1"),
            ("NATS/1.0x\r\n", "NATS/1.0x"),
            ("nats/1.0 503\r\n", "nats/1.0"),
            ("\r\nNATS/1.0\r\n", ""),
            ("", ""),
        ] {
            assert_eq!(parse(block), Err(format!("Unknown header version {word}")));
            assert_eq!(first_status(block.as_bytes()), None);
        }
    }

    #[test]
    fn finds_the_first_status() {
        let cases = [
            ("NATS/1.0 503\r\n\r\n", Some(503)),
            ("NATS/1.0  100 Idle Heartbeat\r\n\r\n", Some(100)),
            ("NATS/1.0\r\nStatus: 503\r\n\r\n", Some(503)),
            ("NATS/1.0 5o3\r\n\r\n", None),
            ("NATS/1.0 -1\r\n\r\n", None),
            ("NATS/1.0 65536\r\n\r\n", None),
        ];
        for (block, status) in cases {
            assert_eq!(first_status(block.as_bytes()), status, "{block:?}");
        }
    }

    #[test]
    fn finds_first_values() {
        let headers = Headers::parse(b"NATS/1.0 503\r\nk: 1\r\nk: 2\r\n\r\n").unwrap();
        assert_eq!(headers.get_first(b"Status"), Some(&b"503"[..]));
        assert_eq!(headers.get_first(b"k"), Some(&b"1"[..]));
        assert_eq!(headers.get_first(b"K"), None);
        assert_eq!((headers.len(), headers.is_empty()), (2, false));
        assert!(Headers::default().is_empty());
    }

    #[test]
    fn many_keys_keep_their_order_and_values() {
        let count = 4 * Collector::SEARCHED;
        let line = |at: usize| format!("k{at}: {at}\r\n");
        let lines: String = (0..count).chain((0..count).rev()).map(line).collect();
        let expected: Vec<_> = (0..count).map(|at| format!("k{at}={at}|{at}")).collect();
        assert_eq!(parse(&format!("NATS/1.0\r\n{lines}\r\n")).unwrap(), expected);
    }

    #[test]
    fn writes_blocks() {
        let cases: [(Pairs, &str); 6] = [
            (&[], ""),
            (&[("a", &["1", "2"])], "a: 1\r\na: 2\r\n"),
            (&[("b", &["2"]), ("a", &["1"])], "b: 2\r\na: 1\r\n"),
            (
                &[(" a\t", &["\r\n x y "]), ("", &["z"]), (" \n", &["z"])],
                "a: x y\r\n",
            ),
            (&[("a", &[]), ("b", &["", " "])], "b: \r\nb: \r\n"),
            (
                &[("Status", &["503"]), ("Description", &["x"])],
                "Status: 503\r\nDescription: x\r\n",
            ),
        ];
        for (pairs, lines) in cases {
            assert_eq!(encode(pairs).unwrap(), format!("NATS/1.0\r\n{lines}\r\n"));
        }
    }

    #[test]
    fn refuses_to_write_what_breaks_lines() {
        for key in ["a:b", "a\rb", "a\nb", ":"] {
            let error = encode(&[("ok", &["1"]), (key, &["1"])]).unwrap_err();
            assert_eq!(error.to_string(), format!("Invalid header key {key}"));
            assert_eq!(error.code(), "ErrInvalidArg");
        }
        for value in ["a\rb", "a\nb", "a\r\nb: c"] {
            let error = encode(&[("ok", &["1"]), (" key", &["1", value])]).unwrap_err();
            assert_eq!(error.to_string(), "Invalid value of the header key key");
        }
    }
}
