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
}

/// What the graph is to the step that runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// One step for each of so many items.
    #[expect(dead_code, reason = "steps for items are yet to come")]
    Items(usize),
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
        let mut state = self.lock();
        let first = state.numbers;
        let (prefix, count) = match role {
            Role::Items(count) => (Prefix::Items(Arc::clone(path)), count),
            Role::Steps if first == 0 => (Prefix::Steps(Arc::clone(path)), 1),
            Role::Steps => (Prefix::Steps(numbered(path, first)), 1),
        };
        state.numbers = first.saturating_add(count);
        prefix
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
