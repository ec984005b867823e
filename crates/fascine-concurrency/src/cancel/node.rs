use std::sync::{Arc, PoisonError, Weak};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use fascine_rt::Rt;

use crate::CancelReason;
use crate::cancel::observers::{Observer, Observers};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, lock};

/// A scope as others see it: its place below its parent, its deadline, whether it was cancelled.
///
/// The future of the scope owns its node; handles, the scopes inside and the children of groups share it.
///
/// Two locks are never held at once, and none while something foreign runs.
#[derive(Debug)]
pub(crate) struct Node {
    /// Set by everything that the owner has to look at. The owner clears it before it looks.
    news: AtomicBool,
    is_shield: bool,
    rt: Option<Rt>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    parent: Option<Arc<Node>>,
    deadline: Option<Instant>,
    cancelled: Option<(CancelReason, Instant)>,
    /// When a cancelled scope ends even if there are shields in it.
    hard_deadline: Option<Instant>,
    /// How many shields and clean-ups below keep a cancelled scope from ending, until its time of grace is over.
    holds: usize,
    /// How many groups below do, which have children. A time of grace reaches those by themselves.
    groups: usize,
    /// Whoever polls the owner.
    task: Option<Waker>,
    observers: Observers,
    /// The owner is done: neither its deadline nor its cancelling means anything any more.
    ended: bool,
    caught: bool,
    abandoned: usize,
}

/// What keeps a cancelled scope from ending.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HeldBy {
    Group,
    /// Or a clean-up, which is shielded.
    Shield,
}

impl State {
    fn count(&mut self, by: HeldBy) -> &mut usize {
        match by {
            HeldBy::Group => &mut self.groups,
            HeldBy::Shield => &mut self.holds,
        }
    }
}

/// What the owner of a node needs to know after news.
pub(crate) struct Look {
    pub(crate) cancelled: Option<CancelReason>,
    /// It may not end yet.
    pub(crate) held: bool,
    /// It may not end even when the time of grace is over: children are on their way out.
    pub(crate) has_groups: bool,
    pub(crate) deadline: Option<Instant>,
}

impl Node {
    pub(crate) fn new(
        parent: Option<Arc<Self>>,
        rt: Option<Rt>,
        deadline: Option<Instant>,
        is_shield: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            news: AtomicBool::new(false),
            is_shield,
            rt,
            state: Mutex::new(State {
                parent,
                deadline,
                cancelled: None,
                hard_deadline: None,
                holds: 0,
                groups: 0,
                task: None,
                observers: Observers::new(),
                ended: false,
                caught: false,
                abandoned: 0,
            }),
        })
    }

    pub(crate) fn rt(&self) -> Option<&Rt> {
        self.rt.as_ref()
    }

    pub(crate) fn is_shield(&self) -> bool {
        self.is_shield
    }

    pub(crate) fn parent(&self) -> Option<Arc<Self>> {
        lock(&self.state).parent.clone()
    }

    /// Puts the node below another parent: its owner is polled somewhere else now.
    pub(crate) fn set_parent(&self, parent: Option<Arc<Self>>) {
        let former = std::mem::replace(&mut lock(&self.state).parent, parent);
        self.news.store(true, Ordering::Release);
        drop(former);
    }

    /// The node and those above it, nearest first.
    pub(crate) fn chain(self: &Arc<Self>) -> impl Iterator<Item = Arc<Self>> + use<> {
        std::iter::successors(Some(Arc::clone(self)), |node| node.parent())
    }

    /// The node and those above it whose cancelling reaches it: up to the first shield, and including that one.
    pub(crate) fn visible(self: &Arc<Self>) -> impl Iterator<Item = Arc<Self>> + use<> {
        std::iter::successors(Some(Arc::clone(self)), |node| {
            if node.is_shield { None } else { node.parent() }
        })
    }

    /// What the owner has to act on.
    pub(crate) fn look(&self) -> Look {
        let state = lock(&self.state);
        Look {
            cancelled: state.cancelled.as_ref().map(|(reason, _)| reason.clone()),
            held: state.holds + state.groups > 0,
            has_groups: state.groups > 0,
            deadline: state.deadline,
        }
    }

    #[inline]
    pub(crate) fn has_news(&self) -> bool {
        self.news.load(Ordering::Acquire)
    }

    pub(crate) fn take_news(&self) -> bool {
        self.news.swap(false, Ordering::AcqRel)
    }

    /// Says whom to wake when there is news.
    pub(crate) fn set_task(&self, task: Option<Waker>) {
        let former = std::mem::replace(&mut lock(&self.state).task, task);
        drop(former);
    }

    /// The reason why the owner, or a scope above it that reaches it, was cancelled.
    pub(crate) fn effectively_cancelled(self: &Arc<Self>) -> Option<CancelReason> {
        self.visible().find_map(|node| node.own_cancellation())
    }

    /// Whether a scope above that reaches the node was cancelled.
    pub(crate) fn is_cancelled_above(&self) -> bool {
        let parent = if self.is_shield { None } else { self.parent() };
        parent.is_some_and(|parent| parent.effectively_cancelled().is_some())
    }

    fn own_cancellation(&self) -> Option<CancelReason> {
        let state = lock(&self.state);
        match &state.cancelled {
            Some((reason, _)) if !state.ended => Some(reason.clone()),
            _ => None,
        }
    }

    /// The nearest deadline that reaches code inside the node, and the node that has it.
    ///
    /// A cancelled scope counts as one whose deadline has passed.
    pub(crate) fn effective_deadline(self: &Arc<Self>) -> Option<(Instant, Arc<Self>)> {
        let own = self.visible().filter_map(|node| {
            let deadline = node.own_deadline()?;
            Some((deadline, node))
        });
        let hard = self.chain().filter_map(|node| {
            let deadline = node.hard_deadline()?;
            Some((deadline, node))
        });
        // Of equal ones the nearest: it fires as early, and is asked first.
        own.chain(hard).min_by_key(|(deadline, _)| *deadline)
    }

    /// The nearest deadline above that still has to come, and the node that has it: whose timer will do for those
    /// inside. A scope that was cancelled and is held by its shields will not end them any more.
    pub(crate) fn nearest_timer(self: &Arc<Self>) -> Option<(Instant, Arc<Self>)> {
        let pending = self.visible().filter_map(|node| {
            let deadline = node.pending_deadline()?;
            Some((deadline, node))
        });
        pending.min_by_key(|(deadline, _)| *deadline)
    }

    fn pending_deadline(&self) -> Option<Instant> {
        let state = lock(&self.state);
        if state.ended || state.cancelled.is_some() {
            return None;
        }
        state.deadline
    }

    fn own_deadline(&self) -> Option<Instant> {
        let state = lock(&self.state);
        if state.ended {
            return None;
        }
        let cancelled = state.cancelled.as_ref().map(|(_, at)| *at);
        cancelled.into_iter().chain(state.deadline).min()
    }

    fn hard_deadline(&self) -> Option<Instant> {
        let state = lock(&self.state);
        if state.ended {
            None
        } else {
            state.hard_deadline
        }
    }

    /// When the owner, which was cancelled, must end in spite of its shields.
    pub(crate) fn effective_hard_deadline(self: &Arc<Self>) -> Option<Instant> {
        self.chain().filter_map(|node| node.hard_deadline()).min()
    }

    /// Asks the owner to end. The first reason stays.
    pub(crate) fn cancel(&self, reason: CancelReason) {
        self.cancel_until(reason, None);
    }

    /// Asks the owner to end, and to leave its shields until then at most.
    pub(crate) fn cancel_with_grace(&self, reason: CancelReason, grace: Duration) {
        let until = self.rt.as_ref().and_then(|rt| rt.deadline_after(grace));
        self.cancel_until(reason, until);
    }

    fn cancel_until(&self, reason: CancelReason, until: Option<Instant>) {
        // The clock belongs to somebody else: it is read before the lock is taken.
        let Some(now) = self.rt.as_ref().map(Rt::now) else {
            return; // A shield without a limit of its own.
        };
        let mut state = lock(&self.state);
        let sooner = match (until, state.hard_deadline) {
            (Some(until), Some(hard)) => until < hard,
            (until, _) => until.is_some(),
        };
        if sooner {
            state.hard_deadline = until;
        }
        let first = state.cancelled.is_none();
        if first {
            state.cancelled = Some((reason, now));
        }
        drop(state);
        if first || sooner {
            self.tell_all();
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        lock(&self.state).deadline
    }

    /// Moves the deadline, earlier or later.
    pub(crate) fn set_deadline(&self, deadline: Option<Instant>) {
        let former = std::mem::replace(&mut lock(&self.state).deadline, deadline);
        if former != deadline {
            self.tell_all();
        }
    }

    /// Cancels the owner if its deadline has passed: for code that keeps the timers from running.
    pub(crate) fn check_deadline(&self) {
        if let Some(deadline) = self.own_deadline()
            && let Some(rt) = &self.rt
            && rt.now() >= deadline
        {
            self.cancel(CancelReason::Deadline);
        }
    }

    pub(crate) fn cancel_reason(&self) -> Option<CancelReason> {
        lock(&self.state)
            .cancelled
            .as_ref()
            .map(|(reason, _)| reason.clone())
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.own_cancellation().is_some()
    }

    /// When clean-up must end, also after the owner has.
    pub(crate) fn cleanup_deadline(&self) -> Option<Instant> {
        lock(&self.state).hard_deadline
    }

    pub(crate) fn caught(&self) -> bool {
        lock(&self.state).caught
    }

    /// Adds something that keeps the owner from ending when it is cancelled; `observer` hears of news.
    pub(crate) fn hold(&self, by: HeldBy, observer: Option<Weak<dyn Observer>>) -> Option<usize> {
        let mut state = lock(&self.state);
        *state.count(by) += 1;
        observer.map(|observer| state.observers.insert(observer))
    }

    /// Takes back one [`hold`](Self::hold).
    pub(crate) fn release(&self, by: HeldBy, observer: Option<usize>) {
        let mut state = lock(&self.state);
        let count = state.count(by);
        *count -= 1;
        let was_last = *count == 0;
        let removed = observer.and_then(|key| state.observers.remove(key));
        let task = if was_last && state.cancelled.is_some() {
            self.news.store(true, Ordering::Release);
            state.task.take()
        } else {
            None
        };
        drop(state);
        drop(removed);
        if let Some(task) = task {
            task.wake();
        }
    }

    pub(crate) fn observe(&self, observer: Weak<dyn Observer>) -> usize {
        lock(&self.state).observers.insert(observer)
    }

    pub(crate) fn unobserve(&self, key: usize) {
        let removed = lock(&self.state).observers.remove(key);
        drop(removed);
    }

    /// Counts blocking work that goes on although the wait for it was cut short.
    pub(crate) fn add_abandoned(&self) {
        lock(&self.state).abandoned += 1;
    }

    pub(crate) fn abandoned(&self) -> usize {
        lock(&self.state).abandoned
    }

    /// The owner is done, or gone; `caught` if it was its own cancelling that ended it.
    pub(crate) fn end(&self, caught: bool) {
        let mut state = lock(&self.state);
        if state.ended {
            return;
        }
        state.ended = true;
        state.caught = caught;
        let task = state.task.take();
        let observers = state.observers.snapshot();
        drop(state);
        drop(task);
        observers.tell();
    }

    /// Wakes the owner and everybody who depends on it.
    fn tell_all(&self) {
        self.news.store(true, Ordering::Release);
        let mut state = lock(&self.state);
        let task = state.task.take();
        let observers = state.observers.snapshot();
        drop(state);
        if let Some(task) = task {
            task.wake();
        }
        observers.tell();
    }
}

impl Drop for Node {
    /// One after the other, not one inside the other: the chain may be as long as tasks spawn groups in groups.
    fn drop(&mut self) {
        let mut above = parent_of(self);
        while let Some(mut node) = above.and_then(Arc::into_inner) {
            above = parent_of(&mut node);
        }
    }
}

fn parent_of(node: &mut Node) -> Option<Arc<Node>> {
    let state = node.state.get_mut();
    state.unwrap_or_else(PoisonError::into_inner).parent.take()
}

impl Observer for Node {
    fn tell(&self) {
        self.news.store(true, Ordering::Release);
        let task = lock(&self.state).task.take();
        if let Some(task) = task {
            task.wake();
        }
    }
}

/// A timer tells the node, and so needs no new waker when the owner moves to another task.
impl Wake for Node {
    fn wake(self: Arc<Self>) {
        self.tell();
    }
}
