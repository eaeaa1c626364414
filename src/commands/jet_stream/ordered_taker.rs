//! Who takes the messages of an ordered consumer: a script, or another object of ours.

use std::rc::Weak;

use super::failure;
use crate::commands::connection::Connection;
use crate::commands::connection::subscribe::Callback;
use crate::jetstream::error::JetStreamError;
use crate::protocol::Message;
use crate::tcl::{Error, Work};

pub enum Taker {
    /// A script.
    Callback(Callback),
    /// Another object of ours, while it lives.
    Object(Weak<dyn Receiver>),
}

/// An object of ours that gets the messages of an ordered consumer.
pub trait Receiver {
    /// The next message; `None` if there is nothing for a script to see.
    fn message(&self, message: &Message) -> Option<Work>;
    /// All that was in the stream at first has come. Happens once.
    fn caught_up(&self) -> Option<Work>;
    /// What scripts see if there can be no consumer.
    fn failure(&self, error: JetStreamError) -> Error;
}

impl Taker {
    pub fn message(&self, connection: &Connection, message: &Message) -> Option<Work> {
        match self {
            Taker::Callback(callback) => {
                let content = connection.content(message, true);
                Some(callback.call(connection, [content]))
            }
            Taker::Object(receiver) => receiver.upgrade()?.message(message),
        }
    }

    pub fn caught_up(&self) -> Option<Work> {
        match self {
            Taker::Callback(_) => None,
            Taker::Object(receiver) => receiver.upgrade()?.caught_up(),
        }
    }

    pub fn failure(&self, error: JetStreamError) -> Error {
        match self {
            Taker::Callback(_) => failure::to_tcl(error),
            Taker::Object(receiver) => match receiver.upgrade() {
                Some(receiver) => receiver.failure(error),
                None => failure::to_tcl(error),
            },
        }
    }
}
