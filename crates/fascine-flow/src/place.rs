use std::sync::Arc;
use std::time::Instant;

use crate::decide::Decisions;
use crate::run_state::Ended;
use crate::worker::Crew;
use crate::{Output, StepContext, StepError};

/// The place of a worker among the others. However it ends, the run learns of it.
pub(crate) struct Place {
    pub(crate) crew: Arc<Crew>,
    step: Option<(u32, StepContext)>,
    /// When the step was done, and what it gave: its edges may be undecided still.
    pub(crate) done: Option<(Instant, Result<Output, StepError>)>,
    /// Whether another worker has taken over.
    pub(crate) is_waiting: bool,
    is_over: bool,
}

impl Place {
    pub(crate) fn new(crew: Arc<Crew>) -> Self {
        Self {
            crew,
            step: None,
            done: None,
            is_waiting: false,
            is_over: false,
        }
    }

    pub(crate) fn next(&mut self) -> Option<(u32, StepContext)> {
        let now = self.crew.rt.now();
        self.step = self.crew.change(|state| state.next(now));
        self.is_over = self.step.is_none();
        self.step.clone()
    }

    pub(crate) fn end(&mut self, decisions: Decisions) {
        let Some((at, result)) = self.done.take() else {
            return;
        };
        let Some((step, context)) = self.step.take() else {
            return;
        };
        let attempts = context.attempt();
        let was_waiting = std::mem::take(&mut self.is_waiting);
        self.crew.change(|state| {
            if was_waiting {
                state.wake();
            }
            let ended = Ended {
                at,
                attempts,
                result,
                decisions,
            };
            state.end(step, ended);
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.step.is_none() && self.is_over {
            return;
        }
        let was_waiting = std::mem::take(&mut self.is_waiting);
        self.crew.change(|state| {
            if was_waiting {
                state.wake();
            }
            state.lose_worker();
        });
        // A step that was dropped while its edges were decided has done its work.
        self.end(Decisions::default());
        if let Some((step, context)) = self.step.take() {
            let now = self.crew.rt.now();
            let attempts = context.attempt();
            self.crew.change(|state| state.cancel(step, attempts, now));
        }
    }
}
