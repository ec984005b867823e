use std::num::NonZeroU32;
use std::task::{Context, Poll, Waker};

use crate::sync::{Mutex, lock};

/// Who waits, in the order of arrival; each with what it wants (`W`), until it is granted something (`G`).
///
/// A doubly linked list in a slab, linked by index: joining, granting and leaving are O(1), places are used again, and
/// a queue in steady state allocates nothing. It lives inside a mutex; no method wakes, clones or drops a waker.
#[derive(Debug)]
pub(crate) struct Waiters<W, G> {
    slots: Vec<Slot<W, G>>,
    first: Option<Place>,
    last: Option<Place>,
    free: Option<Place>,
    /// In the list.
    waiting: usize,
    /// In the list, or granted and not yet told.
    used: usize,
}

/// A waiter's place, from [`join`](Waiters::join) until it has been told or has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(NonZeroU32);

#[derive(Debug)]
struct Slot<W, G> {
    before: Option<Place>,
    behind: Option<Place>,
    state: State<W, G>,
}

#[derive(Debug)]
enum State<W, G> {
    Free,
    Granted(G),
    Waiting(W, Waker),
}

/// What a waiter that leaves had.
pub(crate) enum Left<W, G> {
    Granted(G),
    /// The waker is there to be dropped once the lock is open.
    Waiting(
        W,
        #[expect(dead_code, reason = "dropping it is all that is left to do")] Waker,
    ),
}

impl<W, G> Waiters<W, G> {
    pub(crate) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            first: None,
            last: None,
            free: None,
            waiting: 0,
            used: 0,
        }
    }

    /// How many wait; those that were granted something do not.
    pub(crate) fn len(&self) -> usize {
        self.waiting
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// What the first one wants.
    #[inline]
    pub(crate) fn first(&self) -> Option<&W> {
        match &self.slots[self.first?.index()].state {
            State::Waiting(wanted, _) => Some(wanted),
            State::Free | State::Granted(_) => None,
        }
    }

    /// Adds a waiter behind all others.
    #[inline]
    pub(crate) fn join(&mut self, wanted: W, waker: Waker) -> Place {
        let slot = Slot {
            before: self.last,
            behind: None,
            state: State::Waiting(wanted, waker),
        };
        let place = match self.free {
            Some(place) => {
                let reused = &mut self.slots[place.index()];
                self.free = reused.behind;
                *reused = slot;
                place
            }
            None => {
                self.slots.push(slot);
                Place::nth(self.slots.len())
            }
        };
        match self.last {
            Some(last) => self.slots[last.index()].behind = Some(place),
            None => self.first = Some(place),
        }
        self.last = Some(place);
        self.waiting += 1;
        self.used += 1;
        place
    }

    /// Grants something to the first waiter and takes it off the list; the caller wakes it once the lock is open.
    #[inline]
    pub(crate) fn grant_first(&mut self, granted: G) -> Result<(W, Waker), G> {
        let Some(first) = self.first else {
            return Err(granted);
        };
        self.unlink(first);
        match std::mem::replace(
            &mut self.slots[first.index()].state,
            State::Granted(granted),
        ) {
            State::Waiting(wanted, waker) => Ok((wanted, waker)),
            State::Free | State::Granted(_) => unreachable!("only those that wait are in the list"),
        }
    }

    /// As [`grant_first`](Self::grant_first), with something that depends on what it wanted.
    pub(crate) fn grant_first_with(&mut self, grant: impl FnOnce(W) -> G) -> Option<Waker> {
        let first = self.first?;
        self.unlink(first);
        let state = &mut self.slots[first.index()].state;
        match std::mem::replace(state, State::Free) {
            State::Waiting(wanted, waker) => {
                *state = State::Granted(grant(wanted));
                Some(waker)
            }
            State::Free | State::Granted(_) => unreachable!("only those that wait are in the list"),
        }
    }

    /// Gives up a place, waiting or granted.
    pub(crate) fn leave(&mut self, place: Place) -> Left<W, G> {
        let state = std::mem::replace(&mut self.slots[place.index()].state, State::Free);
        let left = match state {
            State::Waiting(wanted, waker) => {
                self.unlink(place);
                Left::Waiting(wanted, waker)
            }
            State::Granted(granted) => Left::Granted(granted),
            State::Free => unreachable!("a place is given up once"),
        };
        self.free(place);
        left
    }

    /// Takes what was granted, or exchanges the waker with `fresh` if it is no longer that of `current`.
    #[inline]
    fn look(&mut self, place: Place, current: &Waker, fresh: &mut Option<Waker>) -> Look<G> {
        let state = &mut self.slots[place.index()].state;
        match state {
            State::Waiting(_, waker) if waker.will_wake(current) => Look::Waits,
            State::Waiting(_, waker) => match fresh {
                Some(fresh) => {
                    std::mem::swap(waker, fresh);
                    Look::Waits
                }
                None => Look::NeedsWaker,
            },
            State::Granted(_) => match std::mem::replace(state, State::Free) {
                State::Granted(granted) => {
                    self.free(place);
                    Look::Granted(granted)
                }
                State::Free | State::Waiting(..) => unreachable!("it was just looked at"),
            },
            State::Free => unreachable!("a place is given up once"),
        }
    }

    #[inline]
    fn unlink(&mut self, place: Place) {
        let Slot { before, behind, .. } = self.slots[place.index()];
        match before {
            Some(before) => self.slots[before.index()].behind = behind,
            None => self.first = behind,
        }
        match behind {
            Some(behind) => self.slots[behind.index()].before = before,
            None => self.last = before,
        }
        self.waiting -= 1;
    }

    /// Keeps a place, whose state is `Free` by now, for the next one.
    #[inline]
    fn free(&mut self, place: Place) {
        self.slots[place.index()].behind = self.free;
        self.free = Some(place);
        self.used -= 1;
        if self.used == 0 && self.slots.len() > KEPT {
            self.shrink();
        }
    }

    /// Gives memory back: a burst of waiters does not hold its places for ever.
    #[cold]
    fn shrink(&mut self) {
        self.slots = Vec::new();
        self.free = None;
    }
}

/// Polls a waiter: what it was granted, or a place that wakes this context from now on.
pub(crate) fn poll_place<S, W, G>(
    mutex: &Mutex<S>,
    waiters: impl Fn(&mut S) -> &mut Waiters<W, G>,
    place: Place,
    cx: &Context<'_>,
) -> Poll<G> {
    let mut fresh = None;
    loop {
        let mut state = lock(mutex);
        let look = waiters(&mut state).look(place, cx.waker(), &mut fresh);
        drop(state);
        match look {
            Look::Granted(granted) => return Poll::Ready(granted),
            Look::Waits => return Poll::Pending,
            // Cloning a waker runs foreign code, and so does dropping the one that is replaced.
            Look::NeedsWaker => fresh = Some(cx.waker().clone()),
        }
    }
}

enum Look<G> {
    Granted(G),
    NeedsWaker,
    Waits,
}

impl Place {
    fn nth(count: usize) -> Self {
        let count = u32::try_from(count).ok().and_then(NonZeroU32::new);
        Self(count.expect("four thousand million waiters do not fit into memory"))
    }

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// How many places a queue keeps when nobody is left.
const KEPT: usize = 1024;
