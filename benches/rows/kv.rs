//! The key-value store in the column "async-nats".

use std::time::Instant;

use async_nats::Client;
use async_nats::jetstream::stream::StorageType;
use async_nats::jetstream::{self, kv};
use bytes::Bytes;

use super::{Outcome, Result, Task};

pub async fn run(task: Task<'_>, client: &Client) -> Result<Option<Outcome>> {
    let put = match task.work {
        "kv_put" => true,
        "kv_get" => false,
        _ => return Ok(None),
    };
    let bucket = fresh_bucket(client).await?;
    let payload: Bytes = vec![b'x'; task.size].into();
    for i in 0..KEYS {
        bucket.put(format!("key.{i}"), payload.clone()).await?;
    }
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
    Ok(Some(Outcome {
        latencies,
        ..Outcome::since(start)
    }))
}

const KEYS: usize = 100;

async fn fresh_bucket(client: &Client) -> Result<kv::Store> {
    let context = jetstream::new(client.clone());
    // There may be none.
    let _ = context.delete_key_value("BENCH").await;
    let config = kv::Config {
        bucket: "BENCH".to_owned(),
        storage: StorageType::Memory,
        ..Default::default()
    };
    Ok(context.create_key_value(config).await?)
}
