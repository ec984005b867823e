use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::combinators::panics::clear_on_panic;
use crate::combinators::source::{IntoSource, Source};
use crate::combinators::window::Window;

/// Applies an async function to each item, with at most `limit` running at once, and gives the outputs in the order
/// of the items.
///
/// The items come from anything that can be iterated over, or from a stream by [`from_stream`](crate::from_stream).
/// They are taken only when there is room for them. The first failure ends it: the running futures are dropped, no
/// further item is taken, and the error is returned. A panic, of the iterator and the function too, drops what runs and
/// goes on. Everything runs inside the caller's task.
///
/// All the outputs are kept. For more than fit into memory see [`bounded_map_stream`](crate::bounded_map_stream) and
/// [`bounded_map_unordered`](crate::bounded_map_unordered); to go on after failures, [`bounded_map_all`]. A plain number
/// becomes a limit by [`at_most`](crate::at_most).
///
/// # Errors
///
/// The first error, in time.
///
/// # Panics
///
/// Its future panics when it is polled after it has ended.
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
) -> BoundedMap<I::Source, M, F, T>
where
    I: IntoSource,
    M: FnMut(I::Item) -> F,
    F: Future<Output = Result<T, E>>,
{
    let window = Window::new(items.into_source(), limit, map);
    BoundedMap {
        outputs: Some(Vec::with_capacity(window.expected())),
        window,
    }
}

/// Applies an async function to each item, with at most `limit` running at once, and gives every result in the order of
/// the items.
///
/// No failure ends it; all else is as in [`bounded_map`]. [`Partition::partition`](crate::Partition::partition) sorts
/// the results.
///
/// # Panics
///
/// Its future panics when it is polled after it has ended.
///
/// # Cancel safety
///
/// Dropping it drops the running futures; the results so far are lost, items not yet taken stay in the iterator.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::{Partition, at_most, bounded_map_all};
/// # fascine_testing::TestRuntime::run(|_| async {
/// let words = ["7", "x", "9"];
/// let numbers = bounded_map_all(words, at_most(2).unwrap(), |word| async { word.parse::<u8>() });
/// assert_eq!(numbers.await.partition().successes, [(0, 7), (2, 9)]);
/// # });
/// ```
pub fn bounded_map_all<I, M, F, T, E>(
    items: I,
    limit: NonZeroUsize,
    map: M,
) -> BoundedMapAll<I::Source, M, F>
where
    I: IntoSource,
    M: FnMut(I::Item) -> F,
    F: Future<Output = Result<T, E>>,
{
    let window = Window::new(items.into_source(), limit, map);
    BoundedMapAll {
        outputs: Some(Vec::with_capacity(window.expected())),
        window,
    }
}

pin_project! {
    /// The future of [`bounded_map`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct BoundedMap<S, M, F, T> {
        #[pin]
        window: Window<S, M, F>,
        // By the index of the item; `None` once it has ended.
        outputs: Option<Vec<Option<T>>>,
    }
}

impl<S, M, F, T, E> Future for BoundedMap<S, M, F, T>
where
    S: Source,
    M: FnMut(S::Item) -> F,
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<Vec<T>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        poll_collect(this.window, this.outputs, cx, |output| output)
    }
}

pin_project! {
    /// The future of [`bounded_map_all`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct BoundedMapAll<S, M, F: Future> {
        #[pin]
        window: Window<S, M, F>,
        // By the index of the item; `None` once it has ended.
        outputs: Option<Vec<Option<F::Output>>>,
    }
}

impl<S, M, F> Future for BoundedMapAll<S, M, F>
where
    S: Source,
    M: FnMut(S::Item) -> F,
    F: Future,
{
    type Output = Vec<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let all = poll_collect(this.window, this.outputs, cx, Ok::<_, Infallible>);
        all.map(|all| match all {
            Ok(outputs) => outputs,
            Err(never) => match never {},
        })
    }
}

/// Collects the outputs, up to the first that is an error.
fn poll_collect<S, M, F, T, E>(
    mut window: Pin<&mut Window<S, M, F>>,
    outputs: &mut Option<Vec<Option<T>>>,
    cx: &mut Context<'_>,
    settle: impl Fn(F::Output) -> Result<T, E>,
) -> Poll<Result<Vec<T>, E>>
where
    S: Source,
    M: FnMut(S::Item) -> F,
    F: Future,
{
    // Put back when it is pending: a panic leaves nothing that could be polled again.
    let Some(mut so_far) = outputs.take() else {
        panic!("a future was polled after it had ended");
    };
    let run = |window: &mut Pin<&mut Window<S, M, F>>| {
        loop {
            let Poll::Ready(ended) = window.as_mut().poll_next(usize::MAX, cx) else {
                *outputs = Some(so_far);
                return Poll::Pending;
            };
            let Some((index, output)) = ended else {
                let taken = |output: Option<T>| output.expect("every item that began has ended");
                return Poll::Ready(Ok(so_far.into_iter().map(taken).collect()));
            };
            match settle(output) {
                Ok(output) => match so_far.get_mut(index) {
                    Some(place) => *place = Some(output),
                    None => {
                        so_far.resize_with(index, || None);
                        so_far.push(Some(output));
                    }
                },
                Err(error) => {
                    window.as_mut().clear();
                    return Poll::Ready(Err(error));
                }
            }
        }
    };
    clear_on_panic(&mut window, run, |window| window.as_mut().clear())
}

impl<S, M, F, T> fmt::Debug for BoundedMap<S, M, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.window.debug("BoundedMap", f)
    }
}

impl<S, M, F: Future> fmt::Debug for BoundedMapAll<S, M, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.window.debug("BoundedMapAll", f)
    }
}
