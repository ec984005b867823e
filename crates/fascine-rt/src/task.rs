use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::JoinError;
use crate::task_worker::Worker;

/// A future that runs in the background, made by [`Rt::spawn`](crate::Rt::spawn) and [`Rt::unblock`](crate::Rt::unblock).
///
/// - Awaiting it gives the output, or a [`JoinError`] if the future panicked or was cancelled. By the time the output
///   is seen, the future has been dropped.
/// - Dropping it cancels the future; [`detach`](Self::detach) lets the future run on without an owner.
///
/// # Panics
///
/// When polled again after it gave its outcome.
///
/// # Cancel safety
///
/// Dropping a task cancels it. To stop waiting without cancelling, await `&mut task`.
#[must_use = "dropping a task cancels it: await it, keep it, or call `detach`"]
pub struct Task<T> {
    shared: Arc<Shared<T>>,
    detached: bool,
}

impl<T> Task<T> {
    /// Asks the future to stop, without waiting for it.
    ///
    /// Await the task afterwards to know that the future is gone: the result is [`JoinError::Cancelled`], or the
    /// output if it had already ended. Cancelling a task that has ended does nothing.
    pub fn cancel(&self) {
        self.shared.cancel();
    }

    /// Makes a handle that can cancel the task from anywhere, without owning it.
    #[must_use]
    pub fn canceller(&self) -> TaskCanceller
    where
        T: Send + 'static,
    {
        TaskCanceller(Arc::clone(&self.shared) as Arc<dyn Cancel>)
    }

    /// Lets the future run on without an owner. Whoever calls this knows what ends it.
    pub fn detach(mut self) {
        self.detached = true;
    }

    /// Returns whether the future has ended, one way or another.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !matches!(self.shared.lock().outcome, Outcome::Running)
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.shared.lock();
        match std::mem::replace(&mut state.outcome, Outcome::Taken) {
            Outcome::Ended(outcome) => Poll::Ready(outcome),
            Outcome::Running => {
                state.outcome = Outcome::Running;
                let replaced = register(&mut state.joiner, cx.waker());
                drop(state);
                drop(replaced);
                Poll::Pending
            }
            Outcome::Taken => {
                drop(state);
                panic!("a task was polled after it gave its outcome")
            }
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if !self.detached {
            self.cancel();
        }
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

/// Cancels a [`Task`] as [`Task::cancel`] does; made by [`Task::canceller`].
#[derive(Clone)]
pub struct TaskCanceller(Arc<dyn Cancel>);

impl TaskCanceller {
    /// Asks the future to stop, without waiting for it.
    pub fn cancel(&self) {
        self.0.cancel_task();
    }
}

impl fmt::Debug for TaskCanceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskCanceller").finish_non_exhaustive()
    }
}

/// What a canceller needs to know of a task: not its output.
trait Cancel: Send + Sync {
    fn cancel_task(&self);
}

impl<T: Send> Cancel for Shared<T> {
    fn cancel_task(&self) {
        self.cancel();
    }
}

/// Makes a task and the future that a runtime has to run for it.
pub(crate) fn new<F: Future>(future: F) -> (Task<F::Output>, Worker<F>) {
    let (task, shared) = unstarted();
    (task, Worker::new(future, shared))
}

/// Makes a task whose outcome is written to the returned half.
pub(crate) fn unstarted<T>() -> (Task<T>, Arc<Shared<T>>) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            outcome: Outcome::Running,
            cancelled: false,
            joiner: None,
            worker: None,
        }),
    });
    (
        Task {
            shared: Arc::clone(&shared),
            detached: false,
        },
        shared,
    )
}

/// What the owner of a task and the runtime's side of it share.
///
/// No waker is woken or dropped while the lock is held: either may run foreign code.
pub(crate) struct Shared<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    outcome: Outcome<T>,
    cancelled: bool,
    joiner: Option<Waker>,
    worker: Option<Waker>,
}

enum Outcome<T> {
    Running,
    Ended(Result<T, JoinError>),
    Taken,
}

impl<T> Shared<T> {
    /// Returns whether the owner cancelled the task; if not, `waker` is what a later cancel wakes.
    pub(crate) fn is_cancelled_or_register(&self, waker: &Waker) -> bool {
        let mut state = self.lock();
        if state.cancelled {
            return true;
        }
        let replaced = register(&mut state.worker, waker);
        drop(state);
        drop(replaced);
        false
    }

    fn cancel(&self) {
        let worker = {
            let mut state = self.lock();
            state.cancelled = true;
            state.worker.take()
        };
        if let Some(worker) = worker {
            worker.wake();
        }
    }

    /// Returns whether the owner cancelled the task.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.lock().cancelled
    }

    /// Publishes how the task ended. Only the first call counts.
    pub(crate) fn end(&self, outcome: Result<T, JoinError>) {
        let mut state = self.lock();
        if !matches!(state.outcome, Outcome::Running) {
            return;
        }
        state.outcome = Outcome::Ended(outcome);
        let (joiner, worker) = (state.joiner.take(), state.worker.take());
        drop(state);
        drop(worker);
        if let Some(joiner) = joiner {
            joiner.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing panics while the lock is held, so a poisoned state is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stores `waker` unless an equal one is there; gives back the one it replaced, to be dropped outside the lock.
fn register(slot: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    match slot {
        Some(stored) if stored.will_wake(waker) => None,
        _ => slot.replace(waker.clone()),
    }
}
