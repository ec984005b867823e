use std::fmt;
use std::sync::{Arc, Weak};

use crate::limit::{Handed, Limit, Rank, Seat};
use crate::run_state::Effects;
use crate::worker::Crew;

/// The places that the runs of a tree share: so many steps run at once.
pub(crate) type Places = Limit<Weak<Crew>>;

/// The seat of a run among those that share places. It is left when it is dropped.
pub(crate) struct Member {
    pub(crate) limit: Arc<Places>,
    seat: Seat,
}

/// A place that was given to a run.
pub(crate) struct Given {
    limit: Arc<Places>,
    pub(crate) crew: Weak<Crew>,
}

impl Member {
    pub(crate) fn new(limit: &Arc<Places>, crew: Weak<Crew>) -> Self {
        Self {
            seat: limit.join(crew),
            limit: Arc::clone(limit),
        }
    }

    /// Takes as many places as are free, of those that are wanted; the others are given to it later.
    pub(crate) fn take(&self, wanted: usize, rank: Rank) -> usize {
        self.limit.take(self.seat, wanted, rank)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.limit.leave(self.seat);
    }
}

impl Given {
    /// Passes it on.
    pub(crate) fn give_back(self, effects: &mut Effects) {
        give_back(&self.limit, effects);
    }
}

/// Gives a place back. Whoever has it now is told once nothing is locked.
pub(crate) fn give_back(limit: &Arc<Places>, effects: &mut Effects) {
    match limit.give_back() {
        Some(Handed::To(crew)) => effects.handed.push(Given {
            limit: Arc::clone(limit),
            crew,
        }),
        Some(Handed::Wake(waker)) => effects.wakers.push(waker),
        None => {}
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("seat", &self.seat)
            .finish_non_exhaustive()
    }
}
