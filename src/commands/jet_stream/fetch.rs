//! `fetch`: a batch of messages from a pull consumer.

use std::rc::Rc;

use super::{JetStream, consumer_name, failure, stream_name};
use crate::client::Client;
use crate::commands::connection::subscribe::Callback;
use crate::commands::options::{Kind, Spec, gives, invalid, invalid_value, parse, spec, to_count};
use crate::commands::promise::Promise;
use crate::jetstream::pull::{Pull, PullBody};
use crate::tcl::{Call, Obj, Reply, Result, Work};

const OPTIONS: &[Spec] = &[
    spec("batch_size", Kind::PosInt),
    spec("timeout", Kind::Timeout),
    spec("expires", Kind::Timeout),
    spec("callback", Kind::ValidStr),
    spec("max_bytes", Kind::PosInt),
    spec("idle_heartbeat", Kind::Timeout),
    spec("min_pending", Kind::PosInt),
    spec("group", Kind::ValidStr),
];

/// How much sooner than the client the server gives up, so that its word arrives in time.
const AHEAD: u64 = 10;

/// A fetch as a script wants it.
pub struct Fetch {
    stream: String,
    consumer: String,
    body: PullBody,
    /// Milliseconds until the client gives up; 0 for never.
    timeout: u64,
    pub callback: Option<Callback>,
}

pub fn fetch(jet_stream: &Rc<JetStream>, call: &Call) -> Result<Reply> {
    let [_, _, options @ ..] = call.args() else {
        return Err(call.wrong_args(c"stream consumer ?args?"));
    };
    if gives(options, "callback") {
        return Ok(jet_stream.start_fetch(call.args()));
    }
    let fetch = Fetch::read(jet_stream, call.args())?;
    let pull = fetch.send(jet_stream, jet_stream.connection.client()?, "Sync")?;
    let connection = jet_stream.connection.clone();
    connection.clone().start(
        |_| pull.collect(),
        move |messages| {
            let messages = messages.map_err(failure::to_tcl)?;
            let messages: Vec<Obj> = messages
                .iter()
                .map(|message| connection.content(message, true))
                .collect();
            Ok(Obj::list(&messages))
        },
    )
}

impl JetStream {
    /// A fetch that goes on in the background is an object, which tells its own faults.
    fn start_fetch(&self, words: &[Obj]) -> Reply {
        let promise = Promise::new();
        let made = promise.clone();
        let start = [
            Obj::text(&format!("{}::my", self.namespace)),
            Obj::text("StartPullRequest"),
        ];
        let work = Work::Ask {
            interp: self.interp.clone(),
            words: start.into_iter().chain(words.iter().cloned()).collect(),
            then: Box::new(move |outcome| {
                made.settle(outcome);
                Work::none()
            }),
        };
        Reply::Then(work, Box::new(promise.wait()))
    }
}

impl Fetch {
    /// Reads the words `stream consumer ?option value …?`.
    pub fn read(jet_stream: &JetStream, words: &[Obj]) -> Result<Fetch> {
        let [stream, consumer, options @ ..] = words else {
            return Err(invalid("A fetch needs a stream and a consumer"));
        };
        let (stream, consumer) = (stream_name(stream)?, consumer_name(consumer)?);
        let values = parse(options, OPTIONS)?;
        let batch = match values.get("batch_size") {
            None => 1,
            Some(size) => to_count(size)
                .filter(|&size| size > 0)
                .ok_or_else(|| invalid_value("pos_int", "batch_size", &size.to_text()))?,
        };
        let timeout = values.count("timeout");
        // Milliseconds that the server may wait; without it, it answers at once.
        let expires = match (timeout, values.count("expires")) {
            (None, Some(_)) => return Err(invalid("-expires requires -timeout")),
            (None, None) => None,
            (Some(_), Some(expires)) => Some(expires),
            (Some(timeout), None) if timeout < 2 * AHEAD => Some(timeout),
            (Some(timeout), None) => Some(timeout - AHEAD),
        };
        let heartbeat = values.count("idle_heartbeat").filter(|&ms| ms > 0);
        if heartbeat.is_some_and(|heartbeat| heartbeat > expires.unwrap_or(0) / 2) {
            return Err(invalid(
                "-idle_heartbeat requires -timeout, and must be at most half of -expires",
            ));
        }
        Ok(Fetch {
            stream,
            consumer,
            body: PullBody {
                expires: expires.map(to_nanoseconds),
                batch,
                no_wait: expires.is_none(),
                max_bytes: values.count("max_bytes"),
                idle_heartbeat: heartbeat.map(to_nanoseconds),
                min_pending: values.count("min_pending"),
                group: values.text("group"),
                ..PullBody::default()
            },
            timeout: timeout.unwrap_or_else(|| jet_stream.timeout()),
            callback: values
                .get("callback")
                .map(|prefix| Callback::new(&jet_stream.connection, prefix)),
        })
    }

    /// Sends the request; `kind` names it in the log.
    pub fn send(self, jet_stream: &JetStream, client: Client, kind: &str) -> Result<Pull> {
        let context = jet_stream.context(client);
        let sent = context.pull(&self.stream, &self.consumer, self.body, self.timeout, kind);
        sent.map_err(failure::to_tcl)
    }
}

/// Servers read a signed number.
fn to_nanoseconds(ms: u64) -> u64 {
    ms.saturating_mul(1_000_000).min(i64::MAX as u64)
}
