//! The rules for frames from the server, without I/O.
//!
//! Content of data frames is given out as it comes: frames may be as large as a server likes (it
//! writes all that waits for us as one), and none is collected.

use std::io::Cursor;

use thiserror::Error;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// Content that a control frame may have.
const MAX_CONTROL: u64 = 125;
/// What the server did against the rules, as words that follow a colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0}")]
pub(crate) struct Violation(&'static str);

/// Where in the sequence of frames the input stands.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// Content of the current data frame that has not been given out.
    left: u64,
    /// More frames belong to the current message.
    continues: bool,
}

/// What the front of the input is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    /// Bytes of the stream.
    Content(&'a [u8]),
    Ping(&'a [u8]),
    /// The content begins with a code of two bytes, or is empty.
    Close(&'a [u8]),
    /// Nothing that anybody waits for.
    Nothing,
}

impl Decoder {
    /// The next item of the input, with at most `max` bytes of content, and how many bytes of the
    /// input it took. `None` if more input is needed; less than a header and 125 bytes lie there then.
    pub(super) fn next<'a>(
        &mut self,
        input: &'a [u8],
        max: usize,
    ) -> Result<Option<(Item<'a>, usize)>, Violation> {
        if input.is_empty() {
            return Ok(None);
        }
        if self.left == 0 {
            return self.next_frame(input);
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let count = left.min(input.len()).min(max);
        self.left -= count as u64;
        Ok(Some((Item::Content(&input[..count]), count)))
    }

    fn next_frame<'a>(&mut self, input: &'a [u8]) -> Result<Option<(Item<'a>, usize)>, Violation> {
        let mut cursor = Cursor::new(input);
        let parsed =
            FrameHeader::parse(&mut cursor).map_err(|_| Violation("it sent a frame of unknown kind"))?;
        let Some((header, length)) = parsed else {
            return Ok(None);
        };
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Violation("it sent a frame with an extension"));
        }
        if header.mask.is_some() {
            return Err(Violation("it sent a masked frame"));
        }
        let rest = &input[cursor.position() as usize..];
        let head = input.len() - rest.len();
        if head != head_of(length) {
            return Err(Violation("it sent a length that is not written as it must be"));
        }
        match header.opcode {
            OpCode::Data(kind) => {
                self.continues = match (kind, self.continues) {
                    (Data::Binary, false) | (Data::Continue, true) => !header.is_final,
                    (Data::Text, _) => return Err(Violation("it sent a text frame")),
                    _ => return Err(Violation("it sent pieces of messages out of order")),
                };
                self.left = length;
                Ok(Some((Item::Nothing, head)))
            }
            OpCode::Control(_) if !header.is_final || length > MAX_CONTROL => Err(Violation(
                "it sent a control frame that is too large or in pieces",
            )),
            OpCode::Control(kind) => {
                let length = length as usize;
                let Some(content) = rest.get(..length) else {
                    return Ok(None);
                };
                let item = match kind {
                    Control::Ping => Item::Ping(content),
                    Control::Close if length == 1 => {
                        return Err(Violation("it sent a close frame with half a code"));
                    }
                    Control::Close => Item::Close(content),
                    Control::Pong | Control::Reserved(_) => Item::Nothing,
                };
                Ok(Some((item, head + length)))
            }
        }
    }
}

/// How long the head of a frame from a server is that has so much content: lengths must be written as
/// short as they can be, and without the highest bit. 0 if there can be no such frame.
fn head_of(length: u64) -> usize {
    match length {
        0..126 => 2,
        126..0x1_0000 => 4,
        0x1_0000..0x8000_0000_0000_0000 => 10,
        _ => 0,
    }
}

/// The stream, pings, and the close in what comes in pieces that end at the cuts; for tests.
#[cfg(any(test, fuzzing))]
pub fn decode(input: &[u8], cuts: &[usize], max: usize) -> Result<Vec<String>, String> {
    let mut decoder = Decoder::default();
    let mut stream = Vec::new();
    let mut others = Vec::new();
    let mut taken = 0;
    for end in cuts.iter().copied().chain([input.len()]) {
        let piece = |taken: usize| &input[taken..end.max(taken)];
        while let Some((item, used)) = decoder
            .next(piece(taken), max)
            .map_err(|fault| fault.to_string())?
        {
            taken += used;
            match item {
                Item::Content(bytes) => stream.extend_from_slice(bytes),
                Item::Nothing => {}
                other => others.push(format!("{} {other:?}", stream.len())),
            }
        }
    }
    others.push(stream.escape_ascii().to_string());
    Ok(others)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> Vec<u8> {
        [
            &b"\x82\x03abc\x02\x02de\x89\x02hi\x00\x00\x80\x01f\x8a\x00\x82\x7e\x00\x7e"[..],
            &[b'g'; 126],
            b"\x88\x02\x03\xe8",
        ]
        .concat()
    }

    #[test]
    fn a_sequence_of_all_kinds() {
        let stream = format!("abcdef{}", "g".repeat(126));
        let expected = ["5 Ping([104, 105])", "132 Close([3, 232])", &stream];
        assert_eq!(decode(&sample(), &[], usize::MAX).expect("legal"), expected);
    }

    #[test]
    fn a_length_is_written_as_short_as_it_can_be() {
        let long = |first: u8, length: u64| [&[first, 127][..], &length.to_be_bytes()].concat();
        let middle = |first: u8, length: u16| [&[first, 126][..], &length.to_be_bytes()].concat();
        let cases = [
            (vec![0x82, 125], true),
            (middle(0x82, 125), false),
            (middle(0x82, 126), true),
            (middle(0x82, u16::MAX), true),
            (long(0x82, 0), false),
            (long(0x82, 0xffff), false),
            (long(0x82, 0x1_0000), true),
            (long(0x82, u64::MAX >> 1), true),
            (long(0x82, 1 << 63), false),
            (middle(0x89, 2), false),
            (long(0x89, 2), false),
        ];
        for (head, legal) in cases {
            let outcome = Decoder::default().next(&head, 9);
            let wrong = Err(Violation("it sent a length that is not written as it must be"));
            match legal {
                true => assert_eq!(outcome, Ok(Some((Item::Nothing, head.len())))),
                false => assert_eq!(outcome, wrong, "{head:x?}"),
            }
        }
    }

    #[test]
    fn a_control_frame_is_wanted_whole() {
        let frame = [&[0x89, 125][..], &[b'x'; 125]].concat();
        let mut decoder = Decoder::default();
        assert_eq!(decoder.next(&frame[..126], 1), Ok(None));
        assert_eq!(decoder.next(&frame, 1), Ok(Some((Item::Ping(&frame[2..]), 127))));
    }

    #[test]
    fn a_frame_of_any_length_is_content_at_once() {
        let mut decoder = Decoder::default();
        let head = [&[0x82, 127][..], &(u64::MAX >> 1).to_be_bytes()].concat();
        assert_eq!(decoder.next(&head, 9), Ok(Some((Item::Nothing, 10))));
        assert_eq!(decoder.next(b"abc", 2), Ok(Some((Item::Content(b"ab"), 2))));
    }

    proptest! {
        #[test]
        fn any_pieces_give_the_same(cuts in prop::collection::btree_set(0..sample().len(), 0..8), max in 1usize..9) {
            let cuts: Vec<usize> = cuts.into_iter().collect();
            prop_assert_eq!(decode(&sample(), &cuts, max), decode(&sample(), &[], usize::MAX));
        }

        #[test]
        fn no_input_panics_or_stalls(input in prop::collection::vec(any::<u8>(), 0..400), max in 1usize..9) {
            let mut decoder = Decoder::default();
            let mut rest = &input[..];
            while let Ok(Some((_, used))) = decoder.next(rest, max) {
                prop_assert!(used > 0);
                rest = &rest[used..];
            }
        }
    }
}
