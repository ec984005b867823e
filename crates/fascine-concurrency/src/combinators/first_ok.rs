use std::error::Error;
use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::combinators::fixed_children::{FixedChildren, Order};
use crate::combinators::turn::next_turn;

/// Runs fallible futures together and gives the first success; the others are dropped before it is returned.
///
/// Failures wait for a success of another. Who is polled first changes from call to call, as in [`race`](crate::race).
/// For the first that ends in whichever way see there; for several successes see [`quorum`](crate::quorum).
///
/// # Errors
///
/// [`FirstOkError::AllFailed`] with every error, in the order of the input, and [`FirstOkError::Empty`] when there is no
/// future.
///
/// # Panics
///
/// If there are 2³¹ futures or more. A panic of a future drops the others before it goes on. Its future panics when it
/// is polled after it has ended.
///
/// # Cancel safety
///
/// Dropping it drops the futures; the errors so far are lost.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::first_ok;
/// # fascine_testing::TestRuntime::run(|_| async {
/// let parse = |word: &'static str| async move { word.parse::<u8>() };
/// assert_eq!(first_ok(["x", "7"].map(parse)).await.unwrap(), 7);
/// assert_eq!(first_ok(["x", "y"].map(parse)).await.unwrap_err().into_errors().len(), 2);
/// # });
/// ```
pub fn first_ok<I, T, E>(futures: I) -> FirstOk<I::Item, E>
where
    I: IntoIterator,
    I::Item: Future<Output = Result<T, E>>,
{
    let children = FixedChildren::new(futures);
    let first = next_turn(children.len());
    FirstOk {
        children: children.with_order(Order::From(first)),
    }
}

/// The future of [`first_ok`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct FirstOk<F, E> {
    children: FixedChildren<F, E>,
}

impl<F: Future, E> FirstOk<F, E> {
    /// Polls the futures in their order, so that the earliest of those that succeed at once wins.
    ///
    /// See [`Race::biased`](crate::Race::biased).
    pub fn biased(mut self) -> Self {
        self.children = self.children.with_order(Order::Given);
        self
    }
}

// The children are pinned where they are, on the heap, and the errors never.
impl<F, E> Unpin for FirstOk<F, E> {}

impl<F, T, E> Future for FirstOk<F, E>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, FirstOkError<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let succeeded = ready!(self.children.poll(cx, |_, output| match output {
            Ok(output) => ControlFlow::Break(output),
            Err(error) => ControlFlow::Continue(error),
        }));
        Poll::Ready(match succeeded {
            Some(output) => Ok(output),
            None if self.children.len() == 0 => Err(FirstOkError::Empty),
            None => Err(FirstOkError::AllFailed(self.children.take())),
        })
    }
}

impl<F, E> fmt::Debug for FirstOk<F, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.children.debug("FirstOk", f)
    }
}

/// Why [`first_ok`] has no success.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FirstOkError<E> {
    /// Every future failed: their errors in the order of the input.
    AllFailed(Vec<E>),
    /// There was no future.
    Empty,
}

impl<E> FirstOkError<E> {
    /// The error of each future, in the order of the input.
    #[must_use]
    pub fn into_errors(self) -> Vec<E> {
        match self {
            Self::AllFailed(errors) => errors,
            Self::Empty => Vec::new(),
        }
    }
}

impl<E> fmt::Display for FirstOkError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllFailed(errors) => write!(f, "none of {} futures succeeded", errors.len()),
            Self::Empty => f.write_str("there is no future to succeed"),
        }
    }
}

impl<E: Error + 'static> Error for FirstOkError<E> {
    /// The first of the errors, by the order of the input.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::AllFailed(errors) => errors.first().map(|error| error as _),
            Self::Empty => None,
        }
    }
}
