//! Operations of ours as tasks that begin on the thread that starts them.
//!
//! An operation sends a request and waits. Polled once by its starter, it comes to that point without
//! the runtime's thread, which is woken only by what the operation waits for. A task of the runtime
//! made at once would cost that thread a wake-up of its own, for nothing.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::event::Event;
use super::handle::Client;
use super::lock::lock;
use crate::sync::Mutex;

/// An operation that runs until it ends or this is dropped.
pub struct Task(Arc<Start>);

type Operation = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The beginning of a task, which is also what its first poll leaves to be woken.
struct Start {
    runtime: Handle,
    stage: Mutex<Stage>,
}

enum Stage {
    /// The starter polls it; `woken` tells that it should be polled once more.
    Polled {
        woken: bool,
    },
    /// It waits for the first time, or the runtime is gone.
    Waiting(Operation),
    /// It is becoming a task of the runtime.
    Handed,
    Running(AbortHandle),
    Ended,
}

impl Task {
    /// Starts `operation`; should it panic, the owner hears of it.
    pub(super) fn start(
        client: &Client,
        id: u64,
        operation: impl Future<Output = ()> + Send + 'static,
    ) -> Task {
        let notice = PanicNotice {
            client: client.clone(),
            id,
        };
        let operation = async move {
            let _notice = notice;
            operation.await;
        };
        Task::begin(client.life.runtime.clone(), Box::pin(operation))
    }

    fn begin(runtime: Handle, mut operation: Operation) -> Task {
        let stage = Mutex::new(Stage::Polled { woken: false });
        let start = Arc::new(Start { runtime, stage });
        let waker = Waker::from(start.clone());
        let polled = {
            // Timers of the operation belong to the runtime.
            let _runtime = start.runtime.enter();
            operation.as_mut().poll(&mut Context::from_waker(&waker))
        };
        match polled {
            Poll::Ready(()) => *lock(&start.stage) = Stage::Ended,
            Poll::Pending => start.wait(operation),
        }
        Task(start)
    }
}

impl Start {
    fn wait(self: &Arc<Start>, operation: Operation) {
        let mut stage = lock(&self.stage);
        let woken = matches!(*stage, Stage::Polled { woken: true });
        *stage = Stage::Waiting(operation);
        drop(stage);
        if woken {
            self.wake_by_ref();
        }
    }

    fn hand_over(self: &Arc<Start>, operation: Operation) {
        let task = self.runtime.spawn(Handed {
            start: self.clone(),
            operation: Some(operation),
        });
        let mut stage = lock(&self.stage);
        match *stage {
            Stage::Handed => *stage = Stage::Running(task.abort_handle()),
            Stage::Ended => task.abort(),
            _ => {}
        }
    }
}

impl Wake for Start {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut stage = lock(&self.stage);
        match mem::replace(&mut *stage, Stage::Handed) {
            Stage::Polled { .. } => *stage = Stage::Polled { woken: true },
            Stage::Waiting(operation) => {
                drop(stage);
                self.hand_over(operation);
            }
            other => *stage = other,
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        let stage = mem::replace(&mut *lock(&self.0.stage), Stage::Ended);
        // What waits is dropped here, without the lock: that may forget requests.
        if let Stage::Running(task) = stage {
            task.abort();
        }
    }
}

/// The operation as a task of the runtime.
///
/// A runtime that has ended drops a task where it is handed over, which may be under the lock of the
/// tables, and dropping an operation takes that lock. So it goes back to where it waited.
struct Handed {
    start: Arc<Start>,
    operation: Option<Operation>,
}

impl Future for Handed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(operation) = &mut self.operation else {
            return Poll::Ready(());
        };
        let polled = operation.as_mut().poll(cx);
        if polled.is_ready() {
            self.operation = None;
        }
        polled
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        let Some(operation) = self.operation.take() else {
            return;
        };
        let mut stage = lock(&self.start.stage);
        if matches!(*stage, Stage::Handed) {
            *stage = Stage::Waiting(operation);
        } else {
            // Without the lock, as above.
            drop(stage);
            drop(operation);
        }
    }
}

struct PanicNotice {
    client: Client,
    id: u64,
}

impl Drop for PanicNotice {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.client
                .deliver(&mut vec![Event::OperationFailed { operation: self.id }]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::runtime::Builder;
    use tokio::sync::oneshot;

    use super::*;

    /// Starts an operation that counts its drop in the returned counter.
    fn started(
        runtime: &Handle,
        operation: impl Future<Output = ()> + Send + 'static,
    ) -> (Task, Arc<AtomicUsize>) {
        struct CountOnDrop(Arc<AtomicUsize>);
        impl Drop for CountOnDrop {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let dropped = Arc::new(AtomicUsize::new(0));
        let count = CountOnDrop(dropped.clone());
        let operation = async move {
            let _count = count;
            operation.await;
        };
        (Task::begin(runtime.clone(), Box::pin(operation)), dropped)
    }

    #[test]
    fn it_begins_here_and_goes_on_there() {
        let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (sender, receiver) = oneshot::channel();
        let (here, there) = std::sync::mpsc::channel();
        let (task, _) = started(runtime.handle(), async move {
            here.send(std::thread::current().id()).unwrap();
            receiver.await.unwrap();
            here.send(std::thread::current().id()).unwrap();
        });
        assert_eq!(there.recv().unwrap(), std::thread::current().id());
        sender.send(()).unwrap();
        assert_ne!(there.recv().unwrap(), std::thread::current().id());
        drop(task);
    }

    #[test]
    fn woken_by_its_own_first_poll_it_goes_on() {
        let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (here, there) = std::sync::mpsc::channel();
        let (_task, _) = started(runtime.handle(), async move {
            tokio::task::yield_now().await;
            here.send(()).unwrap();
        });
        there.recv().unwrap();
    }

    #[test]
    fn dropped_while_it_waits_it_ends_at_once() {
        let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (task, dropped) = started(runtime.handle(), std::future::pending());
        drop(task);
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn woken_after_the_runtime_has_ended_it_is_dropped_with_its_task_only() {
        let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (sender, receiver) = oneshot::channel::<()>();
        let (task, dropped) = started(runtime.handle(), async move { drop(receiver.await) });
        runtime.shutdown_timeout(std::time::Duration::from_secs(5));
        sender.send(()).unwrap();
        assert_eq!(dropped.load(Ordering::SeqCst), 0);
        drop(task);
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
    }
}
