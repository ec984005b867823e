use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::CancelReason;
use crate::cancel::cleanup::Cleanup;
use crate::cancel::node::Node;
use crate::cancel::place::{Place, current, current_address};
use crate::cancel::watch::Watch;

pin_project! {
    /// Runs a future inside a scope: what every public scope, and every child of a group, is made of.
    ///
    /// Its first poll happens in a place on the stack; only a future that has to wait then needs anything of what is
    /// in here. A poll after that swaps a thread-local pointer twice and makes a few comparisons; everything else
    /// happens when there is news.
    pub(crate) struct Scoped<F> {
        #[pin]
        future: Option<F>,
        waiting: Option<Box<Waiting>>,
    }

    impl<F> PinnedDrop for Scoped<F> {
        fn drop(this: Pin<&mut Self>) {
            this.drop_future(false);
        }
    }
}

/// Where a scope finds its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    /// It is the scope around whoever polls it.
    Ambient,
    /// It stays the one it was given: the group of a task.
    Given,
}

/// What a scope that had to wait keeps.
#[derive(Debug)]
struct Waiting {
    place: Place,
    watch: Watch,
}

/// Why a scope dropped its future.
#[derive(Clone, Debug)]
pub(crate) enum Ended {
    /// It was cancelled itself.
    Cancelled(CancelReason),
    /// A scope further out was, and there is clean-up to do before that one ends.
    Outer,
}

impl<F> Scoped<F> {
    pub(crate) const fn new(future: F) -> Self {
        Self {
            future: Some(future),
            waiting: None,
        }
    }

    /// A scope whose node others know already, and that does not end before what is in `cleanup` has been done.
    pub(crate) fn with_node(node: Arc<Node>, cleanup: Option<Arc<Cleanup>>, future: F) -> Self {
        Self {
            future: Some(future),
            waiting: Some(Box::new(Waiting {
                place: Place::of(node),
                watch: Watch::new(cleanup),
            })),
        }
    }

    /// The node, if the scope ever had to wait, or others know it.
    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        self.waiting.as_ref().map(|waiting| waiting.place.node())
    }

    /// Returns whether the future is gone.
    pub(crate) fn has_ended(&self) -> bool {
        self.future.is_none()
    }

    /// Lets go of the scopes further out.
    pub(crate) fn release(self: Pin<&mut Self>) {
        if let Some(waiting) = self.project().waiting {
            waiting.watch.release();
        }
    }

    /// Drops the future where it can see its scope.
    pub(crate) fn drop_future(self: Pin<&mut Self>, caught: bool) {
        let mut this = self.project();
        match this.waiting {
            Some(waiting) => {
                if this.future.is_some() {
                    waiting.place.enter(|| this.future.set(None));
                }
                waiting.place.end(caught);
            }
            None => this.future.set(None),
        }
    }
}

impl<F: Future> Scoped<F> {
    /// Polls the future; `fresh` makes its place for the first time.
    #[inline]
    pub(crate) fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parent: Parent,
        fresh: impl FnOnce() -> Place,
    ) -> Poll<Result<F::Output, Ended>> {
        let this = self.as_mut().project();
        let Some(waiting) = this.waiting else {
            return self.poll_fresh(cx, parent, fresh());
        };
        if parent == Parent::Ambient && current_address() != waiting.place.parent_address() {
            waiting.place.set_parent(current());
        }
        let node = waiting.place.node();
        if node.has_news()
            && let Some(ended) = cut_off(node)
        {
            return Poll::Ready(Err(self.finish(ended)));
        }
        let future = this.future.as_pin_mut();
        let future = future.expect("a scope is not polled after it ended");
        if let Poll::Ready(output) = waiting.place.enter(|| future.poll(cx)) {
            self.drop_future(false);
            return Poll::Ready(Ok(output));
        }
        if !node.has_news() && waiting.watch.is_settled(cx.waker()) {
            return Poll::Pending;
        }
        self.settle(cx)
    }

    fn poll_fresh(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parent: Parent,
        mut place: Place,
    ) -> Poll<Result<F::Output, Ended>> {
        if parent == Parent::Ambient && current_address() != 0 {
            place.set_parent(current());
        }
        let mut this = self.as_mut().project();
        let future = this.future.as_mut().as_pin_mut();
        let future = future.expect("a scope is not polled after it ended");
        if let Poll::Ready(output) = place.enter(|| future.poll(cx)) {
            place.enter(|| this.future.set(None));
            return Poll::Ready(Ok(output)); // Ends the place.
        }
        *this.waiting = Some(Box::new(Waiting {
            place,
            watch: Watch::new(None),
        }));
        self.settle(cx)
    }

    /// Arranges to be woken for everything that may end the scope, or finds that it has to end now.
    #[cold]
    fn settle(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<F::Output, Ended>> {
        let Some(waiting) = self.as_mut().project().waiting else {
            return Poll::Pending;
        };
        match waiting.watch.settle(waiting.place.node(), cx.waker()) {
            Some(ended) => Poll::Ready(Err(self.finish(ended))),
            None => Poll::Pending,
        }
    }

    #[cold]
    fn finish(self: Pin<&mut Self>, ended: Ended) -> Ended {
        self.drop_future(matches!(ended, Ended::Cancelled(_)));
        ended
    }
}

/// Whether somebody cancelled the scope, and not its deadline: then the future is not polled once more.
#[cold]
fn cut_off(node: &Node) -> Option<Ended> {
    let look = node.look();
    match look.cancelled? {
        CancelReason::Deadline => None,
        reason => (!look.held).then_some(Ended::Cancelled(reason)),
    }
}

impl<F> fmt::Debug for Scoped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped")
            .field("ended", &self.future.is_none())
            .finish_non_exhaustive()
    }
}
