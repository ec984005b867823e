use std::task::Waker;

use crate::limiter::few::Few;

/// Who waits, in the order in which they will be granted; each with its amounts, until it has its tickets.
///
/// A doubly linked list in a slab: joining behind all others, granting and leaving are O(1), places are used again, and
/// a queue in steady state allocates nothing. It lives inside a mutex; no method wakes, clones or drops a waker.
#[derive(Debug)]
pub(crate) struct Queue {
    slots: Vec<Slot>,
    first: Place,
    last: Place,
    free: Place,
    /// In the list.
    waiting: usize,
    /// In the list, or granted and not yet told.
    used: usize,
}

/// A waiter's place, until it has been told or has left.
pub(crate) type Place = u32;

#[derive(Debug)]
struct Slot {
    before: Place,
    behind: Place,
    /// How many that came later were granted or stand before it.
    passed: u32,
    priority: u8,
    state: Answer,
}

/// What a waiter finds at its place.
#[derive(Debug)]
pub(crate) enum Answer {
    Free,
    Granted(Few),
    /// The quota of that position became too small for it.
    TooLarge(u32),
    /// Nobody holds a waker of one that has been woken and has not looked yet.
    Waiting(Few, Option<Waker>),
}

/// What looking at a place comes to.
pub(crate) enum Look {
    Granted(Few),
    NeedsWaker,
    TooLarge(u32),
    Waits,
}

impl Queue {
    pub(crate) fn new() -> Self {
        Self {
            slots: Vec::new(),
            first: NONE,
            last: NONE,
            free: NONE,
            waiting: 0,
            used: 0,
        }
    }

    /// How many wait; those that were granted something do not.
    pub(crate) fn len(&self) -> usize {
        self.waiting
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first == NONE
    }

    pub(crate) fn first(&self) -> Option<Place> {
        some(self.first)
    }

    pub(crate) fn behind(&self, place: Place) -> Option<Place> {
        some(self.slots[index(place)].behind)
    }

    pub(crate) fn passed(&self, place: Place) -> u32 {
        self.slots[index(place)].passed
    }

    pub(crate) fn amounts(&self, place: Place) -> Option<&Few> {
        match &self.slots[index(place)].state {
            Answer::Waiting(amounts, _) => Some(amounts),
            _ => None,
        }
    }

    /// Adds a waiter: before those of lower priority that have been passed less than `bound` times, behind all others.
    ///
    /// Each step forward counts against the one that is passed: O(`bound`) for each waiter in all.
    pub(crate) fn join(&mut self, amounts: Few, priority: u8, bound: u32, waker: Waker) -> Place {
        let mut before = self.last;
        while let Some(slot) = self.slots.get_mut(index(before))
            && slot.priority < priority
            && slot.passed < bound
        {
            slot.passed += 1;
            before = slot.before;
        }
        let behind = match some(before) {
            Some(before) => self.slots[index(before)].behind,
            None => self.first,
        };
        let slot = Slot {
            before,
            behind,
            passed: 0,
            priority,
            state: Answer::Waiting(amounts, Some(waker)),
        };
        let place = self.put(slot);
        match some(before) {
            Some(before) => self.slots[index(before)].behind = place,
            None => self.first = place,
        }
        match some(behind) {
            Some(behind) => self.slots[index(behind)].before = place,
            None => self.last = place,
        }
        self.waiting += 1;
        self.used += 1;
        place
    }

    /// Takes a waiter off the list with an answer; the caller wakes it once the lock is open.
    pub(crate) fn answer(&mut self, place: Place, answer: Answer) -> Option<Waker> {
        self.unlink(place);
        match std::mem::replace(&mut self.slots[index(place)].state, answer) {
            Answer::Waiting(_, waker) => waker,
            _ => None,
        }
    }

    /// Counts that one more has passed the first `count`.
    pub(crate) fn pass(&mut self, count: usize) {
        let mut place = self.first;
        for _ in 0..count {
            let Some(slot) = self.slots.get_mut(index(place)) else {
                return;
            };
            slot.passed = slot.passed.saturating_add(1);
            place = slot.behind;
        }
    }

    /// The waker of one that has to look again.
    pub(crate) fn waker(&mut self, place: Place) -> Option<Waker> {
        match &mut self.slots[index(place)].state {
            Answer::Waiting(_, waker) => waker.take(),
            _ => None,
        }
    }

    /// Takes the answer, or sees to it that `current` is woken: with `fresh`, a clone of it, if another is there.
    pub(crate) fn look(
        &mut self,
        place: Place,
        current: &Waker,
        fresh: &mut Option<Waker>,
    ) -> Look {
        let state = &mut self.slots[index(place)].state;
        if let Answer::Waiting(_, waker) = state {
            return match waker {
                Some(waker) if waker.will_wake(current) => Look::Waits,
                _ if fresh.is_some() => {
                    std::mem::swap(waker, fresh);
                    Look::Waits
                }
                _ => Look::NeedsWaker,
            };
        }
        match self.leave(place) {
            Answer::Granted(tickets) => Look::Granted(tickets),
            Answer::TooLarge(quota) => Look::TooLarge(quota),
            Answer::Free | Answer::Waiting(..) => unreachable!("a place is given up once"),
        }
    }

    /// Gives up a place, and returns what was there, to be dropped once the lock is open.
    pub(crate) fn leave(&mut self, place: Place) -> Answer {
        if let Answer::Waiting(..) = self.slots[index(place)].state {
            self.unlink(place);
        }
        let slot = &mut self.slots[index(place)];
        let left = std::mem::replace(&mut slot.state, Answer::Free);
        slot.behind = self.free;
        self.free = place;
        self.used -= 1;
        if self.used == 0 && self.slots.len() > KEPT {
            // A burst of waiters does not hold its places for ever.
            self.slots = Vec::new();
            self.free = NONE;
        }
        left
    }

    fn put(&mut self, slot: Slot) -> Place {
        if let Some(free) = some(self.free) {
            let reused = &mut self.slots[index(free)];
            self.free = reused.behind;
            *reused = slot;
            return free;
        }
        let place = Place::try_from(self.slots.len()).unwrap_or(NONE);
        assert!(
            place != NONE,
            "four thousand million waiters do not fit into memory"
        );
        self.slots.push(slot);
        place
    }

    fn unlink(&mut self, place: Place) {
        let Slot { before, behind, .. } = self.slots[index(place)];
        match some(before) {
            Some(before) => self.slots[index(before)].behind = behind,
            None => self.first = behind,
        }
        match some(behind) {
            Some(behind) => self.slots[index(behind)].before = before,
            None => self.last = before,
        }
        self.waiting -= 1;
    }
}

fn some(place: Place) -> Option<Place> {
    (place != NONE).then_some(place)
}

fn index(place: Place) -> usize {
    place as usize
}

const NONE: Place = Place::MAX;

/// How many places a queue keeps when nobody is left.
const KEPT: usize = 1024;
