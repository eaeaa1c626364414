//! The background runtime of the process and its end.
//!
//! One runtime with one worker thread serves all connections of the process. It starts with the
//! first connection and ends with [`shutdown`], which the exit handler calls.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

use super::life::Life;
use super::lock::lock;
use crate::sync::Mutex;

/// Threads for name resolution, which the system only offers blocking. A resolver that hangs
/// must not collect more of them.
const MAX_BLOCKING_THREADS: usize = 8;
/// A hanging resolver must not hang the exit of the process either.
const STOP: Duration = Duration::from_millis(500);

static EXITING: AtomicBool = AtomicBool::new(false);
static PROCESS: Mutex<Process> = Mutex::new(Process {
    runtime: None,
    lives: Vec::new(),
});

struct Process {
    /// With the process that started it: threads do not survive a fork.
    runtime: Option<(u32, Runtime)>,
    lives: Vec<Weak<Life>>,
}

/// Why there is no runtime.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    #[error("The process is exiting")]
    Exiting,
    #[error("Connections do not work in a forked process")]
    Forked,
    #[error("Failed to start the network thread: {0}")]
    Start(std::io::Error),
}

/// The runtime, started if need be.
pub fn handle() -> Result<Handle, RuntimeError> {
    let mut process = lock(&PROCESS);
    if exiting() {
        return Err(RuntimeError::Exiting);
    }
    match &process.runtime {
        Some((pid, _)) if *pid != process::id() => Err(RuntimeError::Forked),
        Some((_, runtime)) => Ok(runtime.handle().clone()),
        None => {
            let runtime = start().map_err(RuntimeError::Start)?;
            let handle = runtime.handle().clone();
            process.runtime = Some((process::id(), runtime));
            Ok(handle)
        }
    }
}

/// Whether the process is about to exit: nobody may wait for anything any more.
pub fn exiting() -> bool {
    EXITING.load(Ordering::Relaxed)
}

/// Closes all connections of the process, flushing them in parallel, and stops the runtime.
///
/// Bounded by the bounds of the flush and of the linger. Later connects fail. In a forked child
/// it does nothing.
pub fn shutdown() {
    EXITING.store(true, Ordering::Relaxed);
    let (runtime, lives) = {
        let mut process = lock(&PROCESS);
        if process
            .runtime
            .as_ref()
            .is_none_or(|(pid, _)| *pid != process::id())
        {
            return;
        }
        (process.runtime.take(), std::mem::take(&mut process.lives))
    };
    let lives: Vec<Arc<Life>> = lives.iter().filter_map(Weak::upgrade).collect();
    for life in &lives {
        life.begin_close(true);
    }
    for life in &lives {
        life.wait_flushed();
    }
    for life in &lives {
        life.wait_lingered();
    }
    if let Some((_, runtime)) = runtime {
        runtime.shutdown_timeout(STOP);
    }
}

/// Notes a life that [`shutdown`] must end.
pub(crate) fn register(life: &Arc<Life>) {
    let lives = &mut lock(&PROCESS).lives;
    lives.retain(|life| life.strong_count() > 0);
    lives.push(Arc::downgrade(life));
}

fn start() -> std::io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(MAX_BLOCKING_THREADS)
        .thread_name("nats-io")
        .on_thread_start(leave_signals_to_the_host)
        .enable_io()
        .enable_time()
        .build()
}

/// Signal handlers of the host expect to run on the host's own threads.
fn leave_signals_to_the_host() {
    // It fails only for an invalid argument, and there is nobody to tell.
    #[cfg(unix)]
    let _ = nix::sys::signal::SigSet::all().thread_block();
}
