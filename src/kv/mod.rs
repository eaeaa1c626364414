//! Key-value buckets in async Rust over [`jetstream`](crate::jetstream): knows nothing of Tcl.
//!
//! A bucket is a stream, a key the end of a subject, a revision a sequence in the stream.
//!
//! | Part | About |
//! |---|---|
//! | [`names`] | which names buckets and keys may have |
//! | [`bucket`] | where the keys of a bucket are read and written |
//! | [`buckets`] | making, finding, changing and removing buckets |
//! | [`entry`] | what is stored: values and markers |
//! | [`read`], [`write`] | operations on single keys |
//! | [`watch`] | following keys |
//! | [`gather`], [`get_many`], [`purge_deletes`] | operations on many keys |
//! | [`error`] | what they fail with, and when it is uncertain whether they did |

pub mod bucket;
pub mod buckets;
pub mod entry;
pub mod error;
pub mod gather;
pub mod get_many;
pub mod names;
pub mod purge_deletes;
pub mod read;
pub mod watch;
pub mod write;
