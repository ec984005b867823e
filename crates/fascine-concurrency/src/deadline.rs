use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use fascine_rt::{Rt, Sleep};
use pin_project_lite::pin_project;

use crate::ambient::{effective_deadline, with_deadline};

/// Runs a future for `duration` at most, counted from this call; `Duration::MAX` sets no limit.
///
/// The deadline is ambient while the future runs: see [`effective_deadline`]. A nearer deadline further out wins, and
/// is then not reported by this one. A future that ends in the poll in which its time runs out has ended in time. No
/// timer is armed for a future that is ready at once, nor under a nearer deadline.
///
/// # Errors
///
/// [`Elapsed`] when the time ran out; the future has been dropped by then.
///
/// # Cancel safety
///
/// Dropping it drops the future.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::fail_after;
/// # use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let answer = fail_after(&rt, Duration::from_secs(1), async { 42 }).await;
/// assert_eq!(answer, Ok(42));
/// # });
/// ```
pub fn fail_after<F: Future>(rt: &Rt, duration: Duration, future: F) -> FailAfter<F> {
    FailAfter::new(rt, rt.deadline_after(duration), future)
}

/// Runs a future until `deadline` at most; the same as [`fail_after`] otherwise.
///
/// # Errors
///
/// [`Elapsed`] when the deadline passed; the future has been dropped by then.
///
/// # Cancel safety
///
/// Dropping it drops the future.
pub fn fail_at<F: Future>(rt: &Rt, deadline: Instant, future: F) -> FailAfter<F> {
    FailAfter::new(rt, Some(deadline), future)
}

/// The time of a [`fail_after`] or [`fail_at`] ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the deadline passed")]
pub struct Elapsed(());

pin_project! {
    /// The future of [`fail_after`] and [`fail_at`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct FailAfter<F> {
        #[pin]
        future: Option<F>,
        rt: Rt,
        deadline: Option<Instant>,
        timer: Option<Sleep>,
    }
}

impl<F: Future> FailAfter<F> {
    fn new(rt: &Rt, deadline: Option<Instant>, future: F) -> Self {
        Self {
            future: Some(future),
            rt: rt.clone(),
            deadline,
            timer: None,
        }
    }
}

impl<F: Future> Future for FailAfter<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let outer = effective_deadline();
        let nearer = match (outer, *this.deadline) {
            (Some(outer), Some(own)) => Some(outer.min(own)),
            (outer, own) => outer.or(own),
        };
        let future = this
            .future
            .as_mut()
            .as_pin_mut()
            .expect("it is not polled after it ended");
        if let Poll::Ready(output) = with_deadline(nearer, || future.poll(cx)) {
            return Poll::Ready(Ok(output));
        }
        let Some(deadline) = *this.deadline else {
            return Poll::Pending;
        };
        if outer.is_some_and(|outer| outer <= deadline) {
            *this.timer = None;
            return Poll::Pending;
        }
        let timer = this
            .timer
            .get_or_insert_with(|| this.rt.sleep_until(deadline));
        if Pin::new(timer).poll(cx).is_pending() {
            return Poll::Pending;
        }
        with_deadline(nearer, || this.future.set(None));
        Poll::Ready(Err(Elapsed(())))
    }
}
