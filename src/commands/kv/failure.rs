//! What scripts see of the errors of buckets.

use crate::commands::advice;
use crate::commands::connection::operations::End;
use crate::commands::jet_stream::failure;
use crate::kv::error::KvError;
use crate::tcl::Error;

/// The error code and message of an error.
pub fn to_tcl(error: KvError) -> Error {
    named("ErrBucketNotFound", error)
}

/// The same for the four methods in which a missing bucket has a shorter code, as scripts expect.
pub fn to_tcl_short(error: KvError) -> Error {
    named("BucketNotFound", error)
}

/// The end of a write whose connection ended.
pub fn write_ended(end: End) -> Error {
    uncertain(end.error())
}

fn named(bucket_not_found: &'static str, error: KvError) -> Error {
    let message = error.to_string();
    match error {
        KvError::BucketNotFound(_) => Error::nats(bucket_not_found, message).advised(advice::NO_BUCKET),
        KvError::KeyNotFound(_) => Error::nats("ErrKeyNotFound", message),
        KvError::Timeout { .. } => Error::nats("ErrTimeout", message),
        KvError::Unsupported(_) => Error::nats("ErrUnsupported", message),
        KvError::Failed(error) => failure::to_tcl(error),
        KvError::Uncertain(error) => uncertain(failure::to_tcl(error)),
    }
}

/// Marks an error beside its code, on which scripts match.
fn uncertain(error: Error) -> Error {
    error.with_option("-outcome", "unknown")
}
