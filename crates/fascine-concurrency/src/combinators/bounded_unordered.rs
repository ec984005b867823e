use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;

use crate::combinators::panics::clear_on_panic;
use crate::combinators::source::{IntoSource, Source};
use crate::combinators::window::Window;

/// Applies an async function to each item, and gives a stream of the outputs as they come, each with the index of its
/// item.
///
/// At most `limit` items are on their way at a time; memory does not depend on how many items there are. Before an output
/// is given the next item is begun. The futures make progress only while the stream is polled; see
/// [`bounded_map_stream`](crate::bounded_map_stream), which keeps the order.
///
/// A panic drops what runs and ends the stream.
///
/// # Cancel safety
///
/// Waiting for the next output loses nothing when it is dropped. Dropping the stream drops the running futures.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::{at_most, bounded_map_unordered};
/// # use futures_lite::StreamExt;
/// # use std::pin::pin;
/// # use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let rt = &rt;
/// let naps = bounded_map_unordered([3, 1, 1], at_most(2).unwrap(), |seconds| async move {
///     rt.sleep(Duration::from_secs(seconds)).await;
/// });
/// let order = naps.map(|(index, ())| index).collect::<Vec<_>>().await;
/// assert_eq!(order, [1, 2, 0]);
/// # });
/// ```
pub fn bounded_map_unordered<I, M, F>(
    items: I,
    limit: NonZeroUsize,
    map: M,
) -> BoundedUnordered<I::Source, M, F>
where
    I: IntoSource,
    M: FnMut(I::Item) -> F,
    F: Future,
{
    BoundedUnordered {
        window: Window::new(items.into_source(), limit, map),
        ended: VecDeque::new(),
    }
}

pin_project! {
    /// The stream of [`bounded_map_unordered`].
    #[must_use = "streams do nothing unless they are polled"]
    pub struct BoundedUnordered<S, M, F: Future> {
        #[pin]
        window: Window<S, M, F>,
        // What ended at its first poll, while another output was given.
        ended: VecDeque<(usize, F::Output)>,
    }
}

impl<S, M, F> Stream for BoundedUnordered<S, M, F>
where
    S: Source,
    M: FnMut(S::Item) -> F,
    F: Future,
{
    type Item = (usize, F::Output);

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        let run = |(window, ended): &mut (Pin<&mut Window<S, M, F>>, &mut VecDeque<_>)| {
            let next = match ended.pop_front() {
                Some(next) => next,
                None => match window.as_mut().poll_next(usize::MAX, cx) {
                    Poll::Ready(Some(next)) => next,
                    Poll::Ready(None) => return Poll::Ready(None),
                    Poll::Pending => return Poll::Pending,
                },
            };
            // So that as many as may run do while this output is handled.
            let mut most = window.limit() - ended.len();
            while let Some(early) = window.as_mut().poll_fresh(most, cx) {
                ended.push_back(early);
                most -= 1;
            }
            Poll::Ready(Some(next))
        };
        clear_on_panic(&mut (this.window, this.ended), run, |(window, ended)| {
            ended.clear();
            window.as_mut().clear();
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.window.at_least(), None)
    }
}

impl<S, M, F: Future> fmt::Debug for BoundedUnordered<S, M, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.window.debug("BoundedUnordered", f)
    }
}
