//! How many messages may be on their way to a stream without an answer.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::client::background::Sessions;
use crate::client::lock::lock;
use crate::sync::Mutex;

/// A bound on messages in flight, counted afresh in each session: when a connection was lost, the
/// answers to what was sent over it may never come, so they hold up nobody any more.
pub struct InFlight {
    max: usize,
    latest: Mutex<Latest>,
}

/// The room for messages of one session.
struct Latest {
    session: u64,
    room: Arc<Semaphore>,
}

/// A message in flight: dropping it makes room for the next one.
pub type Permit = OwnedSemaphorePermit;

impl InFlight {
    pub fn new(max: u64) -> InFlight {
        let max = usize::try_from(max)
            .unwrap_or(usize::MAX)
            .min(Semaphore::MAX_PERMITS);
        let latest = Latest {
            session: 0,
            room: Arc::new(Semaphore::new(max)),
        };
        InFlight {
            max,
            latest: Mutex::new(latest),
        }
    }

    /// A place for a message, if there is one at once and nobody has waited for it before.
    pub fn try_enter(&self, sessions: &Sessions) -> Option<Permit> {
        self.room(sessions.current().number).try_acquire_owned().ok()
    }

    /// Waits for a place; those who came before are served first. Never resolves when no session
    /// can come any more.
    pub async fn enter(&self, mut sessions: Sessions) -> Permit {
        loop {
            let session = sessions.current().number;
            tokio::select! {
                Ok(permit) = self.room(session).acquire_owned() => return permit,
                () = another(&mut sessions, session) => {}
            }
        }
    }

    fn room(&self, session: u64) -> Arc<Semaphore> {
        let mut latest = lock(&self.latest);
        if latest.session != session {
            *latest = Latest {
                session,
                room: Arc::new(Semaphore::new(self.max)),
            };
        }
        latest.room.clone()
    }
}

/// Resolves when there is another session than this.
async fn another(sessions: &mut Sessions, session: u64) {
    loop {
        let current = sessions.changed().await;
        if current.ended {
            std::future::pending().await
        }
        if current.number != session {
            return;
        }
    }
}
