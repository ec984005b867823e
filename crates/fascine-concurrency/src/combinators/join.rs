use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

/// Runs a few futures of different types together and gives all their outputs.
///
/// Takes a tuple of two to twelve futures, or an array of at most thirty; nothing is allocated. Each wake polls all that
/// have not ended, which is the fastest way for a few; for more see [`join_all`](crate::join_all).
///
/// # Panics
///
/// A panic of a future drops the others before it goes on. Its future panics when it is polled after it has ended.
///
/// # Cancel safety
///
/// Dropping it drops the futures; the outputs of those that have ended are lost.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::join;
/// # fascine_testing::TestRuntime::run(|_| async {
/// assert_eq!(join((async { 1 }, async { "two" }, async { 3.0 })).await, (1, "two", 3.0));
/// assert_eq!(join([async { 4 }]).await, [4]);
/// # });
/// ```
pub fn join<J: Join>(futures: J) -> impl Future<Output = J::Output> + use<J> {
    futures.join()
}

/// Runs a few fallible futures of different types together, and gives all their outputs or the first failure.
///
/// Their errors are of one type. The first failure ends it: the other futures are dropped, and then the error is
/// returned. Otherwise as [`join`]; for more of one type see [`gather`](crate::gather).
///
/// # Errors
///
/// The first error, in time.
///
/// # Panics
///
/// A panic of a future drops the others before it goes on. Its future panics when it is polled after it has ended.
///
/// # Cancel safety
///
/// Dropping it drops the futures; the outputs of those that have ended are lost.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::try_join;
/// # fascine_testing::TestRuntime::run(|_| async {
/// let both = try_join((async { Ok(1) }, async { Ok::<_, &str>("two") }));
/// assert_eq!(both.await, Ok((1, "two")));
///
/// let never = std::future::pending::<Result<(), &str>>();
/// assert_eq!(try_join((never, async { Err::<(), _>("no") })).await, Err("no"));
/// # });
/// ```
pub fn try_join<J: TryJoin>(
    futures: J,
) -> impl Future<Output = Result<J::Output, J::Error>> + use<J> {
    futures.try_join()
}

/// What [`join`] takes: tuples and arrays of futures.
pub trait Join {
    /// Their outputs.
    type Output;

    /// What [`join`] does.
    fn join(self) -> impl Future<Output = Self::Output>;
}

/// What [`try_join`] takes: tuples and arrays of fallible futures.
pub trait TryJoin {
    /// Their successes.
    type Output;
    /// Their failures.
    type Error;

    /// What [`try_join`] does.
    fn try_join(self) -> impl Future<Output = Result<Self::Output, Self::Error>>;
}

pin_project! {
    /// A future among those that are joined, or its output.
    #[project = SlotProjection]
    #[project_replace = SlotReplaced]
    pub(crate) enum Slot<F, T> {
        Running { #[pin] future: F },
        Done { output: T },
        Gone,
    }
}

impl<F, T> Slot<F, T> {
    pub(crate) fn new(future: F) -> Self {
        Self::Running { future }
    }

    /// Returns whether it has succeeded.
    pub(crate) fn poll<E>(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Result<bool, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        match self.as_mut().project() {
            SlotProjection::Running { future } => match future.poll(cx) {
                Poll::Ready(Ok(output)) => {
                    self.set(Self::Done { output });
                    Ok(true)
                }
                Poll::Ready(Err(error)) => Err(error),
                Poll::Pending => Ok(false),
            },
            SlotProjection::Done { .. } => Ok(true),
            SlotProjection::Gone => panic!("a future was polled after it had ended"),
        }
    }

    /// Takes the output; once it has succeeded.
    pub(crate) fn take(self: Pin<&mut Self>) -> T {
        match self.project_replace(Self::Gone) {
            SlotReplaced::Done { output } => output,
            SlotReplaced::Running { .. } | SlotReplaced::Gone => {
                unreachable!("all have succeeded, and nothing was taken")
            }
        }
    }
}

pin_project! {
    /// Makes a future one that could fail, but does not.
    pub(crate) struct Infallibly<F> {
        #[pin]
        pub(crate) future: F,
    }
}

impl<F: Future> Future for Infallibly<F> {
    type Output = Result<F::Output, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().future.poll(cx).map(Ok)
    }
}

pin_project! {
    /// Takes that back.
    pub(crate) struct Unwrapped<F> {
        #[pin]
        pub(crate) future: F,
    }
}

impl<F: Future<Output = Result<T, Infallible>>, T> Future for Unwrapped<F> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.project().future.poll(cx).map(|output| match output {
            Ok(output) => output,
            Err(never) => match never {},
        })
    }
}
