use std::task::{Context, Poll, Waker};

use crate::primitives::waiters::{Left, Place, Waiters, poll_place};
use crate::primitives::wakers::Wakers;
use crate::sync::atomic::AtomicUsize;
use crate::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use crate::sync::{Mutex, MutexGuard, const_fn, lock};

#[cfg(all(test, loom))]
mod model;

/// Permits, and those who wait for some, first come first served.
///
/// Taking and giving back are one atomic operation each as long as nobody waits. As soon as somebody does, a bit of the
/// same word says so: who comes later sees it and joins the queue instead of passing it, and whoever gives permits back
/// hands them to the first waiters itself, under the lock. A waiter that is woken owns its permits already.
///
/// The invariants, whenever the lock is free:
/// - `HAS_WAITERS` is set if and only if the list is not empty. It changes under the lock alone.
/// - While it is set, permits are taken under the lock alone.
/// - The first waiter wants more than there is, or somebody who gave permits back is about to take the lock.
pub(crate) struct WaitQueue {
    /// Flags in the upper two bits, permits in the others.
    state: AtomicUsize,
    waiters: Mutex<Waiters<usize, Result<(), Closed>>>,
}

/// Nothing is granted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

/// Why permits could not be taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Closed,
    Unavailable,
}

/// What became of who came.
pub(crate) enum Joined {
    Closed,
    Taken,
    Waits(Place),
}

/// How a queue looks at one moment.
pub(crate) struct Glance {
    pub(crate) available: usize,
    pub(crate) waiting: usize,
    pub(crate) first_wants: Option<usize>,
    pub(crate) closed: bool,
}

impl WaitQueue {
    const_fn! {
        /// Makes a queue with `permits`, which are at most [`MAX_PERMITS`].
        pub(crate) const fn new(permits: usize) -> Self {
            Self {
                state: AtomicUsize::new(permits),
                waiters: Mutex::new(Waiters::new()),
            }
        }
    }

    /// Takes `wanted` permits if they are there and nobody waits; `wanted` is at most [`MAX_PERMITS`].
    #[inline]
    pub(crate) fn try_take(&self, wanted: usize) -> Result<(), Refused> {
        let mut state = self.state.load(Relaxed);
        loop {
            if state & FLAGS != 0 || state < wanted {
                return refuse(state, wanted);
            }
            match self
                .state
                .compare_exchange_weak(state, state - wanted, Acquire, Relaxed)
            {
                Ok(_) => return Ok(()),
                Err(actual) => state = actual,
            }
        }
    }

    /// Takes the only permit of a queue that was made with one and is never closed.
    #[inline]
    pub(crate) fn try_take_only(&self) -> bool {
        self.state.compare_exchange(1, 0, Acquire, Relaxed).is_ok()
    }

    /// Gives `permits` back.
    ///
    /// All permits in existence, taken or not, are at most [`MAX_PERMITS`]: that is up to the caller, and it is why
    /// this cannot overflow.
    #[inline]
    pub(crate) fn give_back(&self, permits: usize) {
        // With somebody waiting, the permits mostly go from hand to hand and never into the word.
        if self.state.load(Relaxed) & HAS_WAITERS != 0 {
            return self.hand_over(permits);
        }
        let before = self.state.fetch_add(permits, Release);
        if before & HAS_WAITERS != 0 {
            self.hand_over(0);
        }
    }

    /// Takes `wanted` permits, which are not zero, or joins the queue.
    pub(crate) fn join(&self, wanted: usize, waker: &Waker) -> Joined {
        // Before the lock is taken: cloning runs foreign code.
        let waker = waker.clone();
        let mut waiters = self.lock();
        let mut state = self.state.load(Relaxed);
        loop {
            let next = match state & FLAGS {
                0 if state >= wanted => state - wanted,
                0 => state | HAS_WAITERS,
                HAS_WAITERS => break,
                _ => return Joined::Closed,
            };
            match self.state.compare_exchange(state, next, Acquire, Relaxed) {
                Ok(_) if next & HAS_WAITERS == 0 => return Joined::Taken,
                Ok(_) => break,
                Err(actual) => state = actual,
            }
        }
        Joined::Waits(waiters.join(wanted, waker))
    }

    /// Polls who has joined; its place is free again once this is ready.
    pub(crate) fn poll_joined(&self, place: Place, cx: &Context<'_>) -> Poll<Result<(), Closed>> {
        poll_place(&self.waiters, |waiters| waiters, place, cx)
    }

    /// Gives up a place, and the `wanted` permits too if they were granted.
    pub(crate) fn leave(&self, place: Place, wanted: usize) {
        let mut waiters = self.lock();
        let left = waiters.leave(place);
        match &left {
            Left::Granted(Ok(())) => {
                drop(waiters);
                self.give_back(wanted);
            }
            Left::Granted(Err(Closed)) => {}
            Left::Waiting(..) => {
                if waiters.is_empty() {
                    self.state.fetch_sub(HAS_WAITERS, Relaxed);
                    drop(waiters);
                } else {
                    // Whoever stood behind it may want less.
                    self.hand_over_locked(waiters, 0);
                }
            }
        }
    }

    /// Grants nothing any more and tells those who wait; returns whether it was open.
    pub(crate) fn close(&self) -> bool {
        let mut wakers = Wakers::default();
        let mut waiters = self.lock();
        let before = self.state.fetch_or(CLOSED, Relaxed);
        while let Ok((_, waker)) = waiters.grant_first(Err(Closed)) {
            wakers.push(waker);
        }
        self.state.fetch_and(!HAS_WAITERS, Relaxed);
        drop(waiters);
        wakers.wake();
        before & CLOSED == 0
    }

    pub(crate) fn available(&self) -> usize {
        self.state.load(Acquire) & MAX_PERMITS
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state.load(Acquire) & CLOSED != 0
    }

    pub(crate) fn glance(&self) -> Glance {
        let waiters = self.lock();
        let state = self.state.load(Relaxed);
        Glance {
            available: state & MAX_PERMITS,
            waiting: waiters.len(),
            first_wants: waiters.first().copied(),
            closed: state & CLOSED != 0,
        }
    }

    #[cold]
    #[inline(never)]
    fn hand_over(&self, permits: usize) {
        self.hand_over_locked(self.lock(), permits);
    }

    /// Gives `permits`, and what is there, to the first waiters, as long as what they want is there, and wakes them.
    fn hand_over_locked(
        &self,
        mut waiters: MutexGuard<'_, Waiters<usize, Result<(), Closed>>>,
        permits: usize,
    ) {
        if waiters.is_empty() {
            // Still under the lock: who joins later has to see them.
            self.state.fetch_add(permits, Release);
            return;
        }
        let mut wakers = Wakers::default();
        // Nobody takes anything off the word meanwhile; what others put into it they hand over themselves. Acquire:
        // what those did who put it there happens before what those do who get it.
        let before = self.state.load(Acquire) & MAX_PERMITS;
        let mut available = before + permits;
        while let Some(&wanted) = waiters.first()
            && wanted <= available
        {
            if let Ok((_, waker)) = waiters.grant_first(Ok(())) {
                wakers.push(waker);
            }
            available -= wanted;
        }
        let flag = if waiters.is_empty() { HAS_WAITERS } else { 0 };
        // May wrap on the way: what it adds up to does not.
        let change = available.wrapping_sub(before);
        let change = change.wrapping_sub(flag);
        if change != 0 {
            self.state.fetch_add(change, Release);
        }
        drop(waiters);
        wakers.wake();
    }

    fn lock(&self) -> MutexGuard<'_, Waiters<usize, Result<(), Closed>>> {
        lock(&self.waiters)
    }
}

#[cold]
fn refuse(state: usize, wanted: usize) -> Result<(), Refused> {
    match state & CLOSED {
        0 if wanted == 0 => Ok(()),
        0 => Err(Refused::Unavailable),
        _ => Err(Refused::Closed),
    }
}

/// The sign: a processor tells it along with the sum.
const HAS_WAITERS: usize = !(usize::MAX >> 1);
const CLOSED: usize = HAS_WAITERS >> 1;
const FLAGS: usize = HAS_WAITERS | CLOSED;

/// How many permits a queue can have.
pub(crate) const MAX_PERMITS: usize = !FLAGS;
