use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::wake_list::{Slot, WakeList};

/// A set of futures of which only the woken ones are polled: a wake costs the same at thirty children and at fifty
/// thousand.
pub(crate) struct Children<F> {
    entries: Vec<Option<Child<F>>>,
    free: Vec<usize>,
    live: usize,
    woken: Arc<WakeList>,
    /// Keys taken off `woken` in one go and not polled yet, in reverse.
    batch: Vec<usize>,
    /// A slot whose child ended without anybody keeping its waker.
    spare: Option<Arc<Slot>>,
}

struct Child<F> {
    future: Pin<Box<F>>,
    tag: usize,
    /// Made at the first poll.
    slot: Option<Arc<Slot>>,
}

impl<F: Future> Children<F> {
    pub(crate) fn new() -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            live: 0,
            woken: Arc::new(WakeList::default()),
            batch: Vec::new(),
            spare: None,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.live
    }

    /// Adds a future, to be polled at the next [`poll_next`](Self::poll_next); `tag` comes back with its output.
    pub(crate) fn push(&mut self, tag: usize, future: F) {
        let child = Some(Child {
            future: Box::pin(future),
            tag,
            slot: None,
        });
        let key = match self.free.pop() {
            Some(key) => {
                self.entries[key] = child;
                key
            }
            None => {
                self.entries.push(child);
                self.entries.len() - 1
            }
        };
        self.live += 1;
        self.woken.push(key);
    }

    /// The futures that have not ended.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &F> {
        self.entries.iter().flatten().map(|child| &*child.future)
    }

    /// Drops every future.
    pub(crate) fn clear(&mut self) {
        self.live = 0;
        self.batch.clear();
        self.free.clear();
        self.entries.clear();
    }

    /// Polls woken children until one ends; `None` when there are none left.
    ///
    /// A child that wakes itself again and again cannot keep the others, or the caller's executor, from running: each
    /// call polls what was woken when it began.
    ///
    /// A panic of a child drops all the others before it goes on.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<(usize, F::Output)>> {
        if self.live == 0 {
            return Poll::Ready(None);
        }
        if self.batch.is_empty() {
            self.woken.take_into(&mut self.batch, cx.waker());
            // Taken from the back, so that the first woken is polled first.
            self.batch.reverse();
        } else {
            self.woken.register(cx.waker());
        }
        while let Some(key) = self.batch.pop() {
            if let Some(ended) = self.poll_child(key) {
                return Poll::Ready(Some(ended));
            }
        }
        if !self.woken.is_empty() {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn poll_child(&mut self, key: usize) -> Option<(usize, F::Output)> {
        // A key may stand for a child that has ended: its waker was used once more.
        let child = self.entries.get_mut(key)?.as_mut()?;
        let slot = match child.slot.take() {
            Some(slot) => slot,
            None => Slot::for_key(key, self.spare.take(), &self.woken),
        };
        // Before the poll: a wake from here on asks for another one.
        slot.taken();
        let waker = Waker::from(Arc::clone(&slot));
        let polled = catch_unwind(AssertUnwindSafe(|| {
            child.future.as_mut().poll(&mut Context::from_waker(&waker))
        }));
        drop(waker);
        match polled {
            Ok(Poll::Pending) => {
                child.slot = Some(slot);
                None
            }
            Ok(Poll::Ready(output)) => {
                let tag = child.tag;
                self.entries[key] = None;
                self.free.push(key);
                self.live -= 1;
                if Arc::strong_count(&slot) == 1 {
                    self.spare = Some(slot);
                }
                Some((tag, output))
            }
            Err(payload) => {
                self.clear();
                resume_unwind(payload)
            }
        }
    }
}
