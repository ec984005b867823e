use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Weak};
use std::task::{Poll, Waker};

use fascine_rt::{BoxFuture, Rt};

use crate::cancel::{Hold, Node, Observer};
use crate::group::member::{Member, Sink};
use crate::group::results::{Report, Results};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, lock};
use crate::{CancelReason, ChildError};

/// What a group, its children and its handles share.
///
/// Nothing foreign runs while the lock is held, and no other lock is taken.
pub(crate) struct Shared<T, E> {
    rt: Rt,
    /// The scope of the group: its children are below it.
    node: Arc<Node>,
    cancelled: AtomicBool,
    state: Mutex<State<T, E>>,
}

struct State<T, E> {
    /// How many children run at once.
    limit: usize,
    /// A failure leaves the others alone.
    is_supervised: bool,
    results: Results<T, E>,
    spawned: usize,
    running: usize,
    /// Children that wait for others to end.
    queued: VecDeque<BoxFuture<()>>,
    /// The scopes of children that have had to wait.
    nodes: Vec<Option<Arc<Node>>>,
    free: Vec<usize>,
    /// Keeps the scopes around the group until its children are gone.
    hold: Option<Hold>,
    joiner: Option<Waker>,
    closed: bool,
}

impl<T: Send + 'static, E: Send + 'static> Shared<T, E> {
    pub(crate) fn new(rt: &Rt, parent: Option<Arc<Node>>) -> Arc<Self> {
        Arc::new(Self {
            rt: rt.clone(),
            node: Node::new(parent, Some(rt.clone()), None, false),
            cancelled: AtomicBool::new(false),
            state: Mutex::new(State {
                limit: usize::MAX,
                is_supervised: false,
                results: Results::kept(),
                spawned: 0,
                running: 0,
                queued: VecDeque::new(),
                nodes: Vec::new(),
                free: Vec::new(),
                hold: None,
                joiner: None,
                closed: false,
            }),
        })
    }

    pub(crate) fn rt(&self) -> &Rt {
        &self.rt
    }

    pub(crate) fn set_limit(&self, limit: usize) {
        lock(&self.state).limit = limit;
    }

    pub(crate) fn supervise(&self) {
        lock(&self.state).is_supervised = true;
    }

    pub(crate) fn discard(&self) {
        let former = {
            let mut state = lock(&self.state);
            std::mem::replace(&mut state.results, Results::discarded())
        };
        drop(former);
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    pub(crate) fn spawned(&self) -> usize {
        lock(&self.state).spawned
    }

    pub(crate) fn running(&self) -> usize {
        let state = lock(&self.state);
        state.running + state.queued.len()
    }

    /// Whether children end as soon as they can.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Starts a child, or queues it; gives the sink back if the group takes no more.
    #[track_caller]
    pub(crate) fn spawn<F, S>(
        self: &Arc<Self>,
        node: Option<Arc<Node>>,
        future: F,
        sink: S,
    ) -> Result<(), S>
    where
        F: Future + Send + 'static,
        F::Output: Send,
        S: Sink<F::Output, T, E> + Send + 'static,
    {
        let mut state = lock(&self.state);
        if state.closed {
            drop(state);
            drop(future);
            return Err(sink);
        }
        let number = state.results.add();
        let child = Box::pin(Member::new(self, number, node, future, sink));
        state.spawned += 1;
        if state.running >= state.limit {
            state.queued.push_back(child);
            return Ok(());
        }
        state.running += 1;
        let needs_hold = state.hold.is_none();
        drop(state);
        if needs_hold {
            self.hold();
        }
        self.rt.spawn_boxed(child);
        Ok(())
    }

    /// Keeps the scopes around the group from ending before its children have.
    fn hold(self: &Arc<Self>) {
        let Some(parent) = self.node.parent() else {
            return;
        };
        let observer: Weak<dyn Observer> = {
            let weak: Weak<Self> = Arc::downgrade(self);
            weak
        };
        let hold = Hold::new(Some(&parent), Some(&observer));
        let superfluous = {
            let mut state = lock(&self.state);
            if state.running == 0 {
                Some(hold)
            } else {
                state.hold.replace(hold)
            }
        };
        drop(superfluous);
        // It may have been cancelled before there was anybody to be told.
        self.tell();
    }

    /// Adds the scope of a child that has to wait, to be told when the group is cancelled from now on.
    pub(crate) fn enter(&self, node: &Arc<Node>) -> usize {
        let mut state = lock(&self.state);
        let node = Some(Arc::clone(node));
        match state.free.pop() {
            Some(key) => {
                state.nodes[key] = node;
                key
            }
            None => {
                state.nodes.push(node);
                state.nodes.len() - 1
            }
        }
    }

    /// Notes that a child is gone, and how it ended.
    pub(crate) fn leave(&self, key: Option<usize>, number: usize, report: Report<T, E>) {
        let failed = matches!(&report, Some(Err(error)) if !matches!(error, ChildError::Cancelled));
        let mut state = lock(&self.state);
        let node = key.and_then(|key| {
            state.free.push(key);
            state.nodes[key].take()
        });
        let discarded = state.results.put(number, report);
        state.running -= 1;
        let next = if state.running < state.limit && !self.is_cancelled() {
            state.queued.pop_front()
        } else {
            None
        };
        if next.is_some() {
            state.running += 1;
        }
        let is_idle = state.running == 0;
        let (joiner, hold) = if is_idle {
            (state.joiner.take(), state.hold.take())
        } else {
            (None, None)
        };
        let ends_group = failed && !state.is_supervised;
        drop(state);
        drop((node, discarded));
        if ends_group {
            self.cancel();
        }
        if let Some(next) = next {
            self.rt.spawn_boxed(next);
        }
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
            let queued = std::mem::take(&mut state.queued);
            // They report like the others when they are dropped.
            state.running += queued.len();
            let nodes: Vec<_> = state.nodes.iter().flatten().cloned().collect();
            (nodes, queued)
        };
        for node in nodes {
            node.cancel(CancelReason::Requested(None));
            node.tell();
        }
        drop(queued);
    }

    /// Takes no more children, and cancels those there are.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
        self.cancel();
        self.node.end(false);
    }

    /// Waits until no child is left.
    pub(crate) fn poll_idle(&self, waker: &Waker) -> Poll<()> {
        let waker = waker.clone();
        let mut state = lock(&self.state);
        if state.running == 0 && state.queued.is_empty() {
            drop(state);
            return Poll::Ready(());
        }
        let former = state.joiner.replace(waker);
        drop(state);
        drop(former);
        Poll::Pending
    }

    pub(crate) fn take_results(&self) -> Results<T, E> {
        let mut state = lock(&self.state);
        state.closed = true;
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
