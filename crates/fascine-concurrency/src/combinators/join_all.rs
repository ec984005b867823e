use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::combinators::fixed_children::FixedChildren;

/// Runs futures together and gives their outputs in the order of the input.
///
/// For futures that cannot fail; otherwise see [`gather`](crate::gather), which ends at the first failure, and
/// [`gather_all`](crate::gather_all). What is said there about panics, wakes and allocations holds here. For a few
/// futures of different types see [`join`](crate::join).
///
/// # Panics
///
/// If there are 2³¹ futures or more. Its future panics when it is polled after it has ended.
///
/// # Cancel safety
///
/// Dropping it drops the futures; the outputs of those that have ended are lost.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::join_all;
/// # fascine_testing::TestRuntime::run(|_| async {
/// let squares = join_all((1..4).map(|n| async move { n * n })).await;
/// assert_eq!(squares, [1, 4, 9]);
/// # });
/// ```
pub fn join_all<I>(futures: I) -> JoinAll<I::Item>
where
    I: IntoIterator,
    I::Item: Future,
{
    JoinAll {
        children: FixedChildren::new(futures),
    }
}

/// Runs fallible futures together to the end, and gives every result in the order of the input.
///
/// No failure ends the others. [`Partition::partition`](crate::Partition::partition) sorts the results. To stop at the
/// first failure, see [`gather`](crate::gather); what is said there about panics, wakes and allocations holds here.
///
/// # Panics
///
/// If there are 2³¹ futures or more. Its future panics when it is polled after it has ended.
///
/// # Cancel safety
///
/// Dropping it drops the futures; the results of those that have ended are lost.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::gather_all;
/// # fascine_testing::TestRuntime::run(|_| async {
/// let halves = gather_all([4, 5].map(|n| async move { if n % 2 == 0 { Ok(n / 2) } else { Err(n) } }));
/// assert_eq!(halves.await, [Ok(2), Err(5)]);
/// # });
/// ```
pub fn gather_all<I, T, E>(futures: I) -> JoinAll<I::Item>
where
    I: IntoIterator,
    I::Item: Future<Output = Result<T, E>>,
{
    join_all(futures)
}

/// The future of [`join_all`] and [`gather_all`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct JoinAll<F: Future> {
    children: FixedChildren<F, F::Output>,
}

// The children are pinned where they are, on the heap, and the outputs never.
impl<F: Future> Unpin for JoinAll<F> {}

impl<F: Future> Future for JoinAll<F> {
    type Output = Vec<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(
            self.children
                .poll(cx, |_, output| ControlFlow::<(), _>::Continue(output))
        );
        Poll::Ready(self.children.take())
    }
}

impl<F: Future> fmt::Debug for JoinAll<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.children.debug("JoinAll", f)
    }
}
