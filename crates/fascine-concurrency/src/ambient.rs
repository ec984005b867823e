use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use pin_project_lite::pin_project;

/// The nearest deadline around the code that runs now, or `None` if there is none.
///
/// [`fail_after`](crate::fail_after) and [`fail_at`](crate::fail_at) set it while they poll their future, so it
/// follows that future across threads and runtimes; [`TaskGroup::spawn`](crate::TaskGroup::spawn) hands it on to its
/// children. It does not cross a plain `Rt::spawn`, a thread, or blocking work.
///
/// Code that is about to wait asks it whether the wait can fit.
#[must_use]
pub fn effective_deadline() -> Option<Instant> {
    DEADLINE.get()
}

/// Calls `poll` with `deadline` as the ambient one; the former one comes back afterwards, also on a panic.
pub(crate) fn with_deadline<T>(deadline: Option<Instant>, poll: impl FnOnce() -> T) -> T {
    struct Restore(Option<Instant>);
    impl Drop for Restore {
        fn drop(&mut self) {
            DEADLINE.set(self.0);
        }
    }
    let _restore = Restore(DEADLINE.replace(deadline));
    poll()
}

pin_project! {
    /// Carries the ambient deadline into a task.
    pub(crate) struct Inherit<F> {
        #[pin]
        future: F,
        deadline: Option<Instant>,
    }
}

impl<F> Inherit<F> {
    pub(crate) fn new(future: F) -> Self {
        Self {
            future,
            deadline: effective_deadline(),
        }
    }
}

impl<F: Future> Future for Inherit<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        with_deadline(*this.deadline, || this.future.poll(cx))
    }
}

thread_local! {
    static DEADLINE: Cell<Option<Instant>> = const { Cell::new(None) };
}
