//! The key-value store in the column "async-nats".

use std::time::Instant;

use async_nats::Client;
use async_nats::jetstream::stream::StorageType;
use async_nats::jetstream::{self, kv};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};

use super::{Outcome, Result, Task};

pub async fn run(task: Task<'_>, client: &Client) -> Result<Option<Outcome>> {
    Ok(Some(match task.work {
        "kv_put" => put(task, client).await?,
        "kv_get" => get(task, client).await?,
        "kv_keys" => keys(task, client).await?,
        "kv_watch" => watch(task, client).await?,
        _ => return Ok(None),
    }))
}

async fn put(task: Task<'_>, client: &Client) -> Result<Outcome> {
    let bucket = filled_bucket(task, client, KEYS).await?;
    let mut latencies = Vec::with_capacity(task.count);
    let start = Instant::now();
    for i in 0..task.count {
        let asked = Instant::now();
        bucket.put(format!("key.{}", i % KEYS), payload(task)).await?;
        latencies.push(asked.elapsed());
    }
    Ok(Outcome {
        latencies,
        ..Outcome::since(start)
    })
}

async fn get(task: Task<'_>, client: &Client) -> Result<Outcome> {
    let bucket = filled_bucket(task, client, KEYS).await?;
    let mut latencies = Vec::with_capacity(task.count);
    let start = Instant::now();
    for i in 0..task.count {
        let asked = Instant::now();
        let key = format!("key.{}", i % KEYS);
        bucket.get(key).await?.ok_or("a key is missing")?;
        latencies.push(asked.elapsed());
    }
    Ok(Outcome {
        latencies,
        ..Outcome::since(start)
    })
}

async fn keys(task: Task<'_>, client: &Client) -> Result<Outcome> {
    let bucket = filled_bucket(task, client, task.count).await?;
    let start = Instant::now();
    let keys: Vec<String> = bucket.keys().await?.try_collect().await?;
    if keys.len() != task.count {
        return Err("a key is missing".into());
    }
    Ok(Outcome::since(start))
}

async fn watch(task: Task<'_>, client: &Client) -> Result<Outcome> {
    let bucket = filled_bucket(task, client, task.count).await?;
    let start = Instant::now();
    let mut entries = bucket.watch_with_history(">").await?.take(task.count);
    while let Some(entry) = entries.next().await {
        std::hint::black_box(entry?.value);
    }
    Ok(Outcome::since(start))
}

const KEYS: usize = 100;

fn payload(task: Task<'_>) -> Bytes {
    vec![b'x'; task.size].into()
}

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
    for i in 0..keys - 1 {
        let subject = format!("$KV.BENCH.key.{i}");
        client.publish(subject, payload(task)).await?;
    }
    bucket.put(format!("key.{}", keys - 1), payload(task)).await?;
    Ok(bucket)
}
