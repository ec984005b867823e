use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};

use crate::sync::{Mutex, MutexGuard};

/// So many of something for all the runs of a tree: places to run in, or a resource that several of them use.
///
/// Runs take what is free. A run that is refused is remembered, and given what comes back: it need not ask again. Nobody
/// waits while something is free. The one lock is held for a few steps, and nothing foreign runs under it.
#[derive(Debug)]
pub(crate) struct Limit<T> {
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    free: usize,
    /// So many were taken although nothing was free.
    owed: usize,
    members: HashMap<Seat, T>,
    next_seat: u32,
    wanting: BTreeSet<(Rank, Reverse<Seat>)>,
    ranks: HashMap<Seat, Rank>,
    /// Steps that go on when they get one.
    returning: BTreeMap<Ticket, Waker>,
    granted: HashSet<Ticket>,
    next_ticket: u64,
}

/// Which run it is, of those that have joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Seat(u32);

/// Which step it is, of those that go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket(u64);

/// Who goes first: the highest priority, then the deepest run, so that what has begun is finished; then the run that
/// joined first.
pub(crate) type Rank = (i32, u32);

/// Whom something was given to that came back.
#[derive(Debug)]
pub(crate) enum Handed<T> {
    /// This run has it now.
    To(T),
    /// It is kept for a step, which is to be woken.
    Wake(Waker),
}

impl<T: Clone> Limit<T> {
    pub(crate) fn new(free: usize) -> Self {
        Self {
            state: Mutex::new(State {
                free,
                owed: 0,
                members: HashMap::new(),
                next_seat: 0,
                wanting: BTreeSet::new(),
                ranks: HashMap::new(),
                returning: BTreeMap::new(),
                granted: HashSet::new(),
                next_ticket: 0,
            }),
        }
    }

    pub(crate) fn join(&self, member: T) -> Seat {
        let mut state = self.lock();
        let seat = Seat(state.next_seat);
        state.next_seat += 1;
        state.members.insert(seat, member);
        seat
    }

    /// It asks no more, and is given nothing.
    pub(crate) fn leave(&self, seat: Seat) {
        let mut state = self.lock();
        state.forget(seat);
        let member = state.members.remove(&seat);
        drop(state);
        drop(member);
    }

    /// Takes as many as are free, of those that are wanted. If some are missing, the run is given them as they come
    /// back, one at a time.
    pub(crate) fn take(&self, seat: Seat, wanted: usize, rank: Rank) -> usize {
        let mut state = self.lock();
        let taken = wanted.min(state.free);
        state.free -= taken;
        if taken == wanted {
            state.forget(seat);
        } else if state.ranks.insert(seat, rank) != Some(rank) {
            // Its former rank is still in the list.
            state.wanting.retain(|(_, other)| other.0 != seat);
            state.wanting.insert((rank, Reverse(seat)));
        }
        taken
    }

    /// Takes one although nothing may be free: what comes back next makes up for it.
    pub(crate) fn overdraw(&self) {
        let mut state = self.lock();
        match state.free.checked_sub(1) {
            Some(free) => state.free = free,
            None => state.owed += 1,
        }
    }

    /// Gives one back, to whoever goes first of those that want one.
    #[must_use = "somebody may have it now"]
    pub(crate) fn give_back(&self) -> Option<Handed<T>> {
        let mut state = self.lock();
        if state.owed > 0 {
            state.owed -= 1;
            return None;
        }
        if let Some((ticket, waker)) = state.returning.pop_first() {
            state.granted.insert(ticket);
            return Some(Handed::Wake(waker));
        }
        if let Some((_, Reverse(seat))) = state.wanting.pop_last() {
            state.ranks.remove(&seat);
            return state.members.get(&seat).cloned().map(Handed::To);
        }
        state.free += 1;
        None
    }

    /// Whether somebody waits who goes before a run of that rank.
    pub(crate) fn is_wanted_before(&self, rank: Rank) -> bool {
        let state = self.lock();
        let first = state.wanting.last();
        !state.returning.is_empty() || first.is_some_and(|(first, _)| *first > rank)
    }

    /// Waits for one, before all runs.
    pub(crate) fn poll_take(&self, ticket: &mut Option<Ticket>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        let number = match *ticket {
            Some(ticket) if state.granted.remove(&ticket) => return Poll::Ready(()),
            Some(number) => number,
            None if state.free > 0 => {
                state.free -= 1;
                return Poll::Ready(());
            }
            None => {
                let number = Ticket(state.next_ticket);
                state.next_ticket += 1;
                *ticket.insert(number)
            }
        };
        let replaced = state.returning.insert(number, cx.waker().clone());
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    /// Stops waiting: one that was kept for it is given back by the caller. Returns whether there is one.
    #[must_use = "what was kept is to be given back"]
    pub(crate) fn stop_waiting(&self, ticket: Ticket) -> bool {
        let mut state = self.lock();
        let waker = state.returning.remove(&ticket);
        let granted = state.granted.remove(&ticket);
        drop(state);
        drop(waker);
        granted
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> State<T> {
    fn forget(&mut self, seat: Seat) {
        if let Some(rank) = self.ranks.remove(&seat) {
            self.wanting.remove(&(rank, Reverse(seat)));
        }
    }
}

// Their locks are no model's.
#[cfg(test)]
#[cfg(not(any(loom, shuttle)))]
mod tests {
    use super::*;

    fn to(handed: Option<Handed<char>>) -> Option<char> {
        match handed {
            Some(Handed::To(member)) => Some(member),
            _ => None,
        }
    }

    #[test]
    fn what_comes_back_goes_to_the_highest_priority_then_to_the_deepest_run() {
        let limit = Limit::new(1);
        let [a, b, c, d] = ['a', 'b', 'c', 'd'].map(|name| limit.join(name));
        assert_eq!(limit.take(a, 3, (0, 0)), 1, "one is free");
        let asks = [(b, (0, 2)), (c, (1, 1)), (d, (0, 2))];
        for (seat, rank) in asks {
            assert_eq!(limit.take(seat, 1, rank), 0);
        }
        assert!(limit.is_wanted_before((0, 0)) && !limit.is_wanted_before((1, 1)));
        let order: Vec<_> = (0..5).map(|_| to(limit.give_back())).collect();
        // Nobody is left at last, so it is free.
        assert_eq!(order, [Some('c'), Some('b'), Some('d'), Some('a'), None]);
        assert_eq!(limit.take(b, 9, (0, 0)), 1);
    }

    #[test]
    fn who_asks_for_less_or_leaves_is_given_nothing() {
        let limit = Limit::new(0);
        let [a, b] = ['a', 'b'].map(|name| limit.join(name));
        assert_eq!((limit.take(a, 1, (0, 0)), limit.take(b, 1, (0, 0))), (0, 0));
        assert_eq!(limit.take(a, 0, (0, 0)), 0);
        limit.leave(b);
        assert_eq!(to(limit.give_back()), None);
    }

    #[test]
    fn a_changed_rank_counts() {
        let limit = Limit::new(0);
        let [a, b] = ['a', 'b'].map(|name| limit.join(name));
        let _ = (limit.take(a, 1, (0, 0)), limit.take(b, 1, (1, 0)));
        assert_eq!(limit.take(a, 1, (2, 0)), 0);
        assert_eq!(to(limit.give_back()), Some('a'));
        assert_eq!(to(limit.give_back()), Some('b'));
        assert_eq!(to(limit.give_back()), None);
    }

    #[test]
    fn what_is_owed_is_paid_before_anybody_is_given_something() {
        let limit = Limit::new(1);
        let a = limit.join('a');
        limit.overdraw();
        limit.overdraw();
        assert_eq!(limit.take(a, 1, (0, 0)), 0);
        assert_eq!(to(limit.give_back()), None);
        assert_eq!(to(limit.give_back()), Some('a'));
    }

    #[test]
    fn a_step_that_goes_on_comes_before_all_runs_and_leaves_nothing_behind() {
        let limit = Limit::new(0);
        let a = limit.join('a');
        let _ = limit.take(a, 1, (9, 9));
        let cx = &mut Context::from_waker(Waker::noop());
        let (mut one, mut two) = (None, None);
        assert!(limit.poll_take(&mut one, cx).is_pending());
        assert!(limit.poll_take(&mut two, cx).is_pending());
        assert!(limit.is_wanted_before((9, 9)));
        assert!(matches!(limit.give_back(), Some(Handed::Wake(_))));
        assert!(limit.poll_take(&mut one, cx).is_ready());
        // Another one is kept for the second, which stops waiting.
        assert!(matches!(limit.give_back(), Some(Handed::Wake(_))));
        assert!(two.is_some_and(|ticket| limit.stop_waiting(ticket)));
        assert!(two.is_some_and(|ticket| !limit.stop_waiting(ticket)));
        assert_eq!(to(limit.give_back()), Some('a'));
    }
}
