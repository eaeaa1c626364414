//! What operations on buckets fail with.

use thiserror::Error;

use crate::jetstream::error::JetStreamError;

#[derive(Debug, Clone, Error)]
pub enum KvError {
    #[error("Bucket {0} not found")]
    BucketNotFound(String),
    /// There is no such entry; the text tells why.
    #[error("{0}")]
    KeyNotFound(String),
    /// What was gathered did not come in time.
    #[error("Timeout while gathering {what} in bucket {bucket}")]
    Timeout { what: &'static str, bucket: String },
    /// The server is too old, or the bucket was made without the feature.
    #[error("{0}")]
    Unsupported(String),
    /// The operation was not done.
    #[error(transparent)]
    Failed(#[from] JetStreamError),
    /// A write went out and no answer came: it was done, or it was not, or it still will be.
    #[error(transparent)]
    Uncertain(JetStreamError),
}

impl KvError {
    /// What a request about a whole bucket failed with.
    pub fn of_bucket(bucket: &str, error: JetStreamError) -> KvError {
        if error.is("ErrStreamNotFound") {
            return KvError::BucketNotFound(bucket.to_owned());
        }
        KvError::Failed(error)
    }
}
