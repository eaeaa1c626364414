//! JetStream in the column "async-nats".

use std::time::Instant;

use async_nats::Client;
use async_nats::jetstream::consumer::{AckPolicy, pull, push};
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::stream::{Config, StorageType, Stream};
use async_nats::jetstream::{self, Context};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Failure, Outcome, Result, Task};

pub async fn run(task: Task<'_>, client: &Client) -> Result<Option<Outcome>> {
    Ok(Some(match task.work {
        "js_publish" => publish(task, client).await?,
        "js_publish_async" => publish_side_by_side(task, client).await?,
        "js_fetch" | "js_fetch_list" => fetch(task, client).await?,
        "js_continuous" => continuous(task, client).await?,
        "js_ordered" => ordered(task, client).await?,
        _ => return Ok(None),
    }))
}

async fn publish(task: Task<'_>, client: &Client) -> Result<Outcome> {
    let context = jetstream::new(client.clone());
    fresh_stream(&context).await?;
    let payload = payload(task);
    let mut latencies = Vec::with_capacity(task.count);
    let start = Instant::now();
    for _ in 0..task.count {
        let asked = Instant::now();
        context.publish("bench.stream", payload.clone()).await?.await?;
        latencies.push(asked.elapsed());
    }
    Ok(Outcome {
        latencies,
        ..Outcome::since(start)
    })
}

async fn publish_side_by_side(task: Task<'_>, client: &Client) -> Result<Outcome> {
    let context = ContextBuilder::new()
        .max_ack_inflight(task.width)
        .backpressure_on_inflight(true)
        .build(client.clone());
    fresh_stream(&context).await?;
    let payload = payload(task);
    let start = Instant::now();
    let store = async |_| {
        context.publish("bench.stream", payload.clone()).await?.await?;
        Ok::<_, Failure>(())
    };
    let all = stream::iter(0..task.count)
        .map(store)
        .buffer_unordered(task.width);
    all.try_collect::<()>().await?;
    Ok(Outcome::since(start))
}

async fn fetch(task: Task<'_>, client: &Client) -> Result<Outcome> {
    let stream = filled_stream(task, client).await?;
    let consumer = stream.create_consumer(acknowledging()).await?;
    let start = Instant::now();
    let mut left = task.count;
    while left > 0 {
        let mut messages = consumer
            .fetch()
            .max_messages(task.width.min(left))
            .messages()
            .await?;
        while let Some(message) = messages.next().await {
            message?.ack().await?;
            left -= 1;
        }
    }
    super::core::round_trip(client).await?;
    Ok(Outcome::since(start))
}

async fn continuous(task: Task<'_>, client: &Client) -> Result<Outcome> {
    let stream = filled_stream(task, client).await?;
    let consumer = stream.create_consumer(acknowledging()).await?;
    let start = Instant::now();
    let mut messages = consumer.messages().await?.take(task.count);
    while let Some(message) = messages.next().await {
        message?.ack().await?;
    }
    super::core::round_trip(client).await?;
    Ok(Outcome::since(start))
}

async fn ordered(task: Task<'_>, client: &Client) -> Result<Outcome> {
    let stream = filled_stream(task, client).await?;
    let start = Instant::now();
    let config = push::OrderedConfig {
        deliver_subject: client.new_inbox(),
        ..Default::default()
    };
    let consumer = stream.create_consumer(config).await?;
    let mut messages = consumer.messages().await?.take(task.count);
    while let Some(message) = messages.next().await {
        message?;
    }
    Ok(Outcome::since(start))
}

fn acknowledging() -> pull::Config {
    pull::Config {
        ack_policy: AckPolicy::Explicit,
        max_ack_pending: -1,
        ..Default::default()
    }
}

async fn fresh_stream(context: &Context) -> Result<Stream> {
    // There may be none.
    let _ = context.delete_stream("BENCH").await;
    let config = Config {
        name: "BENCH".to_owned(),
        subjects: vec!["bench.stream".to_owned()],
        storage: StorageType::Memory,
        ..Default::default()
    };
    Ok(context.create_stream(config).await?)
}

async fn filled_stream(task: Task<'_>, client: &Client) -> Result<Stream> {
    let mut stream = fresh_stream(&jetstream::new(client.clone())).await?;
    for _ in 0..task.count {
        client.publish("bench.stream", payload(task)).await?;
    }
    while stream.info().await?.state.messages < task.count as u64 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    Ok(stream)
}

fn payload(task: Task<'_>) -> Bytes {
    vec![b'x'; task.size].into()
}
