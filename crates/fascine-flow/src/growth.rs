use std::sync::{Arc, PoisonError};

use crate::path::{Prefix, numbered};
use crate::sync::{Mutex, MutexGuard};
use crate::{FlowReport, GrowthError};

/// What one step runs within the run: how many graphs, and what came of them.
#[derive(Debug, Default)]
pub(crate) struct Growth {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The numbers that are taken, by this try of the step.
    numbers: usize,
    /// How many graphs run: while there are some, the step waits, and its place is another's.
    running: usize,
    reports: Vec<FlowReport>,
    is_over: bool,
    /// A graph was suspended before it had ended.
    is_suspended: bool,
}

/// What the graph is to the step that runs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Role {
    /// A step for each of some items, whose names are numbers that were reserved.
    Items,
    #[default]
    Steps,
}

/// What a step is found to have run when it has ended.
pub(crate) struct Grown {
    pub(crate) reports: Vec<FlowReport>,
    /// Whether its place is another's still.
    pub(crate) has_lent: bool,
}

impl Growth {
    /// Another try of the step: what the one before ran counts no more.
    pub(crate) fn restart(&self) {
        let mut state = self.lock();
        state.numbers = 0;
        let reports = std::mem::take(&mut state.reports);
        drop(state);
        drop(reports);
    }

    /// Says where the steps of a graph are. Those of the first are under the path of the step alone.
    pub(crate) fn name(&self, path: &Arc<str>, role: Role) -> Prefix {
        match role {
            Role::Items => Prefix::Items(Arc::clone(path)),
            Role::Steps => match self.reserve(1) {
                0 => Prefix::Steps(Arc::clone(path)),
                number => Prefix::Steps(numbered(path, number)),
            },
        }
    }

    /// Reserves so many numbers, and gives the first.
    pub(crate) fn reserve(&self, count: usize) -> usize {
        let mut state = self.lock();
        let first = state.numbers;
        state.numbers = first.saturating_add(count);
        first
    }

    /// A graph begins to run. Returns whether it is the first of those that run.
    pub(crate) fn begin(&self, path: &Arc<str>) -> Result<bool, GrowthError> {
        let mut state = self.lock();
        if state.is_over {
            let path = Arc::clone(path);
            return Err(GrowthError::Ended { path });
        }
        state.running += 1;
        Ok(state.running == 1)
    }

    /// A graph runs no more, if the step goes on without a place of its own: others run, or it is over. Otherwise it
    /// needs its place first.
    pub(crate) fn end_without_place(&self) -> bool {
        let mut state = self.lock();
        let needs_none = state.running > 1 || state.is_over;
        if needs_none {
            state.running -= 1;
        }
        needs_none
    }

    /// A graph runs no more. Returns whether the step now has to have its place.
    pub(crate) fn end(&self) -> bool {
        let mut state = self.lock();
        state.running -= 1;
        state.running == 0 && !state.is_over
    }

    pub(crate) fn report(&self, report: FlowReport) {
        let mut state = self.lock();
        if state.is_over {
            drop(state);
            drop(report);
        } else {
            state.reports.push(report);
        }
    }

    /// A graph could not end, as the run is suspended.
    pub(crate) fn suspend(&self) {
        self.lock().is_suspended = true;
    }

    pub(crate) fn is_suspended(&self) -> bool {
        self.lock().is_suspended
    }

    /// The step has ended.
    pub(crate) fn close(&self) -> Grown {
        let mut state = self.lock();
        let was_over = std::mem::replace(&mut state.is_over, true);
        Grown {
            reports: std::mem::take(&mut state.reports),
            has_lent: state.running > 0 && !was_over,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
