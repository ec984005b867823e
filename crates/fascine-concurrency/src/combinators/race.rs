use std::fmt;
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::combinators::fixed_children::{FixedChildren, Order};
use crate::combinators::turn::next_turn;

/// Runs futures together and gives the output of the first that ends; the others are dropped before it is returned.
///
/// A failure ends the race as a success does; for the first success see [`first_ok`](crate::first_ok). Do not race what
/// loses something when it is dropped.
///
/// # Fairness
///
/// Where several are ready at once, the one that is polled first wins. Another one is polled first each time, so that
/// each wins equally often; with [`biased`](Race::biased) it is always the earliest.
///
/// # Errors
///
/// [`Empty`] when there is nobody to race.
///
/// # Panics
///
/// If there are 2³¹ futures or more. A panic of a future drops the others before it goes on. Its future panics when it
/// is polled after it has ended.
///
/// # Cancel safety
///
/// Dropping it drops the futures. Losers are dropped where they are: what they had done stays done.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::{Empty, race};
/// # use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let after = |ms| { let rt = &rt; async move { rt.sleep(Duration::from_millis(ms)).await; ms } };
/// assert_eq!(race([after(30), after(10)]).await, Ok(10));
///
/// let nobody: [std::future::Ready<()>; 0] = [];
/// assert_eq!(race(nobody).await, Err(Empty));
/// # });
/// ```
pub fn race<I>(futures: I) -> Race<I::Item>
where
    I: IntoIterator,
    I::Item: Future,
{
    let children = FixedChildren::new(futures);
    let first = next_turn(children.len());
    Race {
        children: children.with_order(Order::From(first)),
    }
}

/// The future of [`race`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Race<F> {
    children: FixedChildren<F, ()>,
}

impl<F: Future> Race<F> {
    /// Polls the futures in their order, so that the earliest of those that are ready wins.
    ///
    /// A future that is always ready then keeps the later ones from ever winning.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::race;
    /// # use std::future::ready;
    /// # fascine_testing::TestRuntime::run(|_| async {
    /// for _ in 0..10 {
    ///     assert_eq!(race([ready("first"), ready("second")]).biased().await, Ok("first"));
    /// }
    /// # });
    /// ```
    pub fn biased(mut self) -> Self {
        self.children = self.children.with_order(Order::Given);
        self
    }
}

// The children are pinned where they are, on the heap.
impl<F> Unpin for Race<F> {}

impl<F: Future> Future for Race<F> {
    type Output = Result<F::Output, Empty>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let won = ready!(
            self.children
                .poll(cx, |_, output| ControlFlow::Break(output))
        );
        Poll::Ready(won.ok_or(Empty))
    }
}

impl<F> fmt::Debug for Race<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.children.debug("Race", f)
    }
}

/// There was no future to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no future to race")]
pub struct Empty;
