use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::children::Children;

/// Applies an async function to each item, with at most `limit` running at once, and gives the outputs in the order
/// of the items.
///
/// Items are taken from the iterator only when there is room for them. The first failure ends it: the running futures
/// are dropped, no further item is taken, and the error is returned. Everything runs inside the caller's task.
///
/// # Errors
///
/// The first error, in time.
///
/// # Cancel safety
///
/// Dropping it drops the running futures; the outputs so far are lost, items not yet taken stay in the iterator.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::bounded_map;
/// # use std::num::NonZeroUsize;
/// # fascine_testing::TestRuntime::run(|_| async {
/// let three = NonZeroUsize::new(3).unwrap();
/// let doubled = bounded_map(0..100, three, |n| async move { Ok::<_, ()>(2 * n) }).await;
/// assert_eq!(doubled.unwrap()[99], 198);
/// # });
/// ```
pub fn bounded_map<I, M, F, T, E>(
    items: I,
    limit: NonZeroUsize,
    map: M,
) -> BoundedMap<I::IntoIter, M, F, T>
where
    I: IntoIterator,
    M: FnMut(I::Item) -> F,
    F: Future<Output = Result<T, E>>,
{
    BoundedMap {
        items: Some(items.into_iter()),
        limit,
        map,
        children: Children::new(),
        outputs: Vec::new(),
    }
}

/// The future of [`bounded_map`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct BoundedMap<I, M, F, T> {
    /// `None` once it has said that it is empty.
    items: Option<I>,
    limit: NonZeroUsize,
    map: M,
    children: Children<F>,
    outputs: Vec<Option<T>>,
}

// Nothing in here is ever pinned but the children, which are boxed.
impl<I, M, F, T> Unpin for BoundedMap<I, M, F, T> {}

impl<I, M, F, T, E> Future for BoundedMap<I, M, F, T>
where
    I: Iterator,
    M: FnMut(I::Item) -> F,
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<Vec<T>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Many futures that are ready at once must not keep the executor from its other tasks.
        for _ in 0..YIELD_AFTER.max(self.limit.get()) {
            self.refill();
            match self.children.poll_next(cx) {
                Poll::Ready(Some((index, Ok(output)))) => self.outputs[index] = Some(output),
                Poll::Ready(Some((_, Err(error)))) => {
                    self.children.clear();
                    return Poll::Ready(Err(error));
                }
                Poll::Ready(None) => {
                    let outputs = std::mem::take(&mut self.outputs);
                    return Poll::Ready(Ok(outputs.into_iter().flatten().collect()));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<I, M, F, T> BoundedMap<I, M, F, T>
where
    I: Iterator,
    M: FnMut(I::Item) -> F,
    F: Future,
{
    fn refill(&mut self) {
        while self.children.len() < self.limit.get()
            && let Some(items) = &mut self.items
        {
            match items.next() {
                Some(item) => {
                    self.children.push(self.outputs.len(), (self.map)(item));
                    self.outputs.push(None);
                }
                None => self.items = None,
            }
        }
    }
}

impl<I, M, F: Future, T> fmt::Debug for BoundedMap<I, M, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoundedMap")
            .field("limit", &self.limit)
            .field("running", &self.children.len())
            .finish_non_exhaustive()
    }
}

const YIELD_AFTER: usize = 256;
