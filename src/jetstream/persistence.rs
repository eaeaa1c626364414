//! Sending a request again while nobody listens, as happens while a stream has no leader (ADR-22).

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::client::Client;
use crate::client::background::CallError;
use crate::protocol::Message;

/// How long to wait before the next attempt.
const PAUSE: Duration = Duration::from_millis(250);

/// A request as the wire wants it.
pub struct Request {
    pub subject: Vec<u8>,
    pub header: Option<Vec<u8>>,
    pub payload: Vec<u8>,
}

/// Sends the request at once, and up to `retries` times more as long as nobody listens and the time
/// in all (milliseconds; 0 for no limit) is not over. Returns the ID of the first attempt and what
/// will come of the last one.
pub fn call_persistently(
    client: Client,
    request: Request,
    timeout: u64,
    retries: u64,
) -> (u64, impl Future<Output = Result<Message, CallError>> + Send) {
    let call = move |timeout| {
        let Request {
            subject,
            header,
            payload,
        } = &request;
        client.call(subject, header.as_deref(), payload, timeout)
    };
    let first = call(timeout);
    let id = first.id();
    let limit = Some(Duration::from_millis(timeout)).filter(|limit| !limit.is_zero());
    let started = Instant::now();
    let outcome = async move {
        let mut outcome = first.await;
        for _ in 0..retries {
            if !matches!(outcome, Err(CallError::NoResponders)) {
                break;
            }
            let timeout = match limit {
                None => 0,
                Some(limit) => match limit.checked_sub(started.elapsed() + PAUSE) {
                    Some(left) if left.as_millis() > 0 => left.as_millis() as u64,
                    _ => break,
                },
            };
            sleep(PAUSE).await;
            outcome = call(timeout).await;
        }
        outcome
    };
    (id, outcome)
}
