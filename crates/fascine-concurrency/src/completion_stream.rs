use std::fmt;
use std::future::{Future, poll_fn};
use std::task::{Context, Poll};

use crate::children::Children;

/// Futures that run together and give their outputs as they end, each with its number.
///
/// More can be added while others run. The futures make progress only while somebody waits in [`next`](Self::next):
/// a loop that awaits other things in its body holds them up meanwhile; spawn them and push the tasks if that matters.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::CompletionStream;
/// # use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let mut running = CompletionStream::new();
/// running.push(rt.sleep(Duration::from_secs(2)));
/// running.push(rt.sleep(Duration::from_secs(1)));
/// assert_eq!(running.next().await, Some((1, ())));
/// assert_eq!(running.next().await, Some((0, ())));
/// assert_eq!(running.next().await, None);
/// # });
/// ```
pub struct CompletionStream<F> {
    children: Children<F>,
    pushed: usize,
}

impl<F: Future> CompletionStream<F> {
    /// Makes an empty one.
    #[must_use]
    pub fn new() -> Self {
        Self {
            children: Children::new(),
            pushed: 0,
        }
    }

    /// Adds a future and returns its number, counted from 0.
    ///
    /// It is polled at the next [`next`](Self::next), which notices it even if it is waiting already.
    pub fn push(&mut self, future: F) -> usize {
        let number = self.pushed;
        self.pushed += 1;
        self.children.push(number, future);
        number
    }

    /// How many futures have not ended.
    #[must_use]
    pub fn len(&self) -> usize {
        self.children.len()
    }

    /// Returns whether no future is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The futures that have not ended.
    pub fn iter(&self) -> impl Iterator<Item = &F> {
        self.children.iter()
    }

    /// Waits for the next future to end; `None` when none is left.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: an output stays until the poll that returns it.
    pub async fn next(&mut self) -> Option<(usize, F::Output)> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// What [`next`](Self::next) does, for futures written by hand.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, F::Output)>> {
        self.children.poll_next(cx)
    }
}

impl<F: Future> Default for CompletionStream<F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Future> fmt::Debug for CompletionStream<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompletionStream")
            .field("running", &self.len())
            .finish_non_exhaustive()
    }
}
