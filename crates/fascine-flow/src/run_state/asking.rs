use std::sync::Arc;
use std::time::{Duration, Instant};

use super::RunState;
use crate::ask::Asks;
use crate::desk::{Desk, Opened};
use crate::{FlowReport, OpenQuestion, Status, StepReport};

/// Steps that wait for an answer, and runs that are suspended.
impl RunState {
    pub(crate) fn set_desk(&mut self, desk: &Arc<Desk>, suspends_when_waiting: bool) {
        self.desk = Arc::clone(desk);
        self.suspends_when_waiting = suspends_when_waiting;
    }

    pub(crate) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

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
        let opened = self.desk.open(&question, asks, &mut self.effects.wakers);
        if let Opened::Open = opened {
            self.running -= 1;
            self.away += 1;
            self.tell(step, question.since, Some(question));
            self.hire();
        }
        opened
    }

    /// A step waits no longer for an answer. It may be one more than there are places for, for the moment.
    pub(crate) fn come_back(&mut self) {
        self.away -= 1;
        self.running += 1;
    }

    /// A step has ended without an answer, and perhaps without having asked.
    pub(super) fn never_ask(&self, step: u32) {
        if self.graph.inner.asks(step).is_some() {
            self.desk.never(&self.graph.inner.steps[step as usize].name);
        }
    }

    /// A running step is as if it had not begun.
    pub(crate) fn put_back(&mut self, step: u32, now: Instant) {
        self.stop(step, now);
        let state = &mut self.steps[step as usize];
        (state.started, state.elapsed) = (None, Duration::ZERO);
        self.change(step, Status::Pending, now);
        if self.aborted {
            self.change(step, Status::Aborted, now);
        }
    }

    /// No more steps begin, and none waits for an answer any more.
    pub(crate) fn suspend(&mut self) {
        if self.aborted || std::mem::replace(&mut self.suspended, true) {
            return;
        }
        self.ready.clear();
        self.desk.suspend(&mut self.effects.wakers);
    }

    /// Suspends the run if nothing goes on in it but the waiting for answers.
    pub(super) fn suspend_if_waiting(&mut self) {
        let is_waiting = self.suspends_when_waiting
            && self.away > 0
            && self.running == 0
            && self.ready.is_empty()
            && !self.aborted
            && !self.suspended;
        // One that was answered goes on, though it has not come back yet.
        if is_waiting
            && self
                .desk
                .suspend_if_waiting(self.away, &mut self.effects.wakers)
        {
            self.suspended = true;
        }
    }

    /// Ends the run: what has not begun stays pending if it is suspended, and never will begin otherwise.
    pub(crate) fn close(&mut self, now: Instant) {
        if self.suspended {
            self.aborted = true;
            for (step, slot) in std::mem::take(&mut self.handles) {
                let wakers = slot.fill(|| self.step_report(step));
                self.effects.wakers.extend(wakers);
            }
        } else {
            self.abort(now);
        }
        self.desk.end(self.suspended, &mut self.effects.wakers);
    }

    pub(super) fn report_suspension(&self, report: &mut FlowReport) {
        let is_undone =
            |step: &StepReport| matches!(step.status, Status::Pending | Status::Cancelled);
        if self.suspended && report.steps.iter().any(is_undone) {
            report.suspended = true;
            report.questions = self.desk.questions();
        }
    }
}
