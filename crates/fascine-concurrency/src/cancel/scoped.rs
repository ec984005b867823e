use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use fascine_rt::{Rt, Sleep};
use pin_project_lite::pin_project;

use crate::CancelReason;
use crate::cancel::cleanup::Cleanup;
use crate::cancel::hold::{Hold, Observing};
use crate::cancel::node::{HeldBy, Node};
use crate::cancel::observers::Observer;
use crate::cancel::place::{Limit, Place, current, current_address};

pin_project! {
    /// Runs a future inside a scope: what every public scope is made of.
    ///
    /// A poll in the steady state swaps a thread-local pointer twice and makes a few comparisons; everything else
    /// happens when there is news.
    pub(crate) struct Scoped<F> {
        #[pin]
        future: Option<F>,
        place: Place,
        parent: Parent,
        watch: Option<Box<Watch>>,
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
#[derive(Debug, Default)]
struct Watch {
    /// Who is registered with the node; `None` before its timer and the like are as it wants them.
    task: Option<Waker>,
    timer: Option<(Instant, Sleep)>,
    /// No timer is needed while this scope, further out, has the nearer deadline.
    relies_on: Option<Observing>,
    hold: Option<Hold>,
    /// While there is clean-up to do, the scopes further out are held, and heard of.
    cleanup: Option<Arc<Cleanup>>,
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
    /// A scope that belongs to whatever scope it is polled in.
    pub(crate) fn new(rt: Option<Rt>, limit: Limit, is_shield: bool, future: F) -> Self {
        Self::at(Place::new(rt, limit, is_shield), Parent::Ambient, future)
    }

    /// A scope whose node others know already.
    pub(crate) fn with_node(node: Arc<Node>, parent: Parent, future: F) -> Self {
        Self::at(Place::of(node), parent, future)
    }

    /// A scope that does not end before what is in `cleanup` has been done.
    pub(crate) fn with_cleanup(node: Arc<Node>, cleanup: Arc<Cleanup>, future: F) -> Self {
        let mut scoped = Self::with_node(node, Parent::Ambient, future);
        scoped.watch = Some(Box::new(Watch {
            cleanup: Some(cleanup),
            ..Watch::default()
        }));
        scoped
    }

    /// The scope of a task that a group owns, to be [put below](Self::put_below) the group before it is polled.
    pub(crate) fn of_child(future: F) -> Self {
        // Its clock is the group's.
        Self::at(Place::new(None, Limit::Never, false), Parent::Given, future)
    }

    pub(crate) fn put_below(self: Pin<&mut Self>, group: &Arc<Node>) {
        self.project().place.set_parent(Some(Arc::clone(group)));
    }

    fn at(place: Place, parent: Parent, future: F) -> Self {
        Self {
            future: Some(future),
            place,
            parent,
            watch: None,
        }
    }

    /// The node, if the scope ever had to wait or somebody asked for it.
    pub(crate) fn existing_node(&self) -> Option<&Arc<Node>> {
        self.place.existing_node()
    }

    /// Lets go of the scopes further out.
    pub(crate) fn release(self: Pin<&mut Self>) {
        let hold = self
            .project()
            .watch
            .as_mut()
            .and_then(|watch| watch.hold.take());
        drop(hold);
    }

    /// Drops the future where it can see its scope.
    pub(crate) fn drop_future(self: Pin<&mut Self>, caught: bool) {
        let mut this = self.project();
        if this.future.is_some() {
            this.place.enter(|| this.future.set(None));
        }
        if let Some(node) = this.place.existing_node() {
            node.end(caught);
        }
    }
}

impl<F: Future> Scoped<F> {
    #[inline]
    pub(crate) fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<F::Output, Ended>> {
        let this = self.as_mut().project();
        if *this.parent == Parent::Ambient && current_address() != this.place.parent_address() {
            this.place.set_parent(current());
        }
        if let Some(node) = this.place.existing_node()
            && node.has_news()
            && let Some(ended) = cut_off(node)
        {
            return Poll::Ready(Err(self.finish(ended)));
        }
        let polled = this.place.enter(|| {
            let future = this.future.as_pin_mut();
            future
                .expect("a scope is not polled after it ended")
                .poll(cx)
        });
        if let Poll::Ready(output) = polled {
            self.drop_future(false);
            return Poll::Ready(Ok(output));
        }
        if let Some(node) = this.place.existing_node()
            && !node.has_news()
            && let Some(watch) = this.watch
            && let Some(task) = &watch.task
            && task.will_wake(cx.waker())
        {
            return Poll::Pending;
        }
        match self.as_mut().settle(cx) {
            Some(ended) => Poll::Ready(Err(self.finish(ended))),
            None => Poll::Pending,
        }
    }

    #[cold]
    fn finish(self: Pin<&mut Self>, ended: Ended) -> Ended {
        self.drop_future(matches!(ended, Ended::Cancelled(_)));
        ended
    }

    /// Arranges to be woken for everything that may end the scope, or finds that it has to end now.
    #[cold]
    fn settle(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Option<Ended> {
        let this = self.project();
        let node = this.place.node();
        let watch = this.watch.get_or_insert_default();
        loop {
            // Before anything is looked at: what happens from here on shows up again.
            node.take_news();
            node.set_task(Some(cx.waker().clone()));
            let ended = watch.look(node);
            if ended.is_some() || !node.has_news() {
                watch.task = Some(cx.waker().clone());
                return ended;
            }
        }
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

impl Watch {
    /// Acts on the state of the node.
    fn look(&mut self, node: &Arc<Node>) -> Option<Ended> {
        let has_cleanup = self.cleanup.as_ref().is_some_and(|list| !list.is_empty());
        if node.is_shield() || has_cleanup {
            let observer = has_cleanup.then(|| as_observer(node));
            // Made before the former one is dropped: the scopes above must not believe for a moment that nothing
            // holds them.
            self.hold = Some(Hold::new(
                HeldBy::Shield,
                node.parent().as_ref(),
                observer.as_ref(),
            ));
        }
        let look = node.look();
        if let Some(reason) = look.cancelled {
            self.relies_on = None;
            if !look.held {
                return Some(Ended::Cancelled(reason));
            }
            // Its shields keep it: until the time of grace is over, if there is one.
            let hard = node.effective_hard_deadline();
            return match self.arm(node, hard) {
                Poll::Ready(()) if !look.has_groups => Some(Ended::Cancelled(reason)),
                Poll::Ready(()) | Poll::Pending => None,
            };
        }
        if has_cleanup && node.effectively_cancelled().is_some() {
            return Some(Ended::Outer);
        }
        let deadline = self.own_deadline(node, look.deadline);
        if self.arm(node, deadline).is_ready() {
            node.cancel(CancelReason::Deadline);
        }
        None
    }

    /// The deadline for which a timer is needed: not if a scope further out ends sooner.
    fn own_deadline(&mut self, node: &Arc<Node>, own: Option<Instant>) -> Option<Instant> {
        let own = own?;
        if node.is_shield() {
            return Some(own);
        }
        loop {
            let outer = node
                .parent()
                .and_then(|parent| parent.nearest_timer())
                .filter(|(deadline, _)| *deadline <= own);
            let Some((_, nearer)) = outer else {
                self.relies_on = None;
                return Some(own);
            };
            if matches!(&self.relies_on, Some(known) if Arc::ptr_eq(known.node(), &nearer)) {
                return None;
            }
            // Once more after this: it may have moved its deadline before it knew of us.
            self.relies_on = Some(Observing::new(nearer, as_observer(node)));
        }
    }

    /// Arms a timer that tells the node.
    fn arm(&mut self, node: &Arc<Node>, deadline: Option<Instant>) -> Poll<()> {
        let (Some(deadline), Some(rt)) = (deadline, node.rt()) else {
            self.timer = None;
            return Poll::Pending;
        };
        let timer = match &mut self.timer {
            Some((armed, timer)) if *armed == deadline => timer,
            timer => &mut timer.insert((deadline, rt.sleep_until(deadline))).1,
        };
        Pin::new(timer).poll(&mut Context::from_waker(&Waker::from(Arc::clone(node))))
    }
}

fn as_observer(node: &Arc<Node>) -> Weak<dyn Observer> {
    let weak: Weak<Node> = Arc::downgrade(node);
    weak
}

impl<F> fmt::Debug for Scoped<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scoped")
            .field("ended", &self.future.is_none())
            .finish_non_exhaustive()
    }
}
