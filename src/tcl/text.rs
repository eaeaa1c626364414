//! Tcl's form of UTF-8 and ours.
//!
//! Tcl writes NUL as `C0 80`, and 8.6 writes characters above U+FFFF as two surrogates of three
//! bytes each. Both must be undone on the way in, and NUL encoded on the way out.

use std::borrow::Cow;

/// Reads Tcl's form. What is no character (lone surrogates, broken bytes) becomes U+FFFD.
pub fn from_modified(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(decode(bytes)),
    }
}

fn decode(mut bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    while !bytes.is_empty() {
        let (character, length) = next_character(bytes);
        out.push(character);
        bytes = &bytes[length..];
    }
    out
}

fn next_character(bytes: &[u8]) -> (char, usize) {
    if bytes.starts_with(&[0xC0, 0x80]) {
        return ('\0', 2);
    }
    if let Some(high @ 0xD800..0xDC00) = surrogate(bytes) {
        return match surrogate(&bytes[3..]) {
            Some(low @ 0xDC00..0xE000) => {
                let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
            }
            _ => (char::REPLACEMENT_CHARACTER, 3),
        };
    }
    if surrogate(bytes).is_some() {
        return (char::REPLACEMENT_CHARACTER, 3);
    }
    let length = match bytes[0] {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => 1,
    };
    bytes
        .get(..length)
        .and_then(|head| std::str::from_utf8(head).ok())
        .and_then(|head| head.chars().next())
        .map_or((char::REPLACEMENT_CHARACTER, 1), |character| (character, length))
}

/// The surrogate that the next three bytes encode, if they do.
fn surrogate(bytes: &[u8]) -> Option<u32> {
    match *bytes {
        [0xED, second @ 0xA0..=0xBF, third @ 0x80..=0xBF, ..] => {
            Some(0xD000 | u32::from(second & 0x3F) << 6 | u32::from(third & 0x3F))
        }
        _ => None,
    }
}

/// Writes Tcl's form, with characters above U+FFFF as `pairs` of surrogates for 8.6: what it gets
/// otherwise it shows alike, but does not find equal to its own.
pub fn to_modified(text: &str, pairs: bool) -> Cow<'_, [u8]> {
    let bytes = text.as_bytes();
    let greatest = || bytes.iter().fold(0, |greatest, &byte| byte.max(greatest));
    if memchr::memchr(0, bytes).is_none() && !(pairs && greatest() >= FIRST_OF_FOUR) {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\0' => out.extend([0xC0, 0x80]),
            '\u{1_0000}'.. if pairs => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.extend(
                        [0xE0 | *unit >> 12, 0x80 | *unit >> 6 & 0x3F, 0x80 | *unit & 0x3F].map(|b| b as u8),
                    );
                }
            }
            _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(out)
}

/// The least byte that leads a character above U+FFFF.
const FIRST_OF_FOUR: u8 = 0xF0;

/// Tcl's form of a string with one character per byte.
#[inline]
pub fn latin1_to_modified(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.iter().all(|byte| (1..0x80).contains(byte)) {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len() * 2);
    for &byte in bytes {
        match byte {
            0 => out.extend([0xC0, 0x80]),
            0x01..=0x7F => out.push(byte),
            _ => out.extend([0xC0 | byte >> 6, 0x80 | byte & 0x3F]),
        }
    }
    Cow::Owned(out)
}

/// One byte per character; `None` if one is above U+00FF.
#[inline]
pub fn modified_to_latin1(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    if bytes.is_ascii() {
        return Some(Cow::Borrowed(bytes));
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(&byte) = rest.next() {
        match byte {
            0x00..=0x7F => out.push(byte),
            // C0 80 is Tcl's NUL; C2 and C3 lead U+0080 to U+00FF.
            0xC0 | 0xC2 | 0xC3 => out.push((byte & 0x03) << 6 | rest.next()? & 0x3F),
            _ => return None,
        }
    }
    Some(Cow::Owned(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_and_surrogate_pairs_are_undone() {
        assert_eq!(from_modified(b"a\xC0\x80b"), "a\0b");
        assert_eq!(from_modified(b"\xED\xA0\xBD\xED\xB8\x80!"), "\u{1F600}!");
        assert_eq!(from_modified("\u{1F600}".as_bytes()), "\u{1F600}");
    }

    #[test]
    fn what_is_no_character_is_replaced() {
        assert_eq!(from_modified(b"\xED\xA0\xBDx"), "\u{FFFD}x");
        assert_eq!(from_modified(b"\xED\xB8\x80x"), "\u{FFFD}x");
        assert_eq!(from_modified(b"\xFFx\xE2\x82"), "\u{FFFD}x\u{FFFD}\u{FFFD}");
    }

    #[test]
    fn every_byte_survives_as_a_character() {
        let all: Vec<u8> = (0..=255).collect();
        let modified = latin1_to_modified(&all).into_owned();
        assert_eq!(modified_to_latin1(&modified).unwrap().as_ref(), all.as_slice());
        assert!(from_modified(&modified).chars().map(u32::from).eq(0..256));
    }

    #[test]
    fn characters_beyond_a_byte_are_refused() {
        assert!(modified_to_latin1("\u{100}".as_bytes()).is_none());
        assert!(modified_to_latin1("a€".as_bytes()).is_none());
        assert_eq!(modified_to_latin1("\u{FF}".as_bytes()).unwrap().as_ref(), &[0xFF]);
    }

    #[test]
    fn each_version_gets_its_form() {
        for pairs in [false, true] {
            assert_eq!(to_modified("a\0b", pairs).as_ref(), b"a\xC0\x80b");
            assert_eq!(to_modified("ä€\u{FFFD}", pairs).as_ref(), "ä€\u{FFFD}".as_bytes());
        }
        let text = "\0\u{1F600}ä\u{10FFFF}";
        assert_eq!(to_modified("\u{1F600}", false).as_ref(), "\u{1F600}".as_bytes());
        assert_eq!(
            to_modified("\u{1F600}", true).as_ref(),
            b"\xED\xA0\xBD\xED\xB8\x80"
        );
        assert_eq!(from_modified(&to_modified(text, true)), text);
    }
}
