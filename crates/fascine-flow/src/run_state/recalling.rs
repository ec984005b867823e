use std::time::Instant;

use super::RunState;
use crate::step_context::Foregone;

/// Steps that ended in an earlier run of the same graph.
impl RunState {
    /// Whether it is known all that follows from a step that could start.
    pub(super) fn is_recalled(&self, step: u32) -> bool {
        self.known.is_decided(step)
    }

    /// What a step gave that is in need of nothing but that its edges are decided.
    pub(super) fn known_result(&mut self, step: u32) -> Option<Box<Foregone>> {
        let known = self.known.take(step, &self.graph)?;
        Some(Box::new(known.foregone))
    }

    /// Ends the steps that can start and have ended already; and those that can start then.
    pub(super) fn recall(&mut self, now: Instant) {
        while let Some(step) = self.recalled.pop() {
            if self.aborted {
                continue;
            }
            let Some(known) = self.known.take(step, &self.graph) else {
                continue;
            };
            self.release_inputs(step);
            let Foregone {
                result, attempts, ..
            } = known.foregone;
            let decisions = known.decisions.unwrap_or_default();
            self.conclude(step, attempts, result, decisions, now);
        }
    }
}
