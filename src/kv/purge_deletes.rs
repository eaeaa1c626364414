//! Removing markers that nobody needs any more.

use serde_json::{Value, json};

use super::bucket::Bucket;
use super::error::KvError;
use crate::jetstream::Context;

impl Bucket {
    /// Removes all entries of deleted and purged keys, but the markers themselves only if they were
    /// placed before a time (in ms since 1970): watchers that are away for a while shall see them.
    /// Returns how many entries were removed.
    ///
    /// What is written to such a key meanwhile stays.
    pub async fn purge_deletes(&self, context: &Context, before: i64) -> Result<u64, KvError> {
        let all = vec![">".to_owned()];
        let newest = self.newest(context, "keys", all, true).await?;
        let mut removed = 0;
        for update in newest {
            let entry = update.entry;
            if !entry.is_marker() {
                continue;
            }
            let end = entry.revision + u64::from(entry.created < before);
            removed += self.remove_before(context, &entry.key, end).await?;
        }
        Ok(removed)
    }

    /// Removes the entries of a key with revisions below `end`.
    async fn remove_before(&self, context: &Context, key: &str, end: u64) -> Result<u64, KvError> {
        let suffix = format!("STREAM.PURGE.{}", self.stream);
        let body = json!({"filter": self.stored_at(key), "seq": end}).to_string();
        let purged = context.api(&suffix, &body).await;
        let purged = purged.map_err(|error| KvError::of_bucket(&self.name, error))?;
        Ok(purged.fields.get("purged").and_then(Value::as_u64).unwrap_or(0))
    }
}
