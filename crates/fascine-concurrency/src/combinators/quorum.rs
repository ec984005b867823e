use std::error::Error;
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::combinators::fixed_children::{FixedChildren, Order};
use crate::combinators::turn::next_turn;

/// Runs fallible futures together until `needed` of them have succeeded; the others are dropped before it returns.
///
/// The successes come in the order of their success, each with the index of its future. As soon as too many have failed
/// it fails. Who is polled first changes from call to call, as in [`race`](crate::race). For one success
/// [`first_ok`](crate::first_ok) is simpler; for all of them see [`gather`](crate::gather).
///
/// # Errors
///
/// [`QuorumError::Impossible`] with every error so far, and [`QuorumError::TooFew`], before anything is polled, when
/// there are fewer futures than `needed`.
///
/// # Panics
///
/// If there are 2³¹ futures or more. A panic of a future drops the others before it goes on. Its future panics when it
/// is polled after it has ended.
///
/// # Cancel safety
///
/// Dropping it drops the futures; the outputs so far are lost.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::quorum;
/// # use std::num::NonZeroUsize;
/// # fascine_testing::TestRuntime::run(|_| async {
/// let two = NonZeroUsize::new(2).unwrap();
/// let votes = || ["7", "x", "9"].map(|word| async move { word.parse::<u8>() });
/// assert_eq!(quorum(two, votes()).biased().await.unwrap(), [(0, 7), (2, 9)]);
/// assert!(quorum(two.saturating_mul(two), votes()).await.is_err());
/// # });
/// ```
pub fn quorum<I, T, E>(needed: NonZeroUsize, futures: I) -> Quorum<I::Item, T, E>
where
    I: IntoIterator,
    I::Item: Future<Output = Result<T, E>>,
{
    let children = FixedChildren::new(futures);
    let first = next_turn(children.len());
    Quorum {
        needed,
        futures: children.len(),
        children: children.with_order(Order::From(first)),
        successes: Vec::new(),
        errors: Vec::new(),
    }
}

/// The future of [`quorum`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Quorum<F, T, E> {
    needed: NonZeroUsize,
    futures: usize,
    children: FixedChildren<F, ()>,
    successes: Vec<(usize, T)>,
    errors: Vec<(usize, E)>,
}

impl<F: Future, T, E> Quorum<F, T, E> {
    /// Polls the futures in their order, so that the earliest of those that succeed at once are taken.
    ///
    /// See [`Race::biased`](crate::Race::biased).
    pub fn biased(mut self) -> Self {
        self.children = self.children.with_order(Order::Given);
        self
    }
}

// The children are pinned where they are, on the heap, and the outputs never.
impl<F, T, E> Unpin for Quorum<F, T, E> {}

impl<F, T, E> Future for Quorum<F, T, E>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<Vec<(usize, T)>, QuorumError<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let needed = this.needed.get();
        let Some(spare) = this.futures.checked_sub(needed) else {
            let futures = this.futures;
            this.children.end();
            return Poll::Ready(Err(QuorumError::TooFew { futures, needed }));
        };
        let (successes, errors) = (&mut this.successes, &mut this.errors);
        let settled = ready!(this.children.poll(cx, |index, output| {
            match output {
                Ok(output) => successes.push((index, output)),
                Err(error) => errors.push((index, error)),
            }
            match (successes.len() == needed, errors.len() > spare) {
                (false, false) => ControlFlow::Continue(()),
                (reached, _) => ControlFlow::Break(reached),
            }
        }));
        Poll::Ready(match settled {
            Some(true) => Ok(std::mem::take(successes)),
            _ => {
                errors.sort_by_key(|(index, _)| *index);
                Err(QuorumError::Impossible {
                    succeeded: successes.len(),
                    needed,
                    errors: std::mem::take(errors),
                })
            }
        })
    }
}

impl<F, T, E> fmt::Debug for Quorum<F, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.children.debug("Quorum", f)
    }
}

/// Why [`quorum`] was not reached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QuorumError<E> {
    /// Too many futures failed.
    Impossible {
        /// The errors, by the order of the input, each with the index of its future.
        errors: Vec<(usize, E)>,
        /// How many successes there should have been.
        needed: usize,
        /// How many there were.
        succeeded: usize,
    },
    /// There are not so many futures.
    TooFew {
        /// How many futures there are.
        futures: usize,
        /// How many successes there should have been.
        needed: usize,
    },
}

impl<E> fmt::Display for QuorumError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Impossible { errors, needed, .. } => {
                let failed = errors.len();
                write!(
                    f,
                    "{needed} successes are impossible, {failed} futures failed"
                )
            }
            Self::TooFew { futures, needed } => {
                write!(
                    f,
                    "{needed} successes are impossible with {futures} futures"
                )
            }
        }
    }
}

impl<E: Error + 'static> Error for QuorumError<E> {
    /// The first of the errors, by the order of the input.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Impossible { errors, .. } => errors.first().map(|(_, error)| error as _),
            Self::TooFew { .. } => None,
        }
    }
}
