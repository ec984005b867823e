use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use fascine_rt::Sleep;

use crate::CancelReason;
use crate::cancel::cleanup::Cleanup;
use crate::cancel::hold::{Hold, Observing};
use crate::cancel::node::{HeldBy, Node};
use crate::cancel::observers::Observer;
use crate::cancel::scoped::Ended;

/// What wakes a scope that waits, and what it keeps from ending.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Who is registered with the node; `None` before its timer and the like are as it wants them.
    task: Option<Waker>,
    timer: Option<(Instant, Sleep)>,
    /// No timer is needed while this scope, further out, has the nearer deadline.
    relies_on: Option<Observing>,
    hold: Option<Hold>,
    /// While there is clean-up to do, the scopes further out are held, and heard of.
    cleanup: Option<Arc<Cleanup>>,
}

impl Watch {
    pub(crate) const fn new(cleanup: Option<Arc<Cleanup>>) -> Self {
        Self {
            task: None,
            timer: None,
            relies_on: None,
            hold: None,
            cleanup,
        }
    }

    /// Whether there is nothing to arrange, but for news.
    #[inline]
    pub(crate) fn is_settled(&self, task: &Waker) -> bool {
        self.task
            .as_ref()
            .is_some_and(|known| known.will_wake(task))
    }

    /// Whether there may be something to clean up.
    pub(crate) fn has_cleanup(&self) -> bool {
        self.cleanup.is_some()
    }

    /// Lets go of the scopes further out.
    pub(crate) fn release(&mut self) {
        let hold = self.hold.take();
        drop(hold);
    }

    /// Has `task` woken for everything that may end the scope, or finds that it has to end now.
    pub(crate) fn settle(&mut self, node: &Arc<Node>, task: &Waker) -> Option<Ended> {
        loop {
            // Before anything is looked at: what happens from here on shows up again.
            node.take_news();
            node.set_task(Some(task.clone()));
            let ended = self.look(node);
            if ended.is_some() || !node.has_news() {
                self.task = Some(task.clone());
                return ended;
            }
        }
    }

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
