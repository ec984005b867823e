use std::time::Instant;

use super::RunState;
use crate::step_context::Foregone;

/// Steps that ended in an earlier run of the same graph.
impl RunState {
    /// Whether it is known all that follows from a step that could start.
    pub(super) fn is_recalled(&self, step: u32) -> bool {
        let known = self.known.get(&step);
        known.is_some_and(|known| known.decisions.is_some())
    }

    /// What a step gave that is in need of nothing but that its edges are decided.
    pub(super) fn known_result(&mut self, step: u32) -> Option<Box<Foregone>> {
        if self.known.is_empty() {
            return None;
        }
        let known = self.known.remove(&step)?;
        self.recorded.insert(step);
        Some(known.foregone)
    }

    /// Ends the steps that can start and have ended already; and those that can start then.
    pub(super) fn recall(&mut self, now: Instant) {
        while let Some(step) = self.recalled.pop() {
            let Some(known) = self.known.remove(&step).filter(|_| !self.aborted) else {
                continue;
            };
            self.recorded.insert(step);
            self.release_inputs(step);
            let Foregone {
                result, attempts, ..
            } = *known.foregone;
            let decisions = known.decisions.unwrap_or_default();
            self.conclude(step, attempts, result, decisions, now);
        }
    }
}
