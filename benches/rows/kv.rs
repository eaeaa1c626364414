//! The key-value store in the column "async-nats".

use std::time::Instant;

use async_nats::Client;
use async_nats::jetstream::stream::StorageType;
use async_nats::jetstream::{self, kv};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};

use super::{Outcome, Result, Task};

pub async fn run(task: Task<'_>, client: &Client) -> Result<Option<Outcome>> {
    match task.work {
        "kv_put" => one_by_one(task, client, true).await.map(Some),
        "kv_get" => one_by_one(task, client, false).await.map(Some),
        "kv_keys" => keys(task, client).await.map(Some),
        "kv_watch" => watch(task, client).await.map(Some),
        _ => Ok(None),
    }
}

async fn keys(task: Task<'_>, client: &Client) -> Result<Outcome> {
    let bucket = filled_bucket(task, client, task.count).await?;
    let start = Instant::now();
    bucket.keys().await?.try_collect::<Vec<_>>().await?;
    Ok(Outcome::since(start))
}

async fn watch(task: Task<'_>, client: &Client) -> Result<Outcome> {
    let bucket = filled_bucket(task, client, task.count).await?;
    let start = Instant::now();
    let mut entries = bucket.watch_with_history(">").await?;
    for _ in 0..task.count {
        entries.next().await.ok_or("the watcher ended")??;
    }
    Ok(Outcome::since(start))
}

async fn one_by_one(task: Task<'_>, client: &Client, put: bool) -> Result<Outcome> {
    let bucket = filled_bucket(task, client, KEYS).await?;
    let payload: Bytes = vec![b'x'; task.size].into();
    let mut latencies = Vec::with_capacity(task.count);
    let start = Instant::now();
    for i in 0..task.count {
        let asked = Instant::now();
        let key = format!("key.{}", i % KEYS);
        if put {
            bucket.put(key, payload.clone()).await?;
        } else {
            bucket.get(key).await?.ok_or("a key is missing")?;
        }
        latencies.push(asked.elapsed());
    }
    Ok(Outcome {
        latencies,
        ..Outcome::since(start)
    })
}

const KEYS: usize = 100;

async fn filled_bucket(task: Task<'_>, client: &Client, keys: usize) -> Result<kv::Store> {
    let context = jetstream::new(client.clone());
    // There may be none.
    let _ = context.delete_key_value("BENCH").await;
    let config = kv::Config {
        bucket: "BENCH".to_owned(),
        storage: StorageType::Memory,
        ..Default::default()
    };
    let bucket = context.create_key_value(config).await?;
    for i in 0..keys {
        bucket.put(format!("key.{i}"), vec![b'x'; task.size].into()).await?;
    }
    Ok(bucket)
}
