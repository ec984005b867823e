use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::combinators::children::Children;
use crate::combinators::entrance::{Closed, Entrance, Pusher};
use crate::combinators::panics::clear_on_panic;

/// Futures that run together and give their outputs as they end, each with its number.
///
/// More can be added while others run: by [`push`](Self::push), or from anywhere by a [`pusher`](Self::pusher). With a
/// [limit](Self::with_limit) the others wait for their turn, without being polled.
///
/// # Progress
///
/// The futures make progress only while somebody waits in [`next`](Self::next): a loop that awaits other things in its
/// body holds them up meanwhile. [`for_each`](Self::for_each) polls them beside its body. What should run in parallel is
/// spawned, and the tasks are pushed.
///
/// # Cancel safety
///
/// Dropping the stream drops every future at once, those that wait too, even if there are pushers.
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
pub struct CompletionStream<F: Future> {
    children: Children<F>,
    entrance: Arc<Entrance<F>>,
    limit: usize,
    /// Ended, and not given yet.
    ended: VecDeque<(usize, F::Output)>,
}

impl<F: Future> CompletionStream<F> {
    /// Makes an empty one, without a limit.
    #[must_use]
    pub fn new() -> Self {
        Self {
            children: Children::new(),
            entrance: Arc::new(Entrance::new()),
            limit: usize::MAX,
            ended: VecDeque::new(),
        }
    }

    /// Lets at most `limit` futures run at once; the others begin in the order in which they were pushed.
    ///
    /// Those that run already go on. [`at_most`](crate::at_most) makes a limit of a plain number.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::{CompletionStream, at_most};
    /// # use std::time::Duration;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let mut one_by_one = CompletionStream::new().with_limit(at_most(1).unwrap());
    /// for seconds in [3, 1] {
    ///     one_by_one.push(rt.sleep(Duration::from_secs(seconds)));
    /// }
    /// assert_eq!(one_by_one.next().await, Some((0, ())));
    /// # });
    /// ```
    #[must_use]
    pub fn with_limit(mut self, limit: NonZeroUsize) -> Self {
        self.limit = limit.get();
        self
    }

    /// Adds a future and returns its number, counted from 0.
    ///
    /// It is polled at the next [`next`](Self::next), if there is room for it.
    ///
    /// # Panics
    ///
    /// After [`close`](Self::close); see [`try_push`](Self::try_push).
    #[track_caller]
    pub fn push(&mut self, future: F) -> usize {
        match self.try_push(future) {
            Ok(number) => number,
            Err(Closed(_)) => panic!("a future was pushed to a closed stream"),
        }
    }

    /// Adds a future and returns its number, counted from 0, unless the stream is closed.
    ///
    /// # Errors
    ///
    /// [`Closed`], which gives the future back.
    pub fn try_push(&mut self, future: F) -> Result<usize, Closed<F>> {
        // Through the entrance if others wait there: their turn is before this one's.
        if self.children.len() >= self.limit || !self.entrance.is_empty() {
            return self.entrance.push(future);
        }
        let Some(number) = self.entrance.number() else {
            return Err(Closed(future));
        };
        self.children.push(number, future);
        Ok(number)
    }

    /// Makes a handle that adds futures from anywhere, also while the stream is waited for.
    ///
    /// It keeps neither the stream nor its futures alive, and the stream does not wait for it: [`next`](Self::next) is
    /// `None` whenever nothing is left, and goes on when there is something again.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::CompletionStream;
    /// # fascine_testing::TestRuntime::run(|_| async {
    /// let page = |n: u32| async move { n };
    /// let pages = CompletionStream::from_iter([page(1)]);
    /// let links = pages.pusher();
    /// let mut seen = Vec::new();
    /// pages.for_each(|(_, n)| {
    ///     seen.push(n);
    ///     // A page leads to two others.
    ///     for link in [2 * n, 2 * n + 1] {
    ///         if link < 8 {
    ///             links.push(page(link)).unwrap();
    ///         }
    ///     }
    ///     async {}
    /// }).await;
    /// assert_eq!(seen.len(), 7);
    /// # });
    /// ```
    #[must_use]
    pub fn pusher(&self) -> Pusher<F> {
        Pusher::new(&self.entrance)
    }

    /// Refuses further futures. Those that were pushed still run and give their outputs.
    pub fn close(&mut self) {
        self.entrance.close();
    }

    /// Returns whether it is closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.entrance.is_closed()
    }

    /// How many outputs are to come: of futures that run, that wait for room, and that have ended already.
    #[must_use]
    pub fn len(&self) -> usize {
        self.children.len() + self.entrance.len() + self.ended.len()
    }

    /// Returns whether no output is to come.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The futures that run; not those that wait for room.
    pub fn iter(&self) -> impl Iterator<Item = &F> {
        self.children.iter()
    }

    /// Waits for the next future to end; `None` when none is left.
    ///
    /// The futures do not run while the caller does something else; see [`for_each`](Self::for_each).
    ///
    /// # Panics
    ///
    /// When a future panics; the others that run are dropped before.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: an output stays until the poll that returns it.
    pub async fn next(&mut self) -> Option<(usize, F::Output)> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// What [`next`](Self::next) does, for futures written by hand.
    ///
    /// # Panics
    ///
    /// As `next` does.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, F::Output)>> {
        if let Some(ended) = self.ended.pop_front() {
            return Poll::Ready(Some(ended));
        }
        let polled = self.poll_running(cx);
        if let Poll::Ready(Some(_)) = polled
            && self.admit()
        {
            // The next one begins before this output is handled.
            clear_on_panic(
                self,
                |stream| {
                    while let Some(ended) = stream.children.poll_fresh_unguarded() {
                        stream.ended.push_back(ended);
                    }
                },
                |stream| stream.children.clear(),
            );
        }
        polled
    }

    // It takes the stream whole: a method of that name that borrows it would lose to the one of `StreamExt`, which knows
    // nothing of the others, wherever that is in scope.
    /// Handles every output, one after the other, while the other futures run on.
    ///
    /// It ends when nothing is left. What `body` captures may push more by a [`pusher`](Self::pusher).
    ///
    /// Outputs that come while one is handled are kept until it is their turn. To begin no more than can be handled, use
    /// [`bounded_map_unordered`](crate::bounded_map_unordered).
    ///
    /// # Panics
    ///
    /// When a future panics; the others that run are dropped before.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the body that runs, the output it handles, and every future.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::CompletionStream;
    /// # use std::time::Duration;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let rt = &rt;
    /// let steps = CompletionStream::from_iter((1..4).map(|n| async move {
    ///     rt.sleep(Duration::from_secs(n)).await;
    ///     // Further work, that would have to wait for the body below if it were a plain loop.
    ///     rt.sleep(Duration::from_secs(n)).await;
    /// }));
    /// let started = rt.now();
    /// steps.for_each(|_| rt.sleep(Duration::from_secs(2))).await;
    /// assert_eq!(rt.now() - started, Duration::from_secs(8));
    /// # });
    /// ```
    pub async fn for_each<B, R>(mut self, mut body: B)
    where
        B: FnMut((usize, F::Output)) -> R,
        R: Future<Output = ()>,
    {
        while let Some(ended) = self.next().await {
            let mut handling = pin!(body(ended));
            poll_fn(|cx| {
                while let Poll::Ready(Some(ended)) = self.poll_running(cx) {
                    self.ended.push_back(ended);
                }
                handling.as_mut().poll(cx)
            })
            .await;
        }
    }

    fn poll_running(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, F::Output)>> {
        // Before the entrance is looked into: what is pushed from then on wakes the caller.
        self.entrance.register(cx.waker());
        self.admit();
        self.children.poll_next(cx)
    }

    /// Lets in those that wait, as far as there is room.
    fn admit(&mut self) -> bool {
        let mut any = false;
        while self.children.len() < self.limit
            && let Some((number, future)) = self.entrance.pop()
        {
            self.children.push(number, future);
            any = true;
        }
        any
    }
}

impl<F: Future> Default for CompletionStream<F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<F: Future> Extend<F> for CompletionStream<F> {
    /// Pushes each future.
    ///
    /// # Panics
    ///
    /// As [`push`](Self::push) does.
    fn extend<I: IntoIterator<Item = F>>(&mut self, futures: I) {
        futures.into_iter().for_each(|future| {
            self.push(future);
        });
    }
}

impl<F: Future> FromIterator<F> for CompletionStream<F> {
    fn from_iter<I: IntoIterator<Item = F>>(futures: I) -> Self {
        let mut stream = Self::new();
        stream.extend(futures);
        stream
    }
}

// The futures are pinned where they are, on the heap, and the outputs never.
impl<F: Future> Unpin for CompletionStream<F> {}

impl<F: Future> Stream for CompletionStream<F> {
    type Item = (usize, F::Output);

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_next(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len(), None)
    }
}

impl<F: Future> Drop for CompletionStream<F> {
    fn drop(&mut self) {
        // A pusher may keep the entrance alive.
        self.entrance.shut();
    }
}

impl<F: Future> fmt::Debug for CompletionStream<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompletionStream")
            .field("running", &self.children.len())
            .field("waiting", &self.entrance.len())
            .finish_non_exhaustive()
    }
}
