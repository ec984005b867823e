use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::combinators::fixed_children::FixedChildren;

/// Runs fallible futures together and gives their outputs in the order of the input.
///
/// The first failure ends it: the other futures are dropped, and then the error is returned. A panic of a future also
/// drops the others first. All of them run inside the caller's task: they need no runtime and may borrow. For work
/// that should use several threads, see [`TaskGroup`](crate::TaskGroup); to go on after failures,
/// [`gather_all`](crate::gather_all); for a long list of items, [`bounded_map`](crate::bounded_map), which does not
/// begin everything at once.
///
/// A wake costs the same however many futures are waiting, and no future costs an allocation of its own.
///
/// # Errors
///
/// The first error, in time.
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
/// # use fascine_concurrency::gather;
/// # fascine_testing::TestRuntime::run(|_| async {
/// let words = ["to", "gather"];
/// let lengths = gather(words.iter().map(|word| async { Ok::<_, ()>(word.len()) })).await;
/// assert_eq!(lengths, Ok(vec![2, 6]));
/// # });
/// ```
pub fn gather<I, T, E>(futures: I) -> Gather<I::Item, T>
where
    I: IntoIterator,
    I::Item: Future<Output = Result<T, E>>,
{
    Gather {
        children: FixedChildren::new(futures),
    }
}

/// The future of [`gather`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Gather<F, T> {
    children: FixedChildren<F, T>,
}

// The children are pinned where they are, on the heap, and the outputs never.
impl<F, T> Unpin for Gather<F, T> {}

impl<F, T, E> Future for Gather<F, T>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<Vec<T>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let failed = ready!(self.children.poll(cx, |_, output| match output {
            Ok(output) => ControlFlow::Continue(output),
            Err(error) => ControlFlow::Break(error),
        }));
        Poll::Ready(match failed {
            Some(error) => Err(error),
            None => Ok(self.children.take()),
        })
    }
}

impl<F, T> fmt::Debug for Gather<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.children.debug("Gather", f)
    }
}
