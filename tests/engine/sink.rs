//! An owner that writes down what it is told.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Condvar, Mutex};
use std::time::Instant;

use nats::client::{Event, EventSink, LogLevel};
use tokio::sync::Notify;

use crate::PATIENCE;

/// Each event as one line of text, such as `status connected` or `message 1 foo payload`.
#[derive(Default)]
pub struct Recorder {
    lines: Mutex<VecDeque<String>>,
    arrived: Condvar,
    full: AtomicBool,
    delivered: AtomicU64,
    room: Notify,
    panics: AtomicBool,
}

impl Recorder {
    /// The next event.
    pub fn next(&self) -> String {
        self.wait_for_next().expect("no event came")
    }

    /// The events up to and including the first that is `last`.
    pub fn take_to(&self, last: &str) -> Vec<String> {
        let mut taken = Vec::new();
        while taken.last().is_none_or(|line| line != last) {
            match self.wait_for_next() {
                Some(line) => taken.push(line),
                None => panic!("waited for {last:?} behind {taken:?}"),
            }
        }
        taken
    }

    pub fn skip_to(&self, last: &str) {
        self.take_to(last);
    }

    /// Whether the engine may read on.
    pub fn set_full(&self, full: bool) {
        self.full.store(full, SeqCst);
        if !full {
            self.room.notify_one();
        }
    }

    /// The next delivery panics.
    pub fn set_panics(&self) {
        self.panics.store(true, SeqCst);
    }

    /// Events delivered so far.
    pub fn delivered(&self) -> u64 {
        self.delivered.load(SeqCst)
    }

    fn wait_for_next(&self) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = self.lines.lock().unwrap();
        while lines.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            lines = self.arrived.wait_timeout(lines, left).unwrap().0;
        }
        lines.pop_front()
    }
}

impl EventSink for Recorder {
    fn deliver(&self, batch: &mut Vec<Event>) {
        assert!(!self.panics.swap(false, SeqCst), "as the test wants it");
        self.delivered.fetch_add(batch.len() as u64, SeqCst);
        self.lines.lock().unwrap().extend(batch.drain(..).map(describe));
        self.arrived.notify_all();
    }

    fn ask(&self, question: Event) {
        self.deliver(&mut vec![question]);
    }

    fn has_room(&self) -> bool {
        !self.full.load(SeqCst)
    }

    fn room(&self) -> &Notify {
        &self.room
    }

    fn wants_log(&self, level: LogLevel) -> bool {
        level <= LogLevel::Info
    }
}

fn describe(event: Event) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match event {
        Event::AskDelay { server, answer } => {
            answer.give(7);
            format!("ask delay {}", server.url.address())
        }
        Event::AskTls { .. } => "ask tls".to_owned(),
        Event::AskIdentity { .. } => "ask identity".to_owned(),
        Event::AskSignature { .. } => "ask signature".to_owned(),
        Event::Message { sid, message } => {
            format!(
                "message {sid} {} {}",
                text(message.subject()),
                text(message.payload())
            )
        }
        Event::Reply { id, message, last } => {
            format!(
                "reply {id} {}{}",
                text(message.payload()),
                if last { " last" } else { "" }
            )
        }
        Event::Item { operation, .. } => format!("item {operation}"),
        Event::OperationFailed { operation } => format!("failed {operation}"),
        Event::RequestTimeout { id } => format!("request timeout {id}"),
        Event::Pong { id, .. } => format!("pong {id}"),
        Event::PingTimeout { id } => format!("ping timeout {id}"),
        Event::LastError(None) => "no error".to_owned(),
        Event::LastError(Some(error)) => format!("{} {}", error.code, error.text),
        Event::Connected { .. } => "status connected".to_owned(),
        Event::Disconnected { .. } => "status reconnecting".to_owned(),
        Event::Discovered { urls } => format!("discovered {}", urls.join(" ")),
        Event::LameDuck { .. } => "lame duck".to_owned(),
        Event::SlowConsumer { .. } => "slow consumer".to_owned(),
        Event::DrainTimeout => "drain timeout".to_owned(),
        Event::Info { info, replace } => {
            let names: Vec<&str> = info.fields().map(|(name, _)| name).collect();
            format!(
                "info {} {}",
                if replace { "replace" } else { "merge" },
                names.join(" ")
            )
        }
        Event::Log { level, text, .. } => format!("log {level:?} {text}"),
        Event::Lost => "lost".to_owned(),
    }
}
