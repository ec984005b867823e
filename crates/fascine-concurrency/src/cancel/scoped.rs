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
    /// How it ended, while a scope further out is about to end as well.
    passing: Option<Ended>,
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
                passing: None,
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
        if waiting.passing.is_some() {
            return self.pass_on();
        }
        let node = waiting.place.node();
        if node.has_news()
            && let Some(ended) = cut_off(node)
        {
            return self.finish(parent, ended);
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
        self.settle(cx, parent)
    }

    /// Leaves it to the scope further out to end, unless the future was moved out of that one meanwhile.
    #[cold]
    fn pass_on(self: Pin<&mut Self>) -> Poll<Result<F::Output, Ended>> {
        match self.project().waiting {
            Some(waiting) if !waiting.place.node().is_cancelled_above() => {
                match waiting.passing.take() {
                    Some(ended) => Poll::Ready(Err(ended)),
                    None => Poll::Pending,
                }
            }
            _ => Poll::Pending,
        }
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
            passing: None,
        }));
        self.settle(cx, parent)
    }

    /// Arranges to be woken for everything that may end the scope, or finds that it has to end now.
    #[cold]
    fn settle(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parent: Parent,
    ) -> Poll<Result<F::Output, Ended>> {
        let Some(waiting) = self.as_mut().project().waiting else {
            return Poll::Pending;
        };
        match waiting.watch.settle(waiting.place.node(), cx.waker()) {
            Some(ended) => self.finish(parent, ended),
            None => Poll::Pending,
        }
    }

    /// Drops the future. If a scope further out was cancelled too, it is that one which ends, and this one passes it on.
    #[cold]
    fn finish(
        mut self: Pin<&mut Self>,
        parent: Parent,
        ended: Ended,
    ) -> Poll<Result<F::Output, Ended>> {
        let passes =
            parent == Parent::Ambient && self.node().is_some_and(|node| node.is_cancelled_above());
        let caught = matches!(ended, Ended::Cancelled(_)) && !passes;
        self.as_mut().drop_future(caught);
        let Some(waiting) = self.project().waiting else {
            return Poll::Ready(Err(ended));
        };
        if passes && waiting.watch.has_cleanup() {
            return Poll::Ready(Err(Ended::Outer));
        }
        if passes {
            waiting.passing = Some(ended);
            return Poll::Pending;
        }
        Poll::Ready(Err(ended))
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
