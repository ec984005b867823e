use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::combinators::children::Children;
use crate::combinators::source::Source;

pin_project! {
    /// The items of a source on their way through a function, a limited number at a time.
    pub(crate) struct Window<S, M, F> {
        // `None` once it has said that it is empty.
        #[pin]
        source: Option<S>,
        limit: NonZeroUsize,
        map: M,
        children: Children<F>,
        started: usize,
    }
}

impl<S, M, F> Window<S, M, F> {
    pub(crate) fn limit(&self) -> usize {
        self.limit.get()
    }

    pub(crate) fn running(&self) -> usize {
        self.children.len()
    }

    /// Shows how many run, under the name of the future they belong to.
    pub(crate) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("limit", &self.limit)
            .field("running", &self.children.len())
            .finish_non_exhaustive()
    }

    /// How many items were taken so far.
    pub(crate) fn started(&self) -> usize {
        self.started
    }
}

impl<S, M, F> Window<S, M, F>
where
    S: Source,
    M: FnMut(S::Item) -> F,
    F: Future,
{
    pub(crate) fn new(source: S, limit: NonZeroUsize, map: M) -> Self {
        Self {
            source: Some(source),
            limit,
            map,
            children: Children::for_at_most(limit.get()),
            started: 0,
        }
    }

    /// How many outputs are to come at least.
    pub(crate) fn at_least(&self) -> usize {
        let items = self.source.as_ref().map_or(0, Source::size_hint);
        items.saturating_add(self.children.len())
    }

    /// How many outputs to make room for.
    pub(crate) fn expected(&self) -> usize {
        self.at_least().min(EXPECTED)
    }

    /// Begins with as many items as there is room for, and gives the next output with the index of its item.
    ///
    /// No more than `most` run then. The caller [clears](Self::clear) it when there is a panic.
    pub(crate) fn poll_next(
        mut self: Pin<&mut Self>,
        most: usize,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(usize, F::Output)>> {
        let refilled = match self.as_mut().refill(most, cx) {
            Refilled::Ended(ended) => return Poll::Ready(Some(ended)),
            refilled => refilled,
        };
        match self.as_mut().project().children.poll_next_unguarded(cx) {
            Poll::Ready(None) if self.source.is_some() => {}
            Poll::Ready(ended) => return Poll::Ready(ended),
            Poll::Pending => {}
        }
        if let Refilled::More = refilled {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Begins with as many items as there is room for, and polls those for the first time until one ends.
    ///
    /// The caller [clears](Self::clear) it when there is a panic.
    pub(crate) fn poll_fresh(
        mut self: Pin<&mut Self>,
        most: usize,
        cx: &mut Context<'_>,
    ) -> Option<(usize, F::Output)> {
        match self.as_mut().refill(most, cx) {
            Refilled::Ended(ended) => Some(ended),
            _ => self.project().children.poll_fresh_unguarded(),
        }
    }

    /// Drops all that runs, and the source.
    pub(crate) fn clear(self: Pin<&mut Self>) {
        let mut this = self.project();
        this.children.clear();
        this.source.set(None);
    }

    #[inline]
    fn refill(self: Pin<&mut Self>, most: usize, cx: &mut Context<'_>) -> Refilled<F::Output> {
        let mut this = self.project();
        let most = most.min(this.limit.get());
        // An endless iterator under an endless limit must not keep the executor from its other tasks.
        for _ in 0..AT_ONCE {
            if this.children.len() >= most {
                return Refilled::Done;
            }
            let Some(source) = this.source.as_mut().as_pin_mut() else {
                return Refilled::Done;
            };
            match source.poll_item(cx) {
                Poll::Ready(Some(item)) => {
                    let index = *this.started;
                    *this.started += 1;
                    let future = (this.map)(item);
                    if let Some(ended) = this.children.begin_unguarded(index, future) {
                        return Refilled::Ended(ended);
                    }
                }
                Poll::Ready(None) => this.source.set(None),
                Poll::Pending => return Refilled::Done,
            }
        }
        Refilled::More
    }
}

enum Refilled<T> {
    Done,
    /// One that had just begun has ended.
    Ended((usize, T)),
    /// There may be more items, and there is room for them.
    More,
}

const AT_ONCE: usize = 256;
/// What an iterator promises is believed up to here.
const EXPECTED: usize = 1 << 16;
