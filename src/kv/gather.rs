//! What a bucket holds now, or has held: a watcher that ends when it has seen what was there.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::timeout;

use super::bucket::Bucket;
use super::error::KvError;
use super::watch::{Update, Watch};
use crate::client::background::CallError;
use crate::jetstream::Context;
use crate::jetstream::error::JetStreamError;
use crate::jetstream::ordered::{Event, OrderedConsumer};
use crate::jetstream::ordered_config::Deliver;

/// A lost watcher is noticed, and another one made, well within the usual time limit.
const HEARTBEAT: Duration = Duration::from_secs(1);

impl Bucket {
    /// The keys that have a value, in the order of their revisions.
    pub async fn keys(&self, context: &Context, patterns: Vec<String>) -> Result<Vec<String>, KvError> {
        let newest = self.newest(context, "keys", patterns, true).await?;
        let keys = newest.into_iter().filter(|update| !update.entry.is_marker());
        let keys: Vec<String> = keys.map(|update| update.entry.key).collect();
        if keys.is_empty() {
            let text = format!("No keys found in bucket {}", self.name);
            return Err(KvError::KeyNotFound(text));
        }
        Ok(keys)
    }

    /// All entries that are kept of some keys, markers included, in the order of their revisions.
    pub async fn history(&self, context: &Context, pattern: String) -> Result<Vec<Update>, KvError> {
        let watch = watch(vec![pattern.clone()], Deliver::All, false);
        let entries = self.gather(context, "history", watch).await?;
        if entries.is_empty() {
            let text = format!("Key {pattern} not found in bucket {}", self.name);
            return Err(KvError::KeyNotFound(text));
        }
        Ok(entries)
    }

    /// The newest entry of each of some keys, which may be a marker, in the order of revisions.
    pub(super) async fn newest(
        &self,
        context: &Context,
        what: &'static str,
        patterns: Vec<String>,
        meta_only: bool,
    ) -> Result<Vec<Update>, KvError> {
        let watch = watch(patterns, Deliver::LastPerSubject, meta_only);
        let mut newest = HashMap::new();
        // A key comes again if it changes meanwhile, or older entries of it after a reset.
        for update in self.gather(context, what, watch).await? {
            newest.insert(update.entry.key.clone(), update);
        }
        let mut newest: Vec<Update> = newest.into_values().collect();
        newest.sort_unstable_by_key(|update| update.entry.revision);
        Ok(newest)
    }

    /// `what` names in errors what is gathered.
    async fn gather(
        &self,
        context: &Context,
        what: &'static str,
        watch: Watch,
    ) -> Result<Vec<Update>, KvError> {
        let made = OrderedConsumer::create(context.clone(), self.consumer(watch)).await;
        let (consumer, begun) = made.map_err(|error| KvError::of_bucket(&self.name, error))?;
        let gathering = self.collect(consumer, begun.pending());
        if context.timeout == 0 {
            return gathering.await;
        }
        let limit = Duration::from_millis(context.timeout);
        timeout(limit, gathering).await.unwrap_or_else(|_| {
            Err(KvError::Timeout {
                what,
                bucket: self.name.clone(),
            })
        })
    }

    /// Ends with the last of the `pending` entries, or when nothing is left: in a bucket that changes
    /// all the time there is always something left.
    async fn collect(
        &self,
        mut consumer: OrderedConsumer,
        mut pending: Option<u64>,
    ) -> Result<Vec<Update>, KvError> {
        let mut updates = Vec::new();
        while let Some(event) = consumer.next().await {
            match event {
                Event::Message { message, .. } => {
                    updates.extend(self.update(&message));
                    pending = pending.map(|pending| pending.saturating_sub(1));
                    if pending == Some(0) {
                        return Ok(updates);
                    }
                }
                Event::Flow(receipt) => receipt.give(),
                Event::CaughtUp => return Ok(updates),
                Event::Stopped(error) => return Err(KvError::of_bucket(&self.name, error)),
                Event::Restarted(begun) => pending = begun.pending(),
                // It goes on by itself.
                Event::Reset { .. } | Event::Failed(_) | Event::Odd(_) => {}
            }
        }
        Err(KvError::Failed(JetStreamError::Call {
            subject: self.stored_at(">"),
            error: CallError::Ended,
        }))
    }
}

fn watch(patterns: Vec<String>, deliver: Deliver, meta_only: bool) -> Watch {
    Watch {
        patterns,
        deliver,
        meta_only,
        idle_heartbeat: HEARTBEAT,
    }
}
