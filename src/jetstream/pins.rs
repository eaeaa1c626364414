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

impl Pins {
    pub fn get(&self, place: &Place) -> Option<String> {
        lock(&self.0).get(place).cloned()
    }

    /// Notes what a message tells.
    pub fn note(&self, place: &Place, message: &Message) {
        let headers = message.header().and_then(|block| Headers::parse(block).ok());
        if let Some(pin) = headers
            .as_ref()
            .and_then(|headers| headers.get_first(b"Nats-Pin-Id"))
        {
            let pin = String::from_utf8_lossy(pin).into_owned();
            lock(&self.0).insert(place.clone(), pin);
        }
    }

    /// Another client is pinned now.
    pub fn forget(&self, place: &Place) {
        lock(&self.0).remove(place);
    }
}
