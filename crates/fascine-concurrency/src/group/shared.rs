use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Weak};
use std::task::{Poll, Waker};

use fascine_rt::{BoxFuture, Rt};

use crate::cancel::{HeldBy, Hold, Node, Observer, current};
use crate::group::census::Census;
use crate::group::member::{Member, Sink};
use crate::group::results::{Report, Results};
use crate::group::slot::{Full, Queued, Slot};
use crate::outcome::Outcome;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, lock};
use crate::{CancelReason, ChildError};

/// What a group, its children and its handles share.
///
/// Whoever spawns takes no lock, unless there is a limit: children that end on other threads do not hold it up. Nothing
/// foreign runs while the lock is held, and no other lock is taken.
#[repr(C)] // The census beside the reference counts: a spawn touches one cache line of those that children write.
pub(crate) struct Shared<T: Send + 'static, E: Send + 'static> {
    census: Census,
    cancelled: AtomicBool,
    has_parent: bool,
    rt: Rt,
    /// The scope of the group: its children are below it.
    node: Arc<Node>,
    state: Mutex<State<T, E>>,
}

struct State<T: Send + 'static, E: Send + 'static> {
    /// How many children run at once, if that is limited.
    limit: Option<usize>,
    /// How many do, if that is limited.
    running: usize,
    queued: VecDeque<Queued<T, E>>,
    /// A failure leaves the others alone.
    is_supervised: bool,
    results: Results<T, E>,
    /// The scopes of children that have had to wait.
    nodes: Vec<Option<Arc<Node>>>,
    free: Vec<Key>,
    /// Keeps the scopes around the group until its children are gone.
    hold: Option<Hold>,
    joiner: Option<Waker>,
}

impl<T: Send, E: Send> State<T, E> {
    /// Whether the next child has to wait; those who wait already are before it.
    fn is_full(&self) -> bool {
        self.limit.is_some_and(|limit| self.running >= limit)
    }
}

/// Where a group has the scope of a child. Half as large as an index: every child has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(u32);

impl Key {
    /// Of a child that has never had to wait.
    pub(crate) const NONE: Self = Self(u32::MAX);
}

impl<T: Send + 'static, E: Send + 'static> Shared<T, E> {
    pub(crate) fn new(rt: &Rt, parent: Option<Arc<Node>>) -> Arc<Self> {
        Arc::new(Self {
            rt: rt.clone(),
            has_parent: parent.is_some(),
            node: Node::new(parent, Some(rt.clone()), None, false),
            census: Census::new(),
            cancelled: AtomicBool::new(false),
            state: Mutex::new(State {
                limit: None,
                running: 0,
                queued: VecDeque::new(),
                is_supervised: false,
                results: Results::kept(),
                nodes: Vec::new(),
                free: Vec::new(),
                hold: None,
                joiner: None,
            }),
        })
    }

    pub(crate) fn rt(&self) -> &Rt {
        &self.rt
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    pub(crate) fn census(&self) -> &Census {
        &self.census
    }

    pub(crate) fn set_limit(&self, limit: usize) {
        lock(&self.state).limit = Some(limit);
        self.census.set_limited();
    }

    pub(crate) fn supervise(&self) {
        lock(&self.state).is_supervised = true;
    }

    pub(crate) fn discard(&self) {
        let outputs = lock(&self.state).results.discard();
        drop(outputs);
    }

    /// Whether children end as soon as they can.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Starts a child in its `slot`; without one it may be queued. Gives the sink back if the group takes no more.
    #[track_caller]
    pub(crate) fn spawn<F, S>(
        self: &Arc<Self>,
        slot: Option<Slot<T, E>>,
        node: Option<Arc<Node>>,
        future: F,
        sink: S,
    ) -> Result<(), S>
    where
        F: Future + Send + 'static,
        F::Output: Send,
        S: Sink<F::Output, T, E> + Send + 'static,
    {
        let Some(number) = self.census.enter() else {
            drop(future);
            return Err(sink);
        };
        let child = Member::new(self, number, node, future, sink);
        if self.has_parent {
            self.hold();
        }
        if let Some(slot) = slot {
            slot.into_used();
            self.rt.spawn_unjoined(child);
        } else if !self.census.is_limited() {
            self.rt.spawn_unjoined(child);
        } else if let Some(child) = self.admit(Box::pin(child)) {
            self.rt.spawn_unjoined(child);
        }
        Ok(())
    }

    /// Gives the child back if it may run now, and queues it otherwise.
    fn admit(&self, child: BoxFuture<()>) -> Option<BoxFuture<()>> {
        let mut state = lock(&self.state);
        if state.is_full() && !self.is_cancelled() {
            state.queued.push_back(Queued::Child(child));
            return None;
        }
        state.running += 1;
        Some(child)
    }

    /// Takes room for a child; `None` where none is needed, and an error if the group is full.
    pub(crate) fn try_slot(self: &Arc<Self>) -> Result<Option<Slot<T, E>>, Full> {
        if !self.census.is_limited() {
            return Ok(None);
        }
        let mut state = lock(&self.state);
        if state.is_full() && !self.is_cancelled() {
            return Err(Full);
        }
        state.running += 1;
        Ok(Some(Slot::new(Arc::clone(self))))
    }

    /// Waits for room for a child; `None` where none is needed.
    pub(crate) async fn slot(self: &Arc<Self>) -> Option<Slot<T, E>> {
        let coming = match self.try_slot() {
            Ok(slot) => return slot,
            Err(Full) => Arc::new(Outcome::new()),
        };
        {
            let mut state = lock(&self.state);
            if !state.is_full() || self.is_cancelled() {
                state.running += 1;
                drop(state);
                return Some(Slot::new(Arc::clone(self)));
            }
            let caller = Queued::Caller(Arc::downgrade(&coming));
            state.queued.push_back(caller);
        }
        poll_fn(|cx| coming.poll(cx.waker())).await
    }

    /// Passes the room of a child that is gone to whoever is next.
    pub(crate) fn free_slot(self: &Arc<Self>) {
        loop {
            let next = {
                let mut state = lock(&self.state);
                let next = state.queued.pop_front();
                if next.is_none() {
                    state.running = state.running.saturating_sub(1);
                }
                next
            };
            match next {
                None => return,
                Some(Queued::Child(child)) => return self.rt.spawn_unjoined(child),
                Some(Queued::Caller(coming)) => {
                    if let Some(coming) = coming.upgrade() {
                        return coming.set(Some(Slot::new(Arc::clone(self))));
                    }
                }
            }
        }
    }

    /// Keeps the scopes around the group from ending before its children have.
    fn hold(self: &Arc<Self>) {
        if lock(&self.state).hold.is_some() {
            return;
        }
        let observer: Weak<dyn Observer> = {
            let weak: Weak<Self> = Arc::downgrade(self);
            weak
        };
        let hold = Hold::new(HeldBy::Group, self.node.parent().as_ref(), Some(&observer));
        let former = lock(&self.state).hold.replace(hold);
        drop(former);
        // They may have been cancelled before there was anybody to be told.
        self.tell();
    }

    /// Adds the scope of a child that has to wait, to be told when the group is cancelled from now on.
    pub(crate) fn enter(&self, node: &Arc<Node>) -> Key {
        let mut state = lock(&self.state);
        let node = Some(Arc::clone(node));
        if let Some(key) = state.free.pop() {
            state.nodes[key.0 as usize] = node;
            return key;
        }
        let next = u32::try_from(state.nodes.len()).unwrap_or(u32::MAX);
        assert!(next != u32::MAX, "a group holds at most 2^32 - 1 children");
        state.nodes.push(node);
        Key(next)
    }

    /// Notes that a child is gone, and how it ended.
    pub(crate) fn leave(self: &Arc<Self>, key: Key, number: u32, report: Report<T, E>) {
        let failed = matches!(&report, Some(Err(error)) if !matches!(error, ChildError::Cancelled));
        let mut state = lock(&self.state);
        let node = if key == Key::NONE {
            None
        } else {
            state.free.push(key);
            state.nodes[key.0 as usize].take()
        };
        let discarded = state.results.put(number, report);
        let ends_group = failed && !state.is_supervised;
        drop(state);
        drop((node, discarded));
        if ends_group {
            self.cancel();
        }
        if self.census.is_limited() {
            self.free_slot();
        }
        if self.census.leave() {
            self.idle();
        }
    }

    /// The last child is gone.
    fn idle(&self) {
        let mut state = lock(&self.state);
        let joiner = state.joiner.take();
        // Somebody may have spawned another one meanwhile, and found the scopes held.
        let hold = if self.census.is_empty() {
            state.hold.take()
        } else {
            None
        };
        drop(state);
        if let Some(joiner) = joiner {
            joiner.wake();
        }
        drop(hold);
    }

    /// Cancels every child, those that are spawned later too. A second call tells them once more to look.
    pub(crate) fn cancel(&self) {
        let (nodes, queued) = {
            let mut state = lock(&self.state);
            self.cancelled.store(true, Ordering::Release);
            let nodes: Vec<_> = state.nodes.iter().flatten().cloned().collect();
            (nodes, std::mem::take(&mut state.queued))
        };
        for node in nodes {
            node.cancel(CancelReason::Requested(None));
            node.tell();
        }
        for queued in queued {
            match queued {
                Queued::Child(child) => drop(child), // It reports like the others.
                Queued::Caller(coming) => {
                    if let Some(coming) = coming.upgrade() {
                        coming.set(None);
                    }
                }
            }
        }
    }

    /// Takes no more children, and cancels those there are.
    pub(crate) fn close(&self) {
        self.census.close();
        if !self.census.is_empty() {
            self.cancel();
        }
        self.node.end(false);
    }

    /// Waits until no child is left; none can be added from then on.
    pub(crate) fn poll_closed(&self, waker: &Waker) -> Poll<()> {
        if self.census.close_if_empty() {
            return Poll::Ready(());
        }
        let waker = waker.clone();
        let former = lock(&self.state).joiner.replace(waker);
        drop(former);
        // The last one may have gone before it could have told us.
        if self.census.close_if_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Whether nothing but a scope around the caller ended the children. That scope is about to drop the caller too, who
    /// is not to make a failure of it.
    pub(crate) fn was_cut_with_caller(&self) -> bool {
        self.is_cancelled()
            && self.node.cancel_reason().is_none()
            && !lock(&self.state).results.has_failures()
            && current().is_some_and(|scope| scope.effectively_cancelled().is_some())
    }

    pub(crate) fn take_results(&self) -> Results<T, E> {
        let mut state = lock(&self.state);
        std::mem::replace(&mut state.results, Results::discarded())
    }
}

/// Hears of the scopes around the group.
impl<T: Send + 'static, E: Send + 'static> Observer for Shared<T, E> {
    fn tell(&self) {
        if self.node.effectively_cancelled().is_some() {
            self.cancel();
        }
    }
}
