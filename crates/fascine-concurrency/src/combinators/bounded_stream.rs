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

/// Applies an async function to each item, and gives a stream of the outputs in the order of the items.
///
/// At most `limit` items are on their way at a time, from when they are taken until their output is given: a slow
/// consumer stops the intake, and memory does not depend on how many items there are. So does a slow item, since those
/// behind it must wait for it; where the order does not matter,
/// [`bounded_map_unordered`](crate::bounded_map_unordered) goes on.
///
/// Before an output is given the next item is begun. The futures make progress only while the stream is polled: while its
/// consumer awaits other things they wait, but for what they have set in motion, such as timers and spawned tasks.
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
/// # use fascine_concurrency::{at_most, bounded_map_stream};
/// # use futures_lite::StreamExt;
/// # use std::pin::pin;
/// # fascine_testing::TestRuntime::run(|_| async {
/// let squares = bounded_map_stream(1_u64.., at_most(8).unwrap(), |n| async move { n * n });
/// let mut squares = pin!(squares);
/// assert_eq!(squares.next().await, Some(1));
/// assert_eq!(squares.next().await, Some(4));
/// # });
/// ```
pub fn bounded_map_stream<I, M, F>(
    items: I,
    limit: NonZeroUsize,
    map: M,
) -> BoundedStream<I::Source, M, F>
where
    I: IntoSource,
    M: FnMut(I::Item) -> F,
    F: Future,
{
    BoundedStream {
        window: Window::new(items.into_source(), limit, map),
        ended: VecDeque::new(),
        given: 0,
    }
}

pin_project! {
    /// The stream of [`bounded_map_stream`].
    #[must_use = "streams do nothing unless they are polled"]
    pub struct BoundedStream<S, M, F: Future> {
        #[pin]
        window: Window<S, M, F>,
        // The outputs that are to come, from the next one on, as far as they are there.
        ended: VecDeque<Option<F::Output>>,
        given: usize,
    }
}

impl<S, M, F> Stream for BoundedStream<S, M, F>
where
    S: Source,
    M: FnMut(S::Item) -> F,
    F: Future,
{
    type Item = F::Output;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let this = self.project();
        let (window, ended, given) = (this.window, this.ended, this.given);
        let run = |(window, ended): &mut (Pin<&mut Window<S, M, F>>, &mut VecDeque<_>)| {
            let output = loop {
                if let Some(output) = ended.front_mut().and_then(Option::take) {
                    break output;
                }
                let most = room(window, *given);
                match window.as_mut().poll_next(most, cx) {
                    Poll::Ready(Some((index, output))) => keep(ended, index - *given, output),
                    Poll::Ready(None) => return Poll::Ready(None),
                    Poll::Pending => return Poll::Pending,
                }
            };
            ended.pop_front();
            *given += 1;
            // So that as many as may run do while this output is handled.
            let mut most = room(window, *given);
            while let Some((index, output)) = window.as_mut().poll_fresh(most, cx) {
                keep(ended, index - *given, output);
                most -= 1;
            }
            Poll::Ready(Some(output))
        };
        clear_on_panic(&mut (window, ended), run, |(window, ended)| {
            ended.clear();
            window.as_mut().clear();
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.window.at_least(), None)
    }
}

/// How many may run, since outputs that wait for their turn take a place too.
fn room<S, M, F: Future>(window: &Window<S, M, F>, given: usize) -> usize {
    let waiting = window.started() - given - window.running();
    window.limit() - waiting
}

fn keep<T>(ended: &mut VecDeque<Option<T>>, offset: usize, output: T) {
    if ended.len() <= offset {
        ended.resize_with(offset + 1, || None);
    }
    ended[offset] = Some(output);
}

impl<S, M, F: Future> fmt::Debug for BoundedStream<S, M, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.window.debug("BoundedStream", f)
    }
}
