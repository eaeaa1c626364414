//! By what servers know this client where the priority group of a consumer pins one (ADR-42).
//!
//! A message for the pinned client tells its ID, which the next pull requests repeat; without it
//! they would stand by for the one that is pinned.

use std::collections::HashMap;

use crate::client::lock::lock;
use crate::protocol::{Headers, Message};
use crate::sync::Mutex;

/// The IDs of one `jet_stream` object, one at most for each group that it fetches from.
#[derive(Default)]
pub struct Pins(Mutex<HashMap<Place, String>>);

/// A priority group of a consumer.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Place {
    pub stream: String,
    pub consumer: String,
    pub group: String,
}

/// Bytes of an ID; those of servers have 22.
const MAX_ID: usize = 256;

impl Pins {
    pub fn get(&self, place: &Place) -> Option<String> {
        lock(&self.0).get(place).cloned()
    }

    /// Notes what a message tells.
    pub fn note(&self, place: &Place, message: &Message) {
        if let Some(id) = told_by(message) {
            lock(&self.0).insert(place.clone(), id);
        }
    }

    /// Another client is pinned now.
    pub fn forget(&self, place: &Place) {
        lock(&self.0).remove(place);
    }
}

/// The ID that a message tells, if any. Anybody may publish one with such a header, and each pull
/// request would repeat it: what is longer than any server's does not count.
pub fn told_by(message: &Message) -> Option<String> {
    let headers = Headers::parse(message.header()?).ok()?;
    let id = headers.get_first(b"Nats-Pin-Id")?;
    (id.len() <= MAX_ID).then(|| String::from_utf8_lossy(id).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_kept_for_its_group_unless_it_is_longer_than_any() {
        let pins = Pins::default();
        let place = |group: &str| Place {
            stream: "S".to_owned(),
            consumer: "C".to_owned(),
            group: group.to_owned(),
        };
        let note = |group: &str, id: &str| {
            let header = format!("NATS/1.0\r\nNats-Pin-Id: {id}\r\n\r\n");
            pins.note(&place(group), &Message::with_header("r", &header, "x"));
        };
        let longest = "i".repeat(256);
        note("a", &longest);
        note("b", "one");
        note("b", &"i".repeat(257));
        pins.note(&place("b"), &Message::with_header("r", "NATS/1.0\r\n\r\n", "x"));
        assert_eq!(pins.get(&place("a")), Some(longest));
        assert_eq!(pins.get(&place("b")).as_deref(), Some("one"));
        pins.forget(&place("b"));
        assert_eq!(pins.get(&place("b")), None);
    }
}
