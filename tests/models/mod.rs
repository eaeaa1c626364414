//! Models of what threads do to each other: the product's own code, run over and over while Shuttle
//! decides at each lock, condition, atomic and await who goes on. A run in which nobody can go on is
//! a deadlock and fails, and so does a lost wake-up, since it ends in one.
//!
//! ```text
//! cargo test --locked --lib --features models models::
//! ```
//!
//! The crate takes this folder in as `client::models`, so that it sees what the client keeps to
//! itself. Not modelled: weak memory orderings (all atomics are sequentially consistent here) and the
//! inside of tokio's `Notify`, `watch` and pipes, each call of which is one step.
//!
//! | Model | Of |
//! |---|---|
//! | `mailbox` | the mailbox and the inbox of a thread: who sleeps, who wakes whom |
//! | `outbox` | publishers, the writer, and sessions that come and go |
//! | `session` | both bounds at once: an interpreter that publishes to itself |
//! | `close` | the gate, and the end of a life |

mod close;
mod mailbox;
mod outbox;
mod pipe;
mod session;
pub(crate) mod sync;

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};
use tokio::runtime::Builder;

/// Orders that are tried by chance, and as many by priorities that change at a few points, which
/// finds what needs one thread to be held up for long.
const ORDERS: usize = 1000;

/// Tries the model in many orders.
fn check(model: impl Fn() + Send + Sync + Clone + 'static) {
    // Timers need a runtime. It is not run, so they never fire: time is what a model makes of it.
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let _entered = runtime.enter();
    let mut config = Config::new();
    config.stack_size = 1 << 19;
    config.silence_warnings = true;
    let model = move || {
        sync::start_clock();
        model();
    };
    Runner::new(RandomScheduler::new(ORDERS), config.clone()).run(model.clone());
    Runner::new(PctScheduler::new(3, ORDERS), config).run(model);
}
