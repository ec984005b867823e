use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::panic::Location;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use fascine_rt::{BoxFuture, spawn_location};

use crate::clock::{Clock, TimerKey};
use crate::task_waker::TaskWaker;

/// Everything a [`TestRuntime`](crate::TestRuntime) and its wakers share.
///
/// No waker is woken or dropped, and no task is polled or dropped, while the lock is held.
pub(crate) struct Executor {
    state: Mutex<State>,
    /// Signalled when something becomes runnable from another thread.
    runnable: Condvar,
}

struct State {
    clock: Clock,
    random: fastrand::Rng,
    tasks: HashMap<u64, TaskEntry>,
    ready: Vec<Item>,
    next_task: u64,
    /// Blocking closures that did not end within the time the executor waits for one.
    blocking: usize,
    closed: bool,
}

struct TaskEntry {
    /// `None` while it is polled, and for the main future, which lives on the stack of `block_on`.
    future: Option<BoxFuture<()>>,
    waker: Arc<TaskWaker>,
    spawned_at: Option<&'static Location<'static>>,
    polls: u64,
}

/// What the executor can do next.
pub(crate) enum Item {
    Task(u64),
    Blocking(Box<dyn FnOnce() + Send>),
}

/// The task that `block_on` was called with.
pub(crate) const MAIN: u64 = 0;

impl Executor {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                clock: Clock::new(),
                random: fastrand::Rng::with_seed(seed),
                tasks: HashMap::new(),
                ready: Vec::new(),
                next_task: MAIN + 1,
                blocking: 0,
                closed: false,
            }),
            runnable: Condvar::new(),
        })
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.lock().clock.elapsed()
    }

    pub(crate) fn live_tasks(&self) -> usize {
        self.lock().tasks.keys().filter(|id| **id != MAIN).count()
    }

    /// Whether somebody runs the executor.
    pub(crate) fn has_main(&self) -> bool {
        self.lock().tasks.contains_key(&MAIN)
    }

    /// Registers the main future and returns the waker to poll it with.
    pub(crate) fn enter_main(self: &Arc<Self>, at: &'static Location<'static>) -> Waker {
        let waker = Arc::new(TaskWaker::new(MAIN, self));
        let entry = TaskEntry {
            future: None,
            waker: Arc::clone(&waker),
            spawned_at: Some(at),
            polls: 0,
        };
        let mut state = self.lock();
        state.ready.retain(|item| !matches!(item, Item::Task(MAIN)));
        state.tasks.insert(MAIN, entry);
        drop(state);
        let waker = Waker::from(waker);
        waker.wake_by_ref();
        waker
    }

    pub(crate) fn leave_main(&self) {
        let left = self.lock().tasks.remove(&MAIN);
        drop(left);
    }

    /// Takes one runnable item, in seeded order.
    pub(crate) fn next(&self) -> Option<Item> {
        let mut state = self.lock();
        if state.ready.is_empty() {
            return None;
        }
        let bound = state.ready.len();
        let at = state.random.usize(..bound);
        let item = state.ready.swap_remove(at);
        if let Item::Task(id) = item
            && let Some(entry) = state.tasks.get_mut(&id)
        {
            entry.polls += 1;
            entry.waker.taken();
        }
        Some(item)
    }

    /// Polls a spawned task once.
    pub(crate) fn poll(&self, id: u64) {
        let (mut future, waker) = {
            let mut state = self.lock();
            let Some(entry) = state.tasks.get_mut(&id) else {
                return;
            };
            let Some(future) = entry.future.take() else {
                return;
            };
            (future, Waker::from(Arc::clone(&entry.waker)))
        };
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(()) => {
                drop(future);
                let ended = self.lock().tasks.remove(&id);
                drop(ended);
            }
            Poll::Pending => {
                let mut state = self.lock();
                if let Some(entry) = state.tasks.get_mut(&id) {
                    entry.future = Some(future);
                }
            }
        }
    }

    /// Runs blocking work on a thread of its own and waits for it, so that it takes no virtual time and ends at a
    /// point that the seed decides. Work that does not end within [`PATIENCE`] goes on beside the tasks.
    pub(crate) fn run_blocking(self: &Arc<Self>, work: Box<dyn FnOnce() + Send>) {
        let before = {
            let mut state = self.lock();
            state.blocking += 1;
            state.blocking
        };
        let executor = Arc::clone(self);
        let worker = thread::spawn(move || {
            work();
            executor.lock().blocking -= 1;
            executor.runnable.notify_all();
        });
        let waited = self
            .runnable
            .wait_timeout_while(self.lock(), PATIENCE, |state| state.blocking >= before)
            .unwrap_or_else(PoisonError::into_inner);
        drop(waited);
        drop(worker); // Detached: the count of outstanding work keeps track of it.
    }

    /// Called when nothing can run: moves the clock, or waits for another thread; false if nothing will ever happen.
    pub(crate) fn idle(&self) -> bool {
        let state = self.lock();
        let outstanding = state.blocking > 0;
        let state = if outstanding {
            self.wait_for_wake(state, PATIENCE)
        } else {
            state
        };
        if !state.ready.is_empty() {
            return true;
        }
        let mut state = state;
        let due = state.clock.jump();
        if due.is_empty() {
            // Another thread may still hold a waker.
            return !self.wait_for_wake(state, LAST_PATIENCE).ready.is_empty();
        }
        drop(state);
        for waker in due {
            waker.wake();
        }
        true
    }

    fn wait_for_wake<'a>(
        &self,
        state: MutexGuard<'a, State>,
        patience: Duration,
    ) -> MutexGuard<'a, State> {
        let waited = self
            .runnable
            .wait_timeout_while(state, patience, |state| state.ready.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Names every task that waits for something.
    pub(crate) fn stuck(&self) -> String {
        let state = self.lock();
        let mut tasks: BTreeMap<u64, &TaskEntry> = BTreeMap::new();
        tasks.extend(state.tasks.iter().map(|(id, entry)| (*id, entry)));
        let mut list = String::new();
        for (id, entry) in tasks {
            let name = if id == MAIN {
                "main future".to_owned()
            } else {
                format!("task {id}")
            };
            let _ = match entry.spawned_at {
                Some(at) => write!(list, "\n  {name}, from {at}, polled {} times", entry.polls),
                None => write!(list, "\n  {name}, polled {} times", entry.polls),
            };
        }
        list
    }

    /// Drops every task; later spawns are dropped at once.
    pub(crate) fn close(&self) {
        loop {
            let mut state = self.lock();
            state.closed = true;
            let ready = std::mem::take(&mut state.ready);
            let tasks = std::mem::take(&mut state.tasks);
            drop(state);
            if ready.is_empty() && tasks.is_empty() {
                return;
            }
            drop(ready);
            drop(tasks);
        }
    }

    /// Adds a task, unless the executor is closed.
    pub(crate) fn spawn(self: &Arc<Self>, future: BoxFuture<()>) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            return;
        }
        let id = state.next_task;
        state.next_task += 1;
        let waker = Arc::new(TaskWaker::new(id, self));
        let entry = TaskEntry {
            future: Some(future),
            waker: Arc::clone(&waker),
            spawned_at: spawn_location(),
            polls: 0,
        };
        state.tasks.insert(id, entry);
        drop(state);
        waker.wake();
    }

    pub(crate) fn now(&self) -> Instant {
        self.lock().clock.now()
    }

    /// Arms a timer, or finds that its time has come.
    pub(crate) fn poll_timer(
        &self,
        key: &mut Option<TimerKey>,
        deadline: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let mut state = self.lock();
        let (replaced, ready) = if state.clock.now() >= deadline {
            (key.take().and_then(|key| state.clock.disarm(key)), true)
        } else {
            (state.clock.arm(key, deadline, cx.waker()), false)
        };
        drop(state);
        drop(replaced);
        if ready {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    pub(crate) fn disarm(&self, key: TimerKey) {
        let removed = self.lock().clock.disarm(key);
        drop(removed);
    }

    /// Adds something that can run.
    pub(crate) fn push(&self, item: Item) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            drop(item);
            return;
        }
        state.ready.push(item);
        drop(state);
        self.runnable.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long, in real time, the executor waits for another thread before it goes on without it.
const PATIENCE: Duration = Duration::from_secs(1);
/// The same before it says that nothing will ever happen: on a machine that is busy a thread may not run for seconds.
const LAST_PATIENCE: Duration = Duration::from_secs(5);
