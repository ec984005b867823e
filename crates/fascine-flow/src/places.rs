use std::fmt;
use std::sync::{Arc, Weak};

use crate::limit::{Handed, Limit, Rank, Seat};
use crate::run_state::Effects;
use crate::worker::Crew;

/// What the runs of a tree share: places for steps to run in, or a resource.
pub(crate) type Places = Limit<Seeker>;

/// A run, and what it wants.
#[derive(Clone)]
pub(crate) struct Seeker {
    pub(crate) crew: Weak<Crew>,
    pub(crate) wants: Wants,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    Place,
    /// The resource that has that number in its graph.
    Resource(usize),
}

/// The seat of a run among those that share a limit. It is left when it is dropped.
pub(crate) struct Member {
    pub(crate) limit: Arc<Places>,
    seat: Seat,
}

/// Something that was given to a run.
pub(crate) struct Given {
    pub(crate) limit: Arc<Places>,
    pub(crate) to: Seeker,
}

impl Member {
    pub(crate) fn new(limit: &Arc<Places>, seeker: Seeker) -> Self {
        Self {
            seat: limit.join(seeker),
            limit: Arc::clone(limit),
        }
    }

    /// Takes as many as are free, of those that are wanted; the others are given to it later.
    pub(crate) fn take(&self, wanted: usize, rank: Rank) -> usize {
        self.limit.take(self.seat, wanted, rank)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.limit.leave(self.seat);
    }
}

impl Places {
    /// Gives one back. Whoever has it now is told once nothing is locked.
    pub(crate) fn give_back_into(self: &Arc<Self>, effects: &mut Effects) {
        match self.give_back() {
            Some(Handed::To(to)) => effects.handed.push(Given {
                limit: Arc::clone(self),
                to,
            }),
            Some(Handed::Wake(waker)) => effects.wakers.push(waker),
            None => {}
        }
    }
}

impl fmt::Debug for Seeker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seeker")
            .field("wants", &self.wants)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("seat", &self.seat)
            .finish_non_exhaustive()
    }
}
