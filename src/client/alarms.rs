//! Times to wait that belong to no life: they go on when a connection is closed.
//!
//! The process has one clock for them, which as that of a life sleeps from deadline to deadline: an
//! alarm that is set and dropped again and again costs the runtime's thread nothing.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::clock::sleep;
use super::deadlines::Deadlines;
use super::runtime;
use crate::sync::{Mutex, lock};

/// Rings once its time has come; dropping it before cancels it.
pub struct Alarm {
    when: Instant,
    id: u64,
}

type Bell = Box<dyn FnOnce() + Send>;

static ALARMS: Mutex<Alarms> = Mutex::new(Alarms {
    deadlines: Deadlines::new(),
    bells: BTreeMap::new(),
    next_id: 0,
    ticking: false,
});
static EARLIER: Notify = Notify::const_new();

struct Alarms {
    deadlines: Deadlines<u64>,
    bells: BTreeMap<u64, Bell>,
    next_id: u64,
    /// The clock is a task of the runtime.
    ticking: bool,
}

impl Alarm {
    /// Calls `ring` on the runtime's thread after `delay`, by the monotonic clock. There is no alarm for
    /// times beyond that clock, and when there is no runtime any more.
    pub fn after(delay: Duration, ring: impl FnOnce() + Send + 'static) -> Option<Alarm> {
        let when = Instant::now().checked_add(delay)?;
        let runtime = runtime::handle().ok()?;
        let mut alarms = lock(&ALARMS);
        if !alarms.ticking {
            alarms.ticking = true;
            runtime.spawn(tick());
        }
        let id = alarms.next_id;
        alarms.next_id += 1;
        alarms.bells.insert(id, Box::new(ring));
        if alarms.deadlines.insert(when, id) {
            EARLIER.notify_one();
        }
        Some(Alarm { when, id })
    }
}

// Never reached in a forked child, where the lock might be held for ever: objects are given up there.
impl Drop for Alarm {
    fn drop(&mut self) {
        let mut alarms = lock(&ALARMS);
        alarms.deadlines.remove(Some(self.when), self.id);
        let bell = alarms.bells.remove(&self.id);
        drop(alarms);
        drop(bell);
    }
}

async fn tick() -> Infallible {
    loop {
        let next = lock(&ALARMS).deadlines.sleep();
        sleep(next, &EARLIER).await;
        while let Some(ring) = take_due() {
            ring();
        }
    }
}

fn take_due() -> Option<Bell> {
    let mut alarms = lock(&ALARMS);
    let id = alarms.deadlines.take_due(Instant::now())?;
    alarms.bells.remove(&id)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn alarms_ring_in_order_of_time_and_only_those_that_are_kept() {
        let (sender, rung) = mpsc::channel();
        let set = |delay, name| {
            let sender = sender.clone();
            let ring = move || sender.send((name, Instant::now())).unwrap();
            Alarm::after(delay, ring)
        };
        let ms = Duration::from_millis;
        let began = Instant::now();
        let late = set(ms(60), "late");
        let dropped = set(ms(20), "dropped");
        let early = set(ms(10), "early");
        let endless = set(Duration::MAX, "endless");
        assert!(late.is_some() && early.is_some() && endless.is_none());
        drop(dropped);
        let (first, _) = rung.recv().unwrap();
        let (second, when) = rung.recv().unwrap();
        assert_eq!([first, second], ["early", "late"]);
        assert!(when - began >= ms(60));
        drop((late, early));
        assert!(rung.try_recv().is_err());
        assert!(lock(&ALARMS).bells.is_empty());
    }
}
