use std::collections::VecDeque;
use std::task::Waker;

use super::{GetError, PutError, QueueStatistics};
use crate::primitives::waiters::{Left, Place, Waiters};
use crate::primitives::wakers::Wakers;

/// What is inside a queue's mutex: a state machine without locks, which wakes and drops nothing.
///
/// The invariants, between any two calls:
/// - If getters wait, there are no items and no putters wait.
/// - If putters wait, there are as many items as the capacity, or more: an item that comes back goes beyond it.
pub(super) struct State<T> {
    items: VecDeque<T>,
    capacity: usize,
    /// Each with its item; granted `Ok` when the item was taken, the item itself when the queue was closed.
    pub(super) putters: Waiters<T, Result<(), T>>,
    /// Each granted an item, or nothing any more.
    pub(super) getters: Waiters<(), Option<T>>,
    closed: bool,
    peak: usize,
}

impl<T> State<T> {
    pub(super) const fn new(capacity: usize) -> Self {
        Self {
            items: VecDeque::new(),
            capacity,
            putters: Waiters::new(),
            getters: Waiters::new(),
            closed: false,
            peak: 0,
        }
    }

    pub(super) fn put(&mut self, item: T, wakers: &mut Wakers) -> Result<(), PutError<T>> {
        if self.closed {
            return Err(PutError::Closed(item));
        }
        let Err(item) = self.hand_to_getter(item, wakers) else {
            return Ok(());
        };
        if self.items.len() >= self.capacity {
            return Err(PutError::Full(item));
        }
        self.items.push_back(item);
        self.peak = self.peak.max(self.items.len());
        Ok(())
    }

    pub(super) fn get(&mut self, wakers: &mut Wakers) -> Result<T, GetError> {
        let item = match self.items.pop_front() {
            Some(item) => item,
            // Without capacity, items come from hand to hand.
            None => match self.putters.grant_first(Ok(())) {
                Ok((item, waker)) => {
                    wakers.push(waker);
                    return Ok(item);
                }
                Err(_) if self.closed => return Err(GetError::Closed),
                Err(_) => return Err(GetError::Empty),
            },
        };
        if self.items.len() < self.capacity
            && let Ok((next, waker)) = self.putters.grant_first(Ok(()))
        {
            wakers.push(waker);
            self.items.push_back(next);
        }
        Ok(item)
    }

    pub(super) fn join_putters(&mut self, item: T, waker: Waker) -> Place {
        self.putters.join(item, waker)
    }

    pub(super) fn join_getters(&mut self, waker: Waker) -> Place {
        self.getters.join((), waker)
    }

    /// Gives up a getter's place; the item that it was handed goes to the next one, or to the front.
    pub(super) fn getter_leaves(
        &mut self,
        place: Place,
        wakers: &mut Wakers,
    ) -> Left<(), Option<T>> {
        let mut left = self.getters.leave(place);
        if let Left::Granted(granted) = &mut left
            && let Some(item) = granted.take()
            && let Err(item) = self.hand_to_getter(item, wakers)
        {
            self.items.push_front(item);
            self.peak = self.peak.max(self.items.len());
        }
        left
    }

    /// Takes no more items; returns whether it took some until now.
    pub(super) fn close(&mut self, wakers: &mut Wakers) -> bool {
        while let Some(waker) = self.putters.grant_first_with(Err) {
            wakers.push(waker);
        }
        while let Ok(((), waker)) = self.getters.grant_first(None) {
            wakers.push(waker);
        }
        !std::mem::replace(&mut self.closed, true)
    }

    /// Takes everything out, also what putters hold ready.
    pub(super) fn drain(&mut self, wakers: &mut Wakers) -> Vec<T> {
        let mut items = Vec::from(std::mem::take(&mut self.items));
        while let Ok((item, waker)) = self.putters.grant_first(Ok(())) {
            wakers.push(waker);
            items.push(item);
        }
        items
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn statistics(&self) -> QueueStatistics {
        QueueStatistics {
            len: self.items.len(),
            capacity: self.capacity,
            peak: self.peak,
            putters_waiting: self.putters.len(),
            getters_waiting: self.getters.len(),
            closed: self.closed,
        }
    }

    fn hand_to_getter(&mut self, item: T, wakers: &mut Wakers) -> Result<(), T> {
        match self.getters.grant_first(Some(item)) {
            Ok(((), waker)) => {
                wakers.push(waker);
                Ok(())
            }
            Err(Some(item)) => Err(item),
            Err(None) => unreachable!("what is not granted comes back"),
        }
    }
}
