use std::time::Instant;

use super::{Known, RunState};
use crate::step_context::Given;

/// Steps that ended in an earlier run of the same graph.
impl RunState {
    /// Goes on from what is known.
    pub(crate) fn go_on(&mut self, known: Known, now: Instant) {
        if known.is_empty() {
            return;
        }
        self.known = known;
        for ready in std::mem::take(&mut self.ready) {
            self.make_ready(ready.step());
        }
        self.recall(now);
        self.hire();
    }

    /// Whether it is known all that follows from a step that could start.
    pub(super) fn is_recalled(&self, step: u32) -> bool {
        let known = self.known.get(&step);
        known.is_some_and(|known| known.decisions.is_some())
    }

    /// What a step gave that is in need of nothing but that its edges are decided.
    pub(super) fn known_result(&mut self, step: u32) -> Option<Box<Given>> {
        let known = self.known.remove(&step)?;
        self.steps[step as usize].was_recorded = true;
        Some(known.given)
    }

    /// Ends the steps that can start and have ended already; and those that can start then.
    pub(super) fn recall(&mut self, now: Instant) {
        while let Some(step) = self.recalled.pop() {
            let Some(known) = self.known.remove(&step).filter(|_| !self.aborted) else {
                continue;
            };
            self.steps[step as usize].was_recorded = true;
            self.release_inputs(step);
            let Given {
                result, attempts, ..
            } = *known.given;
            let decisions = known.decisions.unwrap_or_default();
            self.conclude(step, attempts, result, decisions, now);
        }
    }
}
