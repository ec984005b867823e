use std::sync::Arc;
use std::time::Instant;

use crate::decide::{Decisions, Progress};
use crate::run_state::{Begun, Effects, Ended, RunState};
use crate::step_context::Input;
use crate::worker::Crew;
use crate::{Output, StepContext, StepError};

/// The place of a worker among the others. However it ends, the run learns of it.
pub(crate) struct Place {
    pub(crate) crew: Arc<Crew>,
    pub(crate) step: Option<(u32, StepContext)>,
    /// When the step was done, and what it gave: its edges may be undecided still.
    pub(crate) done: Option<(Instant, Result<Output, StepError>)>,
    /// The number of the record that says that the step has begun, until it is recorded how it ended.
    pub(crate) started: Option<u64>,
    /// Whether another worker has taken over.
    pub(crate) is_waiting: bool,
    has_come: bool,
    is_over: bool,
    /// Whether the run knows that the step is done, but for its conditions.
    is_told: bool,
    /// What the last step left behind, to be used again.
    effects: Effects,
    inputs: Vec<(u32, Input)>,
    spare: Option<StepContext>,
}

impl Place {
    pub(crate) fn new(crew: Arc<Crew>) -> Self {
        Self {
            crew,
            step: None,
            done: None,
            started: None,
            is_waiting: false,
            has_come: false,
            is_over: false,
            is_told: false,
            effects: Effects::default(),
            inputs: Vec::new(),
            spare: None,
        }
    }

    pub(crate) fn next(&mut self) {
        let now = self.crew.rt.now();
        let inputs = &mut self.inputs;
        let is_new = !std::mem::replace(&mut self.has_come, true);
        let next = self.crew.change_with(&mut self.effects, |state| {
            if is_new {
                state.arrive();
            }
            state.next(now, inputs)
        });
        self.begin(next);
    }

    /// Both at once, which is the usual case.
    pub(crate) fn end_and_next(&mut self, decisions: Decisions) {
        // Conditions may have taken their time, and so may a store.
        let was_quick = decisions.is_empty() && self.crew.recorder().is_none();
        let at = self.done.as_ref().map(|(at, _)| *at).filter(|_| was_quick);
        let now = at.unwrap_or_else(|| self.crew.rt.now());
        let end = self.ending(decisions);
        let inputs = &mut self.inputs;
        let next = self.crew.change_with(&mut self.effects, |state| {
            end(state);
            state.next(now, inputs)
        });
        self.begin(next);
    }

    /// The step did not end, as the run is suspended.
    pub(crate) fn put_back_and_next(&mut self) {
        let now = self.crew.rt.now();
        let step = self.step.take();
        let step = step.map(|(step, context)| (step, context.attempt(), context.close()));
        let was_waiting = std::mem::take(&mut self.is_waiting);
        let inputs = &mut self.inputs;
        let next = self.crew.change_with(&mut self.effects, |state| {
            if was_waiting {
                state.wake();
            }
            if let Some((step, attempts, nested)) = step {
                state.put_back(step, attempts, nested, now);
            }
            state.next(now, inputs)
        });
        self.begin(next);
    }

    fn begin(&mut self, next: Option<Begun>) {
        self.is_over = next.is_none();
        self.step = next.map(|begun| {
            let spare = self.spare.take();
            let spare = spare.unwrap_or_else(|| StepContext::new(&self.crew));
            (begun.step, spare.of(begun, &mut self.inputs))
        });
    }

    /// Tells the run that the step has ended, if it has.
    pub(crate) fn end(&mut self, decisions: Decisions) {
        let end = self.ending(decisions);
        self.crew.change_with(&mut self.effects, end);
    }

    /// Tells the run that the step may not begin, and so nothing else may.
    pub(crate) fn give_up(&mut self) {
        let was_waiting = std::mem::take(&mut self.is_waiting);
        let (step, now) = (self.step.take(), self.crew.rt.now());
        self.crew.change(|state| {
            if was_waiting {
                state.wake();
            }
            if let Some((step, _)) = step {
                state.cancel(step, 0, Vec::new(), now);
            }
        });
    }

    /// Tells the run that the step has ended but for some conditions, which take their time. If runs are recorded, one
    /// record is to tell of both.
    pub(crate) fn end_work(&mut self) {
        let (Some((at, result)), Some((step, context))) = (&self.done, &self.step) else {
            return;
        };
        if self.crew.recorder().is_some() {
            return;
        }
        let ended = Ended {
            at: *at,
            attempts: context.attempt(),
            result: result.clone(),
            decisions: Decisions::missing(Progress::Open),
            nested: context.close(),
        };
        let step = *step;
        self.is_told = true;
        let end = |state: &mut RunState| state.end_work(step, ended);
        self.crew.change_with(&mut self.effects, end);
    }

    /// Hands in what is to be recorded of a step that is being dropped.
    fn record_drop(&mut self) {
        let (Some(recorder), Some((_, context))) = (self.crew.recorder(), &self.step) else {
            return;
        };
        let started = self.started.take();
        match &self.done {
            Some((_, result)) if started.is_some() => {
                recorder.end_undecided(started, context, result);
            }
            // Nobody was told that it is written that it begins: so it did not.
            None if started.is_none() && context.has_effects() => recorder.forget(context),
            _ => {}
        }
    }

    fn ending(&mut self, decisions: Decisions) -> impl FnOnce(&mut RunState) + use<> {
        let done = self.done.take();
        let step = self.step.take_if(|_| done.is_some());
        let step = step.map(|(step, context)| {
            let (attempts, nested) = (context.attempt(), context.close());
            self.spare = context.cleared();
            (step, attempts, nested)
        });
        let now = std::mem::take(&mut self.is_told).then(|| self.crew.rt.now());
        let ended = done.zip(step);
        let was_waiting = std::mem::take(&mut self.is_waiting);
        move |state| {
            if was_waiting {
                state.wake();
            }
            if let Some(((at, result), (step, attempts, nested))) = ended {
                let ended = Ended {
                    at: now.unwrap_or(at),
                    attempts,
                    result,
                    decisions,
                    nested,
                };
                state.end(step, ended);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.step.is_none() && self.is_over {
            return;
        }
        self.record_drop();
        // A step that was dropped while its edges were decided has done its work.
        let end = self.ending(Decisions::missing(Progress::Cut));
        let step = self.step.take();
        let step = step.map(|(step, context)| (step, context.attempt(), context.close()));
        let (now, has_come) = (self.crew.rt.now(), self.has_come);
        self.crew.change(|state| {
            match has_come {
                true => state.lose_worker(),
                false => state.lose_newcomer(),
            }
            end(state);
            match step {
                Some((step, attempts, nested)) => state.cancel(step, attempts, nested, now),
                // Nobody may be there to run the steps that are left.
                None => state.abandon(now),
            }
        });
    }
}
