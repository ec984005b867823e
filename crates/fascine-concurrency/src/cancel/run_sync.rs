use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use fascine_rt::{JoinError, Rt, Task, enter_block_on};

use crate::cancel::place::current;

/// Runs blocking work on a thread of the runtime's and waits for it, until the scope around it ends.
///
/// A thread cannot be interrupted. When the scope is cancelled or its deadline passes, the *wait* ends at once, and the
/// error says that work was [left behind](crate::Elapsed::abandoned): it runs to its end on its thread, and its output
/// is dropped. Work that has not begun by then never begins.
///
/// # Errors
///
/// [`JoinError`] when the work panicked, or the runtime was shut down before it began.
///
/// # Cancel safety
///
/// Dropping it abandons the work as described.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::run_sync;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let sum: u32 = run_sync(&rt, || (1..=10).sum()).await.unwrap();
/// assert_eq!(sum, 55);
/// # });
/// ```
#[track_caller]
pub fn run_sync<T, W>(rt: &Rt, work: W) -> RunSync<T>
where
    T: Send + 'static,
    W: FnOnce() -> T + Send + 'static,
{
    RunSync {
        task: Some(rt.unblock(work)),
    }
}

/// The future of [`run_sync`].
#[must_use = "dropping it abandons the work"]
pub struct RunSync<T> {
    task: Option<Task<T>>,
}

impl<T> Future for RunSync<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let task = self.task.as_mut();
        let polled = Pin::new(task.expect("it is not polled after it ended")).poll(cx);
        if polled.is_ready() {
            self.task = None;
        }
        polled
    }
}

impl<T> Drop for RunSync<T> {
    fn drop(&mut self) {
        if self.task.as_ref().is_some_and(|task| !task.is_finished())
            && let Some(node) = current()
            && let Some(cancelled) = node.chain().find(|node| node.is_cancelled())
        {
            cancelled.add_abandoned(); // That one is ending, and will say so.
        }
    }
}

impl<T> fmt::Debug for RunSync<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunSync").field("task", &self.task).finish()
    }
}

/// Runs a future on this thread until it ends: the way in for a program that is not async.
///
/// It takes no runtime: tasks and timers of those that the future uses run on their own threads. A runtime that only
/// runs while somebody drives it, such as tokio's with one thread, or an executor of your own, has to be driven:
/// by [`Rt::block_on`], or by its own `block_on`.
///
/// # Panics
///
/// When called from async code, where it would stall the executor.
///
/// # Examples
///
/// ```
/// use fascine_concurrency::{block_on, gather};
///
/// let both = block_on(gather([2, 3].map(|n| async move { Ok::<_, ()>(n * n) })));
/// assert_eq!(both, Ok(vec![4, 9]));
/// ```
#[track_caller]
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let _entered = enter_block_on();
    futures_lite::future::block_on(future)
}
