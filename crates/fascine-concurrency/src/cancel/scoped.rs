use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use fascine_rt::{Rt, Sleep};
use pin_project_lite::pin_project;

use crate::CancelReason;
use crate::cancel::ambient::{Ambient, Fresh, Limit, Parent, address, current, enter};
use crate::cancel::cleanup::Cleanup;
use crate::cancel::hold::{Hold, Observing};
use crate::cancel::node::Node;
use crate::cancel::observers::Observer;

pin_project! {
    /// Runs a future inside a scope: what every public scope is made of.
    ///
    /// A poll in the steady state costs two swaps of a thread-local, a load and two comparisons; everything else
    /// happens when there is news.
    pub(crate) struct Scoped<F> {
        #[pin]
        future: Option<F>,
        place: Ambient,
        parent: Parent,
        // The address of the parent that the node is below.
        known: usize,
        watch: Watch,
    }

    impl<F> PinnedDrop for Scoped<F> {
        fn drop(this: Pin<&mut Self>) {
            this.drop_future(false);
        }
    }
}

/// What a scope that had to wait keeps.
#[derive(Debug, Default)]
struct Watch {
    /// Who is registered with the node.
    task: Option<Waker>,
    timer: Option<(Instant, Sleep)>,
    /// No timer is needed while this scope, further out, has the nearer deadline.
    relies_on: Option<Observing>,
    hold: Option<Hold>,
    /// While there is clean-up to do, the scopes further out are held, and heard of.
    cleanup: Option<Arc<Cleanup>>,
    settled: bool,
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
        let place = Ambient::Fresh(Fresh {
            parent: None,
            rt,
            limit,
            is_shield,
        });
        Self::at(place, Parent::Ambient, future)
    }

    /// A scope whose node has been made already.
    pub(crate) fn with_node(node: Arc<Node>, parent: Parent, future: F) -> Self {
        Self::at(Ambient::In(node), parent, future)
    }

    /// A scope that does not end before what is in `cleanup` has been done.
    pub(crate) fn with_cleanup(node: Arc<Node>, cleanup: Arc<Cleanup>, future: F) -> Self {
        let mut scoped = Self::with_node(node, Parent::Ambient, future);
        scoped.watch.cleanup = Some(cleanup);
        scoped
    }

    /// The scope of a task that a group owns.
    pub(crate) fn below(group: Arc<Node>, future: F) -> Self {
        let place = Ambient::Fresh(Fresh {
            rt: group.rt().cloned(),
            parent: Some(group),
            limit: Limit::Never,
            is_shield: false,
        });
        Self::at(place, Parent::Given, future)
    }

    fn at(place: Ambient, parent: Parent, future: F) -> Self {
        let known = match &place {
            Ambient::In(node) => address(node.parent().as_ref()),
            Ambient::Fresh(_) | Ambient::Nowhere => 0,
        };
        Self {
            future: Some(future),
            place,
            parent,
            known,
            watch: Watch::default(),
        }
    }

    /// The node, if the scope ever had to wait or somebody asked for it.
    pub(crate) fn existing_node(&self) -> Option<&Arc<Node>> {
        match &self.place {
            Ambient::In(node) => Some(node),
            Ambient::Fresh(_) | Ambient::Nowhere => None,
        }
    }

    /// Lets go of the scopes further out.
    pub(crate) fn release(self: Pin<&mut Self>) {
        let hold = self.project().watch.hold.take();
        drop(hold);
    }

    /// Drops the future where it can see its scope.
    pub(crate) fn drop_future(self: Pin<&mut Self>, caught: bool) {
        let mut this = self.project();
        if this.future.is_some() {
            let _entered = enter(this.place, *this.parent, this.known);
            this.future.set(None);
        }
        if let Ambient::In(node) = this.place {
            node.end(caught);
        }
    }
}

impl<F: Future> Scoped<F> {
    pub(crate) fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<F::Output, Ended>> {
        if let Some(ended) = self.is_cut_off() {
            return Poll::Ready(Err(self.finish(ended)));
        }
        let this = self.as_mut().project();
        let polled = {
            let _entered = enter(this.place, *this.parent, this.known);
            let future = this.future.as_pin_mut();
            future
                .expect("a scope is not polled after it ended")
                .poll(cx)
        };
        match polled {
            Poll::Ready(output) => {
                self.drop_future(false);
                Poll::Ready(Ok(output))
            }
            Poll::Pending => match self.as_mut().settle(cx) {
                Some(ended) => Poll::Ready(Err(self.finish(ended))),
                None => Poll::Pending,
            },
        }
    }

    /// Whether the scope was cancelled by somebody, and not by its deadline: then the future is not polled once more.
    fn is_cut_off(&self) -> Option<Ended> {
        let node = self.existing_node().filter(|node| node.has_news())?;
        let look = node.look();
        match look.cancelled? {
            CancelReason::Deadline => None,
            reason => (!look.held).then_some(Ended::Cancelled(reason)),
        }
    }

    fn finish(self: Pin<&mut Self>, ended: Ended) -> Ended {
        self.drop_future(matches!(ended, Ended::Cancelled(_)));
        ended
    }

    /// Arranges to be woken for everything that may end the scope, or finds that it has to end now.
    fn settle(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Option<Ended> {
        let this = self.project();
        if let Ambient::Fresh(fresh) = this.place {
            if *this.parent == Parent::Ambient {
                fresh.parent = current(); // What was lent to it during the poll has gone back.
            }
            this.place.node();
        }
        let Ambient::In(node) = this.place else {
            return None;
        };
        let watch = this.watch;
        loop {
            let news = node.take_news();
            let same_task = watch
                .task
                .as_ref()
                .is_some_and(|task| task.will_wake(cx.waker()));
            if !same_task || news {
                node.set_task(Some(cx.waker().clone()));
            }
            if !same_task {
                watch.task = Some(cx.waker().clone());
            }
            if watch.settled && !news {
                if node.has_news() {
                    continue;
                }
                return None;
            }
            watch.settled = true;
            let ended = watch.look(node);
            if ended.is_some() || !node.has_news() {
                return ended;
            }
        }
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
            self.hold = Some(Hold::new(node.parent().as_ref(), observer.as_ref()));
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
                Poll::Ready(()) => Some(Ended::Cancelled(reason)),
                Poll::Pending => None,
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
