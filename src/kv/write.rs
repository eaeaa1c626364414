//! Writing keys.

use std::future::Future;

use bytes::{Bytes, BytesMut};
use serde_json::Value;

use super::bucket::Bucket;
use super::entry::{OPERATION, Operation};
use super::error::KvError;
use crate::jetstream::Context;
use crate::jetstream::api::{bad_reply, read_reply};
use crate::jetstream::error::JetStreamError;
use crate::protocol::Headers;

/// A write to a key.
#[derive(Debug, Clone, Default)]
pub struct Write {
    pub key: String,
    pub value: Bytes,
    /// What is done, if it is not a value that is put.
    pub marker: Option<Operation>,
    /// The revision that the key must have, 0 if it must have none; otherwise nothing is written.
    pub expected: Option<u64>,
    /// Seconds after which the entry is gone.
    pub ttl: Option<u64>,
}

impl Bucket {
    /// Writes and returns the new revision. The request is written at once.
    ///
    /// # Errors
    /// Only [`KvError::Uncertain`] leaves open whether something was written.
    pub fn write(
        &self,
        context: &Context,
        write: &Write,
    ) -> impl Future<Output = Result<u64, KvError>> + Send + use<> {
        let subject = self.written_to(&write.key);
        let call = context.call(&subject, write.header().as_deref(), &write.value);
        let bucket = self.name.clone();
        async move {
            let answer = call.await.and_then(|ack| revision(&subject, ack.payload()));
            answer.map_err(|error| {
                if error.is_no_responders() {
                    KvError::BucketNotFound(bucket)
                } else if error.is_uncertain() {
                    KvError::Uncertain(error)
                } else {
                    KvError::Failed(error)
                }
            })
        }
    }

    /// Writes a key that has no value, or had one that was deleted, and returns the revision.
    pub fn create(
        &self,
        context: &Context,
        write: Write,
    ) -> impl Future<Output = Result<u64, KvError>> + Send + use<> {
        let first = Write {
            expected: Some(0),
            ..write
        };
        let attempt = self.write(context, &first);
        let (bucket, context) = (self.clone(), context.clone());
        async move {
            let conflict = match attempt.await {
                Err(KvError::Failed(error)) if error.is("ErrWrongLastSequence") => error,
                outcome => return outcome,
            };
            match bucket.entry(&context, &first.key, None).await {
                Ok(entry) if entry.is_marker() => {
                    let second = Write {
                        expected: Some(entry.revision),
                        ..first
                    };
                    bucket.write(&context, &second).await
                }
                // It is not found if its marker has just expired, or on a server that lags behind.
                Ok(_) | Err(KvError::KeyNotFound(_)) => Err(KvError::Failed(conflict)),
                Err(error) => Err(error),
            }
        }
    }

    /// Puts the value of an earlier revision again.
    pub fn revert(
        &self,
        context: &Context,
        key: &str,
        revision: u64,
    ) -> impl Future<Output = Result<u64, KvError>> + Send + use<> {
        let read = self.get(context, key, Some(revision));
        let (bucket, context) = (self.clone(), context.clone());
        async move {
            let entry = read.await?;
            let write = Write {
                key: entry.key,
                value: entry.value,
                ..Write::default()
            };
            bucket.write(&context, &write).await
        }
    }
}

impl Write {
    fn header(&self) -> Option<BytesMut> {
        let mut fields: Vec<(&[u8], String)> = Vec::new();
        if let Some(marker) = self.marker {
            fields.push((OPERATION, marker.as_str().to_owned()));
            if marker == Operation::Purge {
                fields.push((b"Nats-Rollup", "sub".to_owned()));
            }
        }
        if let Some(revision) = self.expected {
            fields.push((b"Nats-Expected-Last-Subject-Sequence", revision.to_string()));
        }
        if let Some(seconds) = self.ttl {
            fields.push((b"Nats-TTL", seconds.to_string()));
        }
        if fields.is_empty() {
            return None;
        }
        let mut block = BytesMut::new();
        let fields = fields.iter().map(|(key, value)| (*key, [value.as_bytes()]));
        // None of these has a character that a header cannot hold.
        Headers::encode(fields, &mut block).ok()?;
        Some(block)
    }
}

/// The revision in the acknowledgement of a write.
fn revision(subject: &str, ack: &[u8]) -> Result<u64, JetStreamError> {
    let fields = read_reply(subject, &String::from_utf8_lossy(ack))?;
    let seq = fields.get("seq").and_then(Value::as_u64);
    seq.ok_or_else(|| bad_reply(subject, "it has no seq".to_owned()))
}
