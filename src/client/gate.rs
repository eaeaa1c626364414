//! The way to the owner's sink, and its end.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::time::timeout;

use super::event::{ANSWER_TIME, Answer, Event, EventSink, LogLevel};
use super::lock::lock;
use crate::sync::Mutex;

/// Delivers events until it is shut.
///
/// `deliver` runs under a lock of its own, so that after [`shut`](Gate::shut) has returned no
/// event is on its way and none will come. Nobody holds any other lock while delivering, and a
/// sink never calls back into the engine.
pub(crate) struct Gate {
    sink: Arc<dyn EventSink>,
    open: Mutex<bool>,
}

impl Gate {
    pub(crate) fn new(sink: Arc<dyn EventSink>) -> Self {
        Gate {
            sink,
            open: Mutex::new(true),
        }
    }

    /// Hands the batch over and leaves it empty; after the end it just vanishes.
    pub(crate) fn deliver(&self, batch: &mut Vec<Event>) {
        if batch.is_empty() {
            return;
        }
        let open = lock(&self.open);
        if *open {
            self.sink.deliver(batch);
        }
        drop(open);
        batch.clear();
    }

    /// Asks the owner, ahead of what is on its way, and waits. `None` if no answer comes in time.
    pub(crate) async fn answer_to<T>(&self, question: impl FnOnce(Answer<T>) -> Event) -> Option<T> {
        let (answer, answered) = Answer::new();
        self.ask(question(answer));
        timeout(ANSWER_TIME, answered).await.ok()?.ok()
    }

    /// Ends all deliveries, waiting for one that is under way.
    pub(crate) fn shut(&self) {
        *lock(&self.open) = false;
    }

    /// Whether the owner is ready for more messages.
    pub(crate) fn has_room(&self) -> bool {
        self.sink.has_room()
    }

    /// Resolves when there may be room again.
    pub(crate) async fn room(&self) {
        self.sink.room().notified().await;
    }

    /// Tells, or asks, the owner something ahead of what is on its way.
    pub(crate) fn ask(&self, question: Event) {
        let open = lock(&self.open);
        if *open {
            self.sink.ask(question);
        }
    }

    /// Appends a log line, made only if somebody wants it.
    pub(crate) fn log(&self, batch: &mut Vec<Event>, level: LogLevel, text: impl FnOnce() -> String) {
        if self.sink.wants_log(level) {
            batch.push(Event::Log {
                level,
                time: SystemTime::now(),
                text: text(),
            });
        }
    }
}
