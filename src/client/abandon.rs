//! The owner's wish for another connection, at once.

use tokio::sync::watch;

/// Where wishes come in.
pub(crate) struct AbandonRequest(watch::Sender<()>);

/// Where the life looks for them.
pub(crate) struct Abandon(watch::Receiver<()>);

impl AbandonRequest {
    pub(crate) fn new() -> Self {
        AbandonRequest(watch::Sender::new(()))
    }

    pub(crate) fn make(&self) {
        self.0.send_replace(());
    }

    /// For the life that begins.
    pub(crate) fn subscribe(&self) -> Abandon {
        Abandon(self.0.subscribe())
    }
}

impl Abandon {
    /// Resolves at a wish that was made since the last one was granted or forgotten.
    pub(crate) async fn requested(&mut self) {
        if self.0.changed().await.is_err() {
            // The sender lives as long as the life.
            std::future::pending().await
        }
    }

    /// A connection that is new by itself fulfils all wishes so far.
    pub(crate) fn forget(&mut self) {
        self.0.mark_unchanged();
    }
}
