use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use fascine_rt::BoxFuture;

/// A future that gives items on its way to its output: what the streams of operations are made of.
///
/// Nothing runs but what is polled. An item that is waited for ([`Items::give`]) has been taken before the future goes
/// on, so it is never ahead of its consumer by more than what a tool call says of itself.
pub(crate) struct Yielding<I, R> {
    /// `None` once it has ended.
    future: Option<BoxFuture<R>>,
    items: Items<I>,
    /// It has ended, and there are items left.
    output: Option<R>,
}

/// What a [`Yielding`] gives.
pub(crate) enum Yielded<I, R> {
    /// Something on the way.
    Item(I),
    /// The end.
    Output(R),
}

/// Where the future puts its items.
pub(crate) struct Items<I>(Arc<Mutex<VecDeque<I>>>);

impl<I, R> Yielding<I, R> {
    pub(crate) fn new<F>(make: impl FnOnce(Items<I>) -> F) -> Self
    where
        F: Future<Output = R> + Send + 'static,
    {
        let items = Items(Arc::default());
        let future = make(items.clone());
        Self {
            future: Some(Box::pin(future)),
            items,
            output: None,
        }
    }

    /// Waits for the next item, or the output; `None` after the output.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Yielded<I, R>>> {
        if self.items.is_empty()
            && let Some(future) = &mut self.future
            && let Poll::Ready(output) = future.as_mut().poll(cx)
        {
            self.future = None;
            self.output = Some(output);
        }
        if let Some(item) = self.items.take() {
            return Poll::Ready(Some(Yielded::Item(item)));
        }
        match (self.output.take(), &self.future) {
            (Some(output), _) => Poll::Ready(Some(Yielded::Output(output))),
            (None, Some(_)) => Poll::Pending,
            (None, None) => Poll::Ready(None),
        }
    }

    /// Runs it to its end; nobody sees its items.
    pub(crate) async fn output(mut self) -> Option<R> {
        loop {
            match poll_fn(|cx| self.poll_next(cx)).await? {
                Yielded::Item(_) => {}
                Yielded::Output(output) => return Some(output),
            }
        }
    }
}

impl<I> Items<I> {
    /// Puts an item there. It is seen before the future goes on only if that awaits something.
    pub(crate) fn push(&self, item: I) {
        self.lock().push_back(item);
    }

    /// Puts an item there and waits until it was taken.
    pub(crate) async fn give(&self, item: I) {
        self.push(item);
        self.taken().await;
    }

    /// Waits until all was taken.
    pub(crate) async fn taken(&self) {
        // Whoever takes an item polls the future again: nobody has to be woken.
        poll_fn(|_| match self.is_empty() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }

    fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    fn take(&self) -> Option<I> {
        self.lock().pop_front()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<I>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<I> Clone for Items<I> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<I, R> fmt::Debug for Yielding<I, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Yielding")
            .field("is_running", &self.future.is_some())
            .finish_non_exhaustive()
    }
}
