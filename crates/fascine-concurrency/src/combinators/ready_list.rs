//! The list of children that asked to be polled. It is modelled under loom, hence its own primitives.

use std::task::Waker;

use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::{Mutex, lock};

/// The children that asked to be polled, and whom to tell.
///
/// A stack after Treiber whose nodes are named by their index: wakes push one node each, the poller swaps the whole stack
/// out and turns it round, so there is nothing to reclaim and no ABA. A node is on it at most once.
///
/// No waker is cloned, woken or dropped while the lock is held: each may run foreign code.
pub(crate) struct ReadyList {
    head: AtomicU32,
    parent: Mutex<Option<Waker>>,
}

impl ReadyList {
    pub(crate) fn new() -> Self {
        Self {
            head: AtomicU32::new(END),
            parent: Mutex::new(None),
        }
    }

    /// Adds a child unless it is on the list already; the first of a list tells the parent.
    pub(crate) fn push(&self, link: &Link) {
        // A write even if it is queued already: the poll that follows sees what was written before this wake.
        if link.state.fetch_or(QUEUED, Ordering::AcqRel) & QUEUED != 0 {
            return;
        }
        let index = link.state.load(Ordering::Relaxed) & !QUEUED;
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            link.next.store(head, Ordering::Relaxed);
            let pushed =
                self.head
                    .compare_exchange_weak(head, index, Ordering::AcqRel, Ordering::Relaxed);
            match pushed {
                Ok(_) => break,
                Err(now) => head = now,
            }
        }
        // Whoever pushed before has told the parent already, and it has not come to look yet.
        if head == END {
            let parent = lock(&self.parent).take();
            if let Some(parent) = parent {
                parent.wake();
            }
        }
    }

    /// Stores whom the next wake tells; to be called before [`take`](Self::take).
    pub(crate) fn register(&self, waker: &Waker) {
        // The parent was taken if there is something on the list: a clone will be needed.
        let mut clone = (!self.is_empty()).then(|| waker.clone());
        loop {
            let mut parent = lock(&self.parent);
            if parent
                .as_ref()
                .is_some_and(|parent| parent.will_wake(waker))
            {
                return;
            }
            if clone.is_some() {
                std::mem::swap(&mut *parent, &mut clone);
                return;
            }
            drop(parent);
            clone = Some(waker.clone());
        }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.head.load(Ordering::Acquire) == END
    }

    /// Takes all that is on the list, the first woken first. What is pushed from here on tells the parent.
    #[inline]
    pub(crate) fn take<'a>(&self, link: impl Fn(u32) -> &'a Link) -> Batch {
        let mut rest = self.head.swap(END, Ordering::AcqRel);
        let mut first = END;
        while rest != END {
            let next = &link(rest).next;
            let after = next.load(Ordering::Relaxed);
            next.store(first, Ordering::Relaxed);
            first = rest;
            rest = after;
        }
        Batch { first }
    }

    /// Forgets the parent: wakers may outlive the children for long.
    pub(crate) fn disconnect(&self) {
        let parent = lock(&self.parent).take();
        drop(parent);
    }
}

/// A child's place on the list.
pub(crate) struct Link {
    /// The index, and whether it is on the list or in a batch.
    state: AtomicU32,
    next: AtomicU32,
}

impl Link {
    /// Makes the place of the child with an index below [`MAX_CHILDREN`].
    pub(crate) fn new(index: u32) -> Self {
        Self {
            state: AtomicU32::new(index),
            next: AtomicU32::new(END),
        }
    }
}

/// Children taken off the list and not polled yet.
pub(crate) struct Batch {
    first: u32,
}

impl Batch {
    pub(crate) const fn empty() -> Self {
        Self { first: END }
    }

    /// The one that comes next.
    #[inline]
    pub(crate) fn peek(&self) -> Option<u32> {
        (self.first != END).then_some(self.first)
    }

    /// Takes the next one, whose place is `link`. It must be polled: a wake from here on asks for another poll.
    #[inline]
    pub(crate) fn advance(&mut self, link: &Link) {
        self.first = link.next.load(Ordering::Relaxed);
        link.state.fetch_and(!QUEUED, Ordering::AcqRel);
    }
}

/// How many children a set can have.
pub(crate) const MAX_CHILDREN: usize = QUEUED as usize - 1;

const QUEUED: u32 = 1 << 31;
const END: u32 = u32::MAX;

#[cfg(all(test, loom))]
mod model;
