//! The column "async-nats": reads lines `WORK COUNT SIZE WIDTH VIA` and answers each with
//! nanoseconds and, for latencies, their p50 and p99; see `worker.tcl`. The work itself stands
//! beside that of the other columns, in `benches/rows`.

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, stdin};
use std::time::{Duration, Instant};

use async_nats::{Client, ConnectOptions};

#[path = "../../rows/core.rs"]
mod core;
#[path = "../../rows/jetstream.rs"]
mod jetstream;
#[path = "../../rows/kv.rs"]
mod kv;

/// What a row asks for.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    pub work: &'a str,
    /// Operations.
    pub count: usize,
    /// Bytes of payload.
    pub size: usize,
    /// Subjects, requests in flight or tasks.
    pub width: usize,
}

/// The time of all operations, and of each one where that counts.
#[derive(Default)]
pub struct Outcome {
    pub time: Duration,
    pub latencies: Vec<Duration>,
}

pub type Failure = Box<dyn Error + Send + Sync>;
pub type Result<T> = std::result::Result<T, Failure>;

impl Outcome {
    /// From `start` until now.
    pub fn since(start: Instant) -> Outcome {
        Outcome {
            time: start.elapsed(),
            latencies: Vec::new(),
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut clients = HashMap::new();
    for line in stdin().lock().lines() {
        match answer(&line?, &mut clients).await {
            Ok(Some(outcome)) => println!("{}", describe(outcome)),
            Ok(None) => println!("none"),
            Err(error) => println!("failed {}", error.to_string().replace('\n', " ")),
        }
    }
    Ok(())
}

async fn answer(line: &str, clients: &mut HashMap<String, Client>) -> Result<Option<Outcome>> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [work, count, size, width, via] = words[..] else {
        return Err("should be WORK COUNT SIZE WIDTH VIA".into());
    };
    // The sink answers nothing by which this client could know that all has arrived.
    if via == "sink" {
        return Ok(None);
    }
    let task = Task {
        work,
        count: count.parse()?,
        size: size.parse()?,
        width: width.parse()?,
    };
    if !clients.contains_key(via) {
        clients.insert(via.to_owned(), connect(via).await?);
    }
    let client = &clients[via];
    let outcome = core::run(task, client).await?;
    let outcome = outcome.or(jetstream::run(task, client).await?);
    Ok(outcome.or(kv::run(task, client).await?))
}

async fn connect(via: &str) -> Result<Client> {
    let url = std::env::var(format!("BENCH_{}", via.to_uppercase()))?;
    // A subscription that is full would drop messages.
    let options = ConnectOptions::new().subscription_capacity(1 << 20);
    Ok(options.connect(url).await?)
}

fn describe(outcome: Outcome) -> String {
    let mut latencies = outcome.latencies;
    let time = outcome.time.as_nanos();
    if latencies.is_empty() {
        return time.to_string();
    }
    latencies.sort_unstable();
    let last = latencies.len() - 1;
    let [p50, p99] = [last / 2, last * 99 / 100].map(|at| latencies[at].as_nanos());
    format!("{time} {p50} {p99}")
}
