use std::sync::Arc;
use std::time::Instant;

use super::RunState;
use crate::ask::Asks;
use crate::desk::Opened;
use crate::moment::Moment;
use crate::{FlowReport, OpenQuestion, Status, StepReport};

/// Steps that wait for an answer, and runs that are suspended.
impl RunState {
    /// A running step asks. If it has to wait for the answer, it takes no place until it [comes back](Self::come_back).
    pub(crate) fn ask(
        &mut self,
        step: u32,
        question: &mut OpenQuestion,
        asks: Asks,
        now: Instant,
    ) -> Opened {
        question.since = self.since_start(now);
        let question = Arc::new(question.clone());
        let desk = &self.site.tree.desk;
        let opened = desk.open(&question, asks, &mut self.effects.wakers);
        if let Opened::Open = opened {
            self.running -= 1;
            self.away += 1;
            self.tell(step, now, Some(question));
            self.give_back();
            self.hire();
        }
        opened
    }

    /// A step waits no longer for an answer. It goes on at once, though there may be no place for it.
    pub(crate) fn come_back(&mut self) {
        self.away -= 1;
        self.running += 1;
        if let Some(member) = &self.places {
            member.limit.overdraw();
        }
    }

    /// A step has ended without an answer, and perhaps without having asked.
    pub(super) fn never_ask(&self, step: u32) {
        if self.graph.inner.asks(step).is_some() {
            self.site.tree.desk.never(&self.path(step));
        }
    }

    /// A running step did not end, as the run is suspended. If it does nothing but ask or run others, it is as if it had
    /// not begun.
    pub(crate) fn put_back(
        &mut self,
        step: u32,
        attempts: u32,
        nested: Vec<FlowReport>,
        now: Instant,
    ) {
        self.stop(step, now);
        if self.steps[step as usize].status.is_final() {
            return;
        }
        self.keep_nested(step, nested);
        let more = &self.graph.inner.steps[step as usize].settings.more;
        let is_pure = more
            .as_ref()
            .is_some_and(|more| more.asks.is_some() || more.is_structural);
        let state = &mut self.steps[step as usize];
        if is_pure {
            (state.started, state.elapsed) = (None, Moment::ZERO);
            self.change(step, Status::Pending, now);
            if self.aborted {
                self.change(step, Status::Aborted, now);
            }
        } else {
            state.attempts = attempts;
            self.change(step, Status::Cancelled, now);
        }
    }

    /// No more steps begin, and what has not begun stays pending.
    pub(crate) fn suspend(&mut self) {
        if self.aborted || std::mem::replace(&mut self.suspended, true) {
            return;
        }
        self.ready.clear();
        self.resources.abort(&self.graph, &mut self.effects);
        self.wake_if_stopped();
    }

    /// Whether the last step has ended, or no other begins.
    pub(super) fn has_stopped(&self) -> bool {
        self.open == 0 || (self.suspended && self.running + self.away == 0)
    }

    pub(super) fn wake_if_stopped(&mut self) {
        if self.has_stopped() {
            self.effects.wakers.extend(self.waiter.take());
        }
    }

    /// Lets it be seen whether all runs of the tree wait for answers, if they are to be suspended then.
    pub(super) fn look_around(&mut self) {
        let tree = &self.site.tree;
        if tree.suspends_when_waiting && self.ready.len() == 0 && !self.suspended && !self.aborted {
            self.effects.look_around = true;
        }
    }

    /// How many steps wait for an answer. `None` if something else goes on, or if the run is about to end; of the steps
    /// that are running, so many wait for runs of their own.
    pub(crate) fn asking(&self, nesting: usize) -> Option<usize> {
        let goes_on = self.running > nesting || self.ready.len() > 0 || self.has_stopped();
        (!goes_on && !self.aborted).then_some(self.away)
    }

    /// Nobody is there any more to run what is left.
    pub(crate) fn abandon(&mut self, now: Instant) {
        if !self.suspended {
            self.abort(now);
        }
    }

    /// The run ends: what has not begun stays pending if it is suspended, and never will begin otherwise.
    pub(crate) fn close(&mut self, now: Instant) {
        self.abandon(now);
        self.aborted = true;
        for (step, slot) in std::mem::take(&mut self.handles) {
            let wakers = slot.fill(|| self.step_report(step));
            self.effects.wakers.extend(wakers);
        }
    }

    pub(super) fn was_suspended(&self, steps: &[StepReport]) -> bool {
        let mut steps = steps.iter().map(|step| step.status);
        self.suspended && steps.any(|status| matches!(status, Status::Pending | Status::Cancelled))
    }
}
