//! The values of many keys at once.

use std::collections::BTreeMap;

use super::bucket::Bucket;
use super::entry::Entry;
use super::error::KvError;
use super::names::is_key;
use crate::jetstream::Context;
use crate::jetstream::api::bad_reply;
use crate::jetstream::batch::BatchError;

/// Requests that are under way at once.
const AT_ONCE: usize = 256;

impl Bucket {
    /// The entries of all keys that fit one of the patterns and have a value, each once, in the
    /// order of their revisions. Takes one request, or a few, if the server knows such; otherwise
    /// one for each key, and a watcher for each pattern with wildcards.
    pub async fn get_many(&self, context: &Context, patterns: Vec<String>) -> Result<Vec<Entry>, KvError> {
        let entries = match self.batch(context, &patterns).await? {
            Some(entries) => entries,
            None => self.one_by_one(context, patterns).await?,
        };
        Ok(entries.into_iter().filter(|entry| !entry.is_marker()).collect())
    }

    /// `None` if the server cannot do it at once.
    async fn batch(&self, context: &Context, patterns: &[String]) -> Result<Option<Vec<Entry>>, KvError> {
        if !self.allow_direct {
            return Ok(None);
        }
        let subjects: Vec<String> = patterns.iter().map(|pattern| self.stored_at(pattern)).collect();
        let messages = match context.last_messages(&self.stream, &subjects).await {
            Ok(messages) => messages,
            Err(BatchError::Unsupported) => return Ok(None),
            Err(BatchError::Failed(error)) => return Err(KvError::Failed(error)),
        };
        let entries = messages.iter().map(|message| {
            let key = self.key_of(&message.subject);
            let entry = key.and_then(|key| Entry::of(&key, message));
            entry.ok_or_else(|| {
                let subject = String::from_utf8_lossy(&message.subject);
                KvError::Failed(bad_reply(&subject, "it is no entry".to_owned()))
            })
        });
        entries.collect::<Result<_, _>>().map(Some)
    }

    async fn one_by_one(&self, context: &Context, patterns: Vec<String>) -> Result<Vec<Entry>, KvError> {
        let (keys, patterns): (Vec<_>, Vec<_>) = patterns.into_iter().partition(|pattern| is_key(pattern));
        let mut entries = BTreeMap::new();
        for keys in keys.chunks(AT_ONCE) {
            let reads: Vec<_> = keys.iter().map(|key| self.entry(context, key, None)).collect();
            for read in reads {
                match read.await {
                    Ok(entry) => drop(entries.insert(entry.revision, entry)),
                    Err(KvError::KeyNotFound(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        for pattern in patterns {
            let found = self.newest(context, "values", vec![pattern], false).await?;
            entries.extend(
                found
                    .into_iter()
                    .map(|update| (update.entry.revision, update.entry)),
            );
        }
        Ok(entries.into_values().collect())
    }
}
