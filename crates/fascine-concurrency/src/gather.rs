use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::children::Children;

/// Runs fallible futures together and gives their outputs in the order of the input.
///
/// The first failure ends it: the other futures are dropped, and then the error is returned. A panic of a future also
/// drops the others first. All of them run inside the caller's task: they need no runtime and may borrow. For work
/// that should use several threads, see [`TaskGroup`](crate::TaskGroup).
///
/// A wake costs the same however many futures are waiting.
///
/// # Errors
///
/// The first error, in time.
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
    let mut children = Children::new();
    for (index, future) in futures.into_iter().enumerate() {
        children.push(index, future);
    }
    let mut outputs = Vec::new();
    outputs.resize_with(children.len(), || None);
    Gather { children, outputs }
}

/// The future of [`gather`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Gather<F, T> {
    children: Children<F>,
    outputs: Vec<Option<T>>,
}

// The children are boxed and the outputs are never pinned.
impl<F, T> Unpin for Gather<F, T> {}

impl<F, T, E> Future for Gather<F, T>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<Vec<T>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match ready!(self.children.poll_next(cx)) {
                Some((index, Ok(output))) => self.outputs[index] = Some(output),
                Some((_, Err(error))) => {
                    self.children.clear();
                    return Poll::Ready(Err(error));
                }
                None => {
                    let outputs = std::mem::take(&mut self.outputs);
                    return Poll::Ready(Ok(outputs.into_iter().flatten().collect()));
                }
            }
        }
    }
}

impl<F: Future, T> fmt::Debug for Gather<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather")
            .field("running", &self.children.len())
            .finish_non_exhaustive()
    }
}
