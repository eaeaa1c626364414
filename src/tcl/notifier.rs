//! Events from the runtime's threads, served by Tcl's own event loop.
//!
//! Each interpreter thread has one event source. A [`Source`] (a connection's mailbox) says that
//! it has something through its [`Waker`], from any thread; the thread then takes one item of one
//! source per Tcl event, so that `vwait` returns after a single callback.
//!
//! Fairness: sources are served in turn. After [`BURST`] of delivery one cycle of the event loop
//! passes in which the source queues nothing; in that cycle timers, files and idle handlers get
//! their turn, which a source that always has work would otherwise starve. An `update` ends with
//! that cycle, so it must never come before anything was delivered.
//!
//! What comes from other threads passes the [`Inbox`].

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::ffi::{c_int, c_void};
use std::rc::Rc;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::guard;
use super::hooks;
use super::inbox::Inbox;
use super::sys::{self, RawEvent, RawThread, RawTime, api};
use super::work::{self, Work};
use crate::sync::{Mutex, lock};

/// How long items are delivered before the rest of the event loop gets a turn.
const BURST: Duration = Duration::from_millis(1);

/// Something that has items for its interpreter's thread.
///
/// It wakes the thread when it gets its first item, and again only after [`Source::next`] has
/// found none.
pub trait Source {
    /// Takes the next item and says what is to be done; `None` when there was none.
    fn next(&self) -> Option<Work>;
    /// The thread ends: finish now. Of scripts only the work returned can still run, once.
    fn thread_ends(&self) -> Work;
}

/// Something to do as an event of its own, before any source's next item.
pub type Task = Box<dyn FnOnce() -> Work>;

/// Tells an interpreter's thread, from any thread, that a source has something.
#[derive(Clone)]
pub struct Waker {
    inbox: Arc<Inbox<ThreadId>>,
    key: u64,
}

struct ThreadId(RawThread);

// SAFETY: an id that is only handed to `Tcl_ThreadAlert`, which any thread may call.
unsafe impl Send for ThreadId {}

/// The threads of the process that have an event source, for the end of the process.
static THREADS: Mutex<Vec<Weak<Inbox<ThreadId>>>> = Mutex::new(Vec::new());

thread_local! {
    static THREAD: OnceCell<Rc<Thread>> = const { OnceCell::new() };
}

/// An interpreter thread's own side.
struct Thread {
    inbox: Arc<Inbox<ThreadId>>,
    sources: RefCell<BTreeMap<u64, Rc<dyn Source>>>,
    next_key: Cell<u64>,
    /// Sources that have items, in the order in which they get their turn.
    turns: RefCell<VecDeque<(u64, Rc<dyn Source>)>>,
    posted: RefCell<VecDeque<Task>>,
    /// Whether an event of ours lies in Tcl's queue. One is enough: before it does its work it
    /// queues the next one.
    queued: Cell<bool>,
    /// How long items have been delivered since other events had their turn.
    spent: Cell<Duration>,
    /// Up to when time is in `spent`.
    counted_to: Cell<Instant>,
    /// The burst is over: a queued event passes without delivering, and one cycle queues none.
    resting: Cell<bool>,
    /// The last cycle was one of a loop that does not wait, as `update` is.
    polling: Cell<bool>,
}

/// Adds a source to the calling thread. It stays until [`remove`].
pub fn add(source: Rc<dyn Source>) -> Waker {
    let thread = this_thread();
    let key = thread.next_key.get();
    thread.next_key.set(key + 1);
    thread.sources.borrow_mut().insert(key, source);
    Waker {
        inbox: thread.inbox.clone(),
        key,
    }
}

/// Ends a source: its items are not asked for any more.
pub fn remove(waker: &Waker) {
    if let Some(thread) = live_thread() {
        let source = thread.sources.borrow_mut().remove(&waker.key);
        thread.turns.borrow_mut().retain(|(key, _)| *key != waker.key);
        drop(source);
    }
}

/// Runs a task as an event of its own in this thread.
pub fn post(task: Task) {
    if let Some(thread) = live_thread() {
        thread.posted.borrow_mut().push_back(task);
    }
}

/// No thread is woken after this: the process ends.
pub(super) fn stop_all() {
    let threads = std::mem::take(&mut *lock(&THREADS));
    for inbox in threads.iter().filter_map(Weak::upgrade) {
        inbox.close();
    }
}

impl Waker {
    pub fn wake(&self) {
        self.inbox.announce(self.key, |thread| {
            // SAFETY: the inbox calls this only for a thread that lives until it returns.
            unsafe { (api().thread_alert)(thread.0) };
        });
    }
}

fn this_thread() -> Rc<Thread> {
    THREAD.with(|cell| cell.get_or_init(Thread::start).clone())
}

/// The calling thread's side if it was started and has not ended.
fn live_thread() -> Option<Rc<Thread>> {
    THREAD
        .try_with(|cell| cell.get().cloned())
        .ok()
        .flatten()
        .filter(|thread| thread.inbox.is_alive())
}

impl Thread {
    fn start() -> Rc<Thread> {
        // SAFETY: the procs look the thread's side up and do nothing when it is gone.
        let thread = unsafe {
            (api().create_event_source)(setup, check, std::ptr::null_mut());
            (api().create_thread_exit_handler)(thread_exit, std::ptr::null_mut());
            ThreadId((api().get_current_thread)())
        };
        let inbox = Arc::new(Inbox::new(thread));
        let mut threads = lock(&THREADS);
        threads.retain(|known| known.strong_count() > 0);
        threads.push(Arc::downgrade(&inbox));
        Rc::new(Thread {
            inbox,
            sources: RefCell::default(),
            next_key: Cell::new(1),
            turns: RefCell::default(),
            posted: RefCell::default(),
            queued: Cell::new(false),
            spent: Cell::default(),
            counted_to: Cell::new(Instant::now()),
            resting: Cell::new(false),
            polling: Cell::new(false),
        })
    }

    /// Takes over what other threads have announced; returns whether there may be items.
    fn collect(&self) -> bool {
        for key in self.inbox.collect() {
            if let Some(source) = self.sources.borrow().get(&key) {
                self.turns.borrow_mut().push_back((key, source.clone()));
            }
        }
        self.has_items()
    }

    fn has_items(&self) -> bool {
        !self.posted.borrow().is_empty() || !self.turns.borrow().is_empty()
    }

    fn has_work(&self) -> bool {
        self.has_items() || self.inbox.has_news()
    }

    fn queue_event(&self) {
        // SAFETY: Tcl frees the event with its own allocator after `serve` returned 1.
        unsafe {
            let event = (api().alloc)(size_of::<RawEvent>()).cast::<RawEvent>();
            event.write(RawEvent {
                proc: serve,
                next: std::ptr::null_mut(),
            });
            (api().queue_event)(event, sys::TCL_QUEUE_TAIL);
        }
        self.queued.set(true);
    }

    /// A cycle in which others have their turn.
    fn rest(&self) {
        self.resting.set(false);
        self.spent.set(Duration::ZERO);
    }

    /// An event is about to be queued where none was: time since the last one was spent elsewhere,
    /// and if that was long enough, the burst starts afresh.
    fn start_counting(&self) {
        let now = Instant::now();
        if now - self.counted_to.replace(now) >= BURST {
            self.spent.set(Duration::ZERO);
        }
    }

    /// Counts what an item took, and the script that may have run since the item before.
    fn count_time(&self) {
        let now = Instant::now();
        let spent = self.spent.get() + (now - self.counted_to.replace(now));
        self.spent.set(spent);
        if spent >= BURST {
            self.resting.set(true);
        }
    }

    /// The next thing to do, of whatever source has its turn.
    fn next(&self) -> Option<Work> {
        if let Some(task) = self.take_posted() {
            return Some(task());
        }
        loop {
            let (key, source) = self.turns.borrow_mut().pop_front()?;
            // Its next turn is booked before this one, so that a panic does not lose the source.
            self.turns.borrow_mut().push_back((key, source.clone()));
            let next = source.next();
            if next.is_some() {
                return next;
            }
            self.turns.borrow_mut().pop_back();
        }
    }

    fn take_posted(&self) -> Option<Task> {
        self.posted.borrow_mut().pop_front()
    }
}

/// Before the loop blocks: do not block if there is work.
unsafe extern "C-unwind" fn setup(_: *mut c_void, flags: c_int) {
    guard::contain(|| {
        if flags & sys::TCL_FILE_EVENTS != 0
            && let Some(thread) = served_thread()
            && thread.has_work()
        {
            let now = RawTime { sec: 0, usec: 0 };
            // SAFETY: Tcl copies the time.
            unsafe { (api().set_max_block_time)(&now) };
        }
    });
}

/// After the loop looked for events: queue ours if there are items.
unsafe extern "C-unwind" fn check(_: *mut c_void, flags: c_int) {
    guard::contain(|| {
        if flags & sys::TCL_FILE_EVENTS == 0 {
            return;
        }
        let Some(thread) = served_thread() else { return };
        let polling = flags & sys::TCL_DONT_WAIT != 0;
        if polling && !thread.polling.replace(polling) {
            // The rest that the loop before was due would end an `update` that has just begun.
            thread.rest();
        }
        thread.polling.set(polling);
        if !thread.collect() || thread.resting.get() {
            thread.rest();
        } else if !thread.queued.get() {
            thread.start_counting();
            thread.queue_event();
        }
    });
}

/// One event: one item.
unsafe extern "C-unwind" fn serve(_: *mut RawEvent, flags: c_int) -> c_int {
    if flags & sys::TCL_FILE_EVENTS == 0 {
        return 0;
    }
    let next = guard::catch(|| Ok(served_thread().and_then(|thread| take_turn(&thread))));
    if let Ok(Some(work)) = next {
        work::run(work);
        guard::contain(|| served_thread().iter().for_each(|thread| thread.count_time()));
    }
    1
}

fn take_turn(thread: &Thread) -> Option<Work> {
    thread.queued.set(false);
    if thread.resting.get() {
        return None;
    }
    let next = thread.next();
    if thread.has_items() {
        thread.queue_event();
    }
    next
}

/// The thread's side, unless this is a forked child, where no thread of ours exists.
fn served_thread() -> Option<Rc<Thread>> {
    if hooks::forked() {
        return None;
    }
    THREAD.try_with(|cell| cell.get().cloned()).ok().flatten()
}

unsafe extern "C-unwind" fn thread_exit(_: *mut c_void) {
    let mut last = Work::none();
    guard::contain(|| {
        let Some(thread) = served_thread() else { return };
        thread.inbox.close();
        // SAFETY: the same procs that were given to Tcl.
        unsafe {
            (api().delete_event_source)(setup, check, std::ptr::null_mut());
            (api().delete_events)(is_ours, std::ptr::null_mut());
        }
        let sources = std::mem::take(&mut *thread.sources.borrow_mut());
        thread.turns.borrow_mut().clear();
        last = Work::Many(sources.values().map(|source| source.thread_ends()).collect());
        thread.posted.borrow_mut().clear();
    });
    work::run(last);
}

unsafe extern "C-unwind" fn is_ours(event: *mut RawEvent, _: *mut c_void) -> c_int {
    // SAFETY: Tcl passes the events of its queue.
    let proc = unsafe { (*event).proc };
    c_int::from(std::ptr::fn_addr_eq(proc, serve as sys::EventProc))
}
