//! Core NATS in the column "async-nats".

use std::time::Instant;

use async_nats::{Client, HeaderMap, Subscriber};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, future, stream};

use super::{Failure, Outcome, Result, Task};

pub async fn run(task: Task<'_>, client: &Client) -> Result<Option<Outcome>> {
    Ok(Some(match task.work {
        "publish" => publish(task, client).await?,
        "deliver" => deliver(task, client).await?,
        "deliver_dict" => deliver_with_headers(task, client).await?,
        "subscriptions" => subscriptions(task, client).await?,
        "request" => request(task, client).await?,
        "request_async" | "request_many" => request_side_by_side(task, client).await?,
        _ => return Ok(None),
    }))
}

async fn publish(task: Task<'_>, client: &Client) -> Result<Outcome> {
    let payload = payload(task);
    let start = Instant::now();
    for _ in 0..task.count {
        client.publish("bench.publish", payload.clone()).await?;
    }
    round_trip(client).await?;
    Ok(Outcome::since(start))
}

async fn deliver(task: Task<'_>, client: &Client) -> Result<Outcome> {
    let payload = payload(task);
    let mut messages = client.subscribe("bench.deliver").await?;
    round_trip(client).await?;
    let start = Instant::now();
    let send = async {
        for _ in 0..task.count {
            client.publish("bench.deliver", payload.clone()).await?;
        }
        Ok::<_, Failure>(client.flush().await?)
    };
    future::try_join(send, receive(&mut messages, task.count)).await?;
    let outcome = Outcome::since(start);
    messages.unsubscribe().await?;
    Ok(outcome)
}

async fn deliver_with_headers(task: Task<'_>, client: &Client) -> Result<Outcome> {
    let payload = payload(task);
    let mut headers = HeaderMap::new();
    headers.insert("Bench-Number", "12345");
    headers.insert("Bench-Text", "some text");
    let mut messages = client.subscribe("bench.dict").await?;
    round_trip(client).await?;
    let start = Instant::now();
    let send = async {
        for _ in 0..task.count {
            let sent = client.publish_with_headers("bench.dict", headers.clone(), payload.clone());
            sent.await?;
        }
        Ok::<_, Failure>(client.flush().await?)
    };
    let read = async {
        for _ in 0..task.count {
            let message = messages.next().await.ok_or("the subscription ended")?;
            let headers = message.headers.ok_or("a message without headers")?;
            std::hint::black_box(headers.get("Bench-Number"));
        }
        Ok(())
    };
    future::try_join(send, read).await?;
    let outcome = Outcome::since(start);
    messages.unsubscribe().await?;
    Ok(outcome)
}

async fn subscriptions(task: Task<'_>, client: &Client) -> Result<Outcome> {
    let payload = payload(task);
    let subjects: Vec<String> = (0..task.width).map(|i| format!("bench.many.{i}")).collect();
    let mut subscribers = Vec::with_capacity(task.width);
    for subject in &subjects {
        subscribers.push(client.subscribe(subject.clone()).await?);
    }
    round_trip(client).await?;
    let mut all = stream::select_all(subscribers);
    let start = Instant::now();
    let send = async {
        for subject in subjects.iter().cycle().take(task.count) {
            client.publish(subject.clone(), payload.clone()).await?;
        }
        Ok::<_, Failure>(client.flush().await?)
    };
    let read = async {
        for _ in 0..task.count {
            all.next().await.ok_or("the subscriptions ended")?;
        }
        Ok(())
    };
    future::try_join(send, read).await?;
    let outcome = Outcome::since(start);
    drop(all);
    round_trip(client).await?;
    Ok(outcome)
}

async fn request(task: Task<'_>, client: &Client) -> Result<Outcome> {
    let payload = payload(task);
    let mut latencies = Vec::with_capacity(task.count);
    let start = Instant::now();
    for _ in 0..task.count {
        let asked = Instant::now();
        client.request("bench.echo", payload.clone()).await?;
        latencies.push(asked.elapsed());
    }
    Ok(Outcome {
        latencies,
        ..Outcome::since(start)
    })
}

/// As many in flight as the row is wide.
async fn request_side_by_side(task: Task<'_>, client: &Client) -> Result<Outcome> {
    let payload = payload(task);
    let start = Instant::now();
    let ask = async |_| {
        let asked = Instant::now();
        client.request("bench.echo", payload.clone()).await?;
        Ok::<_, Failure>(asked.elapsed())
    };
    let requests = stream::iter(0..task.count).map(ask).buffer_unordered(task.width);
    let latencies = requests.try_collect().await?;
    Ok(Outcome {
        latencies,
        ..Outcome::since(start)
    })
}

async fn receive(messages: &mut Subscriber, count: usize) -> Result<()> {
    for _ in 0..count {
        messages.next().await.ok_or("the subscription ended")?;
    }
    Ok(())
}

/// Returns when the server has everything that was sent before, as the PONG of a flush tells the
/// other columns: this client offers no PING of its own, so it asks a subject without listeners.
pub async fn round_trip(client: &Client) -> Result<()> {
    match client.request("bench.nobody", Bytes::new()).await {
        Ok(_) => Err("somebody listens to bench.nobody".into()),
        Err(error) if error.kind() == async_nats::RequestErrorKind::NoResponders => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn payload(task: Task<'_>) -> Bytes {
    vec![b'x'; task.size].into()
}
