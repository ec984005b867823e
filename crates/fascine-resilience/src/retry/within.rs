use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use fascine_concurrency::{FailAfter, fail_after};
use fascine_rt::Rt;
use pin_project_lite::pin_project;

use crate::TimedOut;

/// Runs one attempt for `limit` at most; what took longer is an error like any other, which a retry may classify.
///
/// This is for the function that a retry calls again and again: each attempt has the whole time.
/// [`Retryable::within`](crate::Retryable::within) is the same as part of a sentence. For a limit on all attempts
/// together, put the retry into [`fail_after`].
///
/// # Cancel safety
///
/// Dropping it drops the attempt.
///
/// # Examples
///
/// ```
/// use fascine_resilience::{Retry, TimedOut, Verdict, attempt_within};
/// use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// // The first attempt hangs.
/// let call = |attempt| {
///     let rt = rt.clone();
///     async move {
///         if attempt == 1 {
///             rt.sleep(Duration::from_secs(3600)).await;
///         }
///         Ok::<_, TimedOut>(attempt)
///     }
/// };
/// let limit = Duration::from_secs(5);
/// let answer = Retry::new(&rt)
///     .run(|attempt| attempt_within(&rt, limit, call(attempt)), |_| Verdict::Retry)
///     .await;
/// assert_eq!(answer.unwrap().value, 2);
/// # });
/// ```
pub fn attempt_within<T, E, F>(rt: &Rt, limit: Duration, attempt: F) -> AttemptWithin<F>
where
    F: Future<Output = Result<T, E>>,
    E: From<TimedOut>,
{
    AttemptWithin {
        inner: fail_after(rt, limit, attempt),
        limit,
    }
}

pin_project! {
    /// The future of [`attempt_within`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct AttemptWithin<F> {
        #[pin]
        inner: FailAfter<F>,
        limit: Duration,
    }
}

impl<T, E, F> Future for AttemptWithin<F>
where
    F: Future<Output = Result<T, E>>,
    E: From<TimedOut>,
{
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let limit = *this.limit;
        Poll::Ready(
            ready!(this.inner.poll(cx)).unwrap_or_else(|_| Err(TimedOut::new(limit).into())),
        )
    }
}
