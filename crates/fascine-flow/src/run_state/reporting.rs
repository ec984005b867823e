use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::{ERRORS_KEPT, RunState};
use crate::event::FlowEvent;
use crate::handle::Slot;
use crate::moment::Moment;
use crate::{FlowReport, OpenQuestion, Status, StepError, StepReport};

/// What others learn of the run.
impl RunState {
    /// Returns whether the last step has ended; if not, `waiter` is woken when it has. Gives back the one before it.
    pub(crate) fn has_ended(&mut self, waiter: Waker) -> (bool, Option<Waker>) {
        if self.has_stopped() {
            return (true, Some(waiter));
        }
        (false, self.waiter.replace(waiter))
    }

    /// Nobody waits for the run any more: its steps that still run are on their way out, and count as cancelled.
    pub(crate) fn give_up(&mut self, now: Instant) {
        self.close(now);
        for step in 0..self.steps.len() as u32 {
            if self.steps[step as usize].status == Status::Processing {
                self.set_elapsed(step, now);
                self.change(step, Status::Cancelled, now);
            }
        }
    }

    /// Makes a handle that waits for the end of a step.
    pub(crate) fn handle(&mut self, step: u32) -> Arc<Slot> {
        let slot = self.handles.entry(step).or_default();
        let slot = Arc::clone(slot);
        if self.steps[step as usize].status.is_final() || (self.suspended && self.aborted) {
            // Nobody waits for it yet.
            slot.fill(|| self.step_report(step));
            self.handles.remove(&step);
        }
        slot
    }

    pub(crate) fn report(&mut self, now: Instant) -> FlowReport {
        let wall = self.since_start(now).saturating_sub(self.begun);
        let count = self.steps.len() as u32;
        let steps = (0..count).map(|step| self.step_report(step)).collect();
        let mut report = FlowReport::new(&self.graph.inner, steps, self.begun, wall);
        report.edges = self.edges.iter().map(|edge| (*edge).into()).collect();
        report.errors = std::mem::take(&mut self.errors);
        report.error_count = self.error_count;
        report.suspended = self.was_suspended(&report.steps);
        report.state = self.site.tree.shared.snapshot();
        report
    }

    /// Why the run ended before its time.
    pub(crate) fn fatal(&self) -> Option<Arc<StepError>> {
        self.fatal.clone()
    }

    /// Lets all outputs go.
    pub(crate) fn clear(&mut self) {
        let outputs = self
            .steps
            .iter_mut()
            .filter_map(|state| state.output.take());
        self.effects.garbage.extend(outputs);
    }

    /// Tells who watches of the step's status, and of what it asks.
    pub(super) fn tell(&mut self, step: u32, now: Instant, question: Option<Arc<OpenQuestion>>) {
        let readers = &self.site.tree.readers;
        if !readers.is_watched() {
            return;
        }
        let event = FlowEvent {
            step: self.path(step),
            status: self.steps[step as usize].status,
            at: self.since_start(now),
            elapsed: self.steps[step as usize].elapsed.duration(),
            question,
        };
        readers.push(&event, &mut self.effects.wakers);
    }

    pub(super) fn step_report(&self, step: u32) -> StepReport {
        let state = &self.steps[step as usize];
        let trouble = state.trouble.as_deref();
        StepReport {
            name: Arc::clone(&self.graph.inner.steps[step as usize].name).into(),
            path: self.path(step),
            status: state.status,
            attempts: state.attempts,
            started: state.started.map(Moment::duration),
            elapsed: state.elapsed.duration(),
            error: trouble.and_then(|trouble| trouble.error.clone()),
            skip_cause: trouble.and_then(|trouble| trouble.skip_cause.clone()),
            output: state.output.clone(),
            nested: self.nested.get(&step).cloned().unwrap_or_default(),
            was_recorded: self.known.was_taken(step),
        }
    }

    pub(super) fn path(&self, step: u32) -> Arc<str> {
        let name = &self.graph.inner.steps[step as usize].name;
        self.site.prefix.path(name)
    }

    /// Keeps the reports of what a step ran, and counts the errors in them as errors of this run.
    pub(super) fn keep_nested(&mut self, step: u32, nested: Vec<FlowReport>) {
        if nested.is_empty() {
            return;
        }
        for report in &nested {
            self.error_count += report.error_count;
            let room = ERRORS_KEPT - self.errors.len();
            self.errors.extend(report.errors.iter().take(room).cloned());
        }
        self.nested.insert(step, nested);
    }

    pub(super) fn keeps(&self, step: u32) -> bool {
        let keep = &self.site.tree.keep;
        self.site.output == Some(step) || keep.keeps(&self.graph, &self.site.prefix, step)
    }
}
