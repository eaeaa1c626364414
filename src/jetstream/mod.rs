//! JetStream in async Rust over a [`Client`]: knows nothing of Tcl.
//!
//! | Part | About |
//! |---|---|
//! | [`api`] | requests to the JetStream API and their JSON replies |
//! | [`consumers`] | creating and updating consumers |
//! | [`error`] | what they fail with |
//! | [`in_flight`], [`persistence`] | publishing: how many at once, and how often |
//! | [`names`] | which names streams and consumers may have |
//! | [`metadata`] | what the reply subject of a delivered message tells |
//! | [`consume`], [`window`], [`pull_status`] | continuous consumption by overlapping pull requests |
//! | [`ordered`], [`ordered_config`] | every message of a stream once and in order |
//! | [`pull`], [`pins`] | one pull request; who is pinned |
//! | [`batch`], [`read`], [`stored_message`] | messages read by their place in a stream |

pub mod api;
pub mod batch;
pub mod consume;
pub mod consumers;
pub mod error;
pub mod in_flight;
pub mod metadata;
pub mod names;
pub mod ordered;
pub mod ordered_config;
pub mod persistence;
pub mod pins;
pub mod pull;
pub mod pull_status;
pub mod read;
pub mod stored_message;
pub mod window;

use std::sync::Arc;

use self::pins::Pins;
use crate::client::Client;

/// What every operation of one `jet_stream` object needs. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    pub client: Client,
    /// What API subjects begin with, without the dot behind it.
    pub prefix: Arc<str>,
    /// Milliseconds that a request may take; 0 means no limit.
    pub timeout: u64,
    /// Whether to log what goes over the API.
    pub trace: bool,
    /// Whether subjects are checked in full, or only for what would break the protocol.
    pub check_subjects: bool,
    pub pins: Arc<Pins>,
}

impl Context {
    /// The whole subject of an API request.
    pub fn subject(&self, suffix: &str) -> String {
        format!("{}.{suffix}", self.prefix)
    }
}
