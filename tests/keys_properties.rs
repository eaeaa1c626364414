//! What must hold of keys and of the files that hold them, whatever the bytes.

use nats::protocol::{Armour, Seed};
use nkeys::{KeyPair, KeyPairType};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// What the parts of a file may stand among: no dashes, and nothing that looks like a part.
fn noise() -> impl Strategy<Value = String> {
    vec("[ \t*#a-z.,]{0,60}", 0..4).prop_map(|lines| lines.join("\n"))
}

fn border(word: &'static str) -> impl Strategy<Value = String> {
    (3..9usize, 3..9usize, "[ \t]{0,3}").prop_map(move |(left, right, indent)| {
        format!(
            "{indent}{}{word} SOMETHING{}{indent}",
            "-".repeat(left),
            "-".repeat(right)
        )
    })
}

fn seed_text(key: [u8; 32]) -> String {
    let pair = KeyPair::new_from_raw(KeyPairType::User, key).unwrap();
    pair.seed().unwrap()
}

proptest! {
    // Arithmetic on keys is slow without optimization.
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn keys_agree_with_the_official_form(key: [u8; 32], nonce in vec(any::<u8>(), 0..100)) {
        let official = KeyPair::new_from_raw(KeyPairType::User, key).unwrap();
        let seed = Seed::parse(&official.seed().unwrap()).ok().unwrap();
        prop_assert_eq!(seed.public_key(), official.public_key());
        prop_assert!(official.verify(&nonce, &seed.sign(&nonce)).is_ok());
    }

    #[test]
    fn a_damaged_seed_is_no_seed(key: [u8; 32], place: Index, character in "[A-Z2-7]") {
        let text = seed_text(key);
        let place = place.index(text.len());
        let mut damaged = text.clone();
        damaged.replace_range(place..=place, &character);
        prop_assert_eq!(Seed::parse(&damaged).is_ok(), damaged == text);
    }

    #[test]
    fn both_parts_are_found_among_anything(
        key: [u8; 32],
        body in "[A-Za-z0-9_-]{1,300}",
        noises in (noise(), noise(), noise()),
        borders in (border("BEGIN"), border("END"), border("BEGIN"), border("END")),
        seed_first: bool,
        crlf: bool,
    ) {
        let (jwt, seed) = (format!("eyJ0eXAi.{body}.c2ln"), seed_text(key));
        let (first, second) = if seed_first { (&seed, &jwt) } else { (&jwt, &seed) };
        let mut text = format!(
            "{}\n{}\n{first}\n{}\n{}\n{}\n{second}\n{}\n{}",
            noises.0, borders.0, borders.1, noises.1, borders.2, borders.3, noises.2
        );
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        let found = Armour::read(&text);
        prop_assert_eq!(found.jwt, Some(jwt));
        prop_assert_eq!(found.seed.as_deref(), Some(&seed));
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(text: String) {
        let found = Armour::read(&text);
        prop_assert!(Seed::parse(&text).is_err());
        prop_assert!(found.jwt.is_none_or(|jwt| jwt.starts_with("eyJ")));
    }
}
