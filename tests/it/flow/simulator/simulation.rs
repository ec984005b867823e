use std::time::Duration;

use fascine::flow::Status;

use super::Ended;
use super::edges::Edge;
use super::joins::Verdict;
use super::work::Work;
use crate::flow::sketch::{Sketch, SketchEdge};

/// How far a simulated run has come.
pub(super) struct Simulation<'a> {
    pub(super) sketch: &'a Sketch,
    pub(super) edges: Vec<SketchEdge>,
    /// What came of each edge, and when.
    pub(super) settled: Vec<Option<(Edge, Duration)>>,
    /// What the conditions said, where they were asked.
    pub(super) answers: Vec<Option<Edge>>,
    pub(super) steps: Vec<State>,
    /// What the costliest chain costs that begins with each step.
    pub(super) costs: Vec<u64>,
    pub(super) begun: Vec<usize>,
    deadline: Option<Duration>,
    pub(super) now: Duration,
}

/// How far one of its steps has come.
pub(super) struct State {
    pub(super) status: Status,
    pub(super) verdict: Option<Verdict>,
    pub(super) started: Option<Duration>,
    /// What it does, once it has begun.
    pub(super) work: Option<Work>,
    /// When its place is free again, once it has begun: its conditions were asked by then.
    pub(super) done: Option<Duration>,
    /// Whether it has a place: it keeps it until its conditions were asked.
    has_place: bool,
    pub(super) inputs: Vec<(usize, Option<usize>)>,
    pub(super) was_cut: bool,
}

impl<'a> Simulation<'a> {
    pub(super) fn new(sketch: &'a Sketch, deadline: Option<Duration>) -> Self {
        let edges = sketch.all_edges();
        let state = || State {
            status: Status::Pending,
            verdict: None,
            started: None,
            work: None,
            done: None,
            has_place: false,
            inputs: Vec::new(),
            was_cut: false,
        };
        Self {
            sketch,
            settled: vec![None; edges.len()],
            answers: vec![None; edges.len()],
            edges,
            steps: sketch.steps.iter().map(|_| state()).collect(),
            costs: sketch.chain_costs(),
            begun: Vec::new(),
            deadline,
            now: Duration::ZERO,
        }
    }

    pub(super) fn settle(&mut self) {
        while self.settle_one() {}
    }

    /// Settles an edge, or, if there is none, finds out about a step.
    pub(super) fn settle_one(&mut self) -> bool {
        for number in 0..self.edges.len() {
            if self.settled[number].is_none()
                && let Some(edge) = self.comes_to(number)
            {
                self.settled[number] = Some((edge, self.now));
                return true;
            }
        }
        for step in 0..self.steps.len() {
            let state = &self.steps[step];
            if state.status == Status::Pending
                && state.verdict.is_none()
                && let Some(verdict) = self.verdict(step)
            {
                let state = &mut self.steps[step];
                state.verdict = Some(verdict);
                if matches!(verdict, Verdict::Skip { .. }) {
                    state.status = Status::Skipped;
                }
                return true;
            }
        }
        false
    }

    /// Lets the first of those begin that can, if one can.
    pub(super) fn begin_one(&mut self, places: usize) -> bool {
        let running = self.running().count();
        let can_begin = |step: &usize| {
            let state = &self.steps[*step];
            state.status == Status::Pending
                && state.verdict.is_some()
                && self.resource_is_free(*step)
        };
        let ready = (0..self.steps.len()).filter(can_begin);
        let first = ready.max_by_key(|step| {
            let priority = self.sketch.steps[*step].priority;
            (priority, self.costs[*step], std::cmp::Reverse(*step))
        });
        match first {
            Some(step) if running < places => self.begin(step),
            _ => return false,
        }
        true
    }

    pub(super) fn begin(&mut self, step: usize) {
        self.begun.push(step);
        let inputs = self.inputs(step);
        let deadline = self
            .deadline
            .map(|deadline| deadline.saturating_sub(self.now));
        let state = &mut self.steps[step];
        state.work = Some(match state.verdict {
            Some(Verdict::Broken) => Work::broken(),
            _ => Work::of(&self.sketch.steps[step], deadline),
        });
        state.status = Status::Processing;
        state.started = Some(self.now);
        state.inputs = inputs;
        // How long they take is known, what they say is not.
        let answers = self.answers.clone();
        let done = self.ask_conditions(step);
        self.answers = answers;
        self.steps[step].done = Some(done);
        self.steps[step].has_place = true;
    }

    pub(super) fn end_those_whose_time_has_come(&mut self) {
        for step in 0..self.steps.len() {
            let (now, state) = (self.now, &mut self.steps[step]);
            let has_come = |at: Option<Duration>| at.is_some_and(|at| at <= now);
            if state.status == Status::Processing && has_come(state.work_ends()) {
                state.end();
            }
            if state.has_place && has_come(state.done) {
                state.has_place = false;
                // Now it is known what the other steps had done by then.
                self.ask_conditions(step);
            }
        }
    }

    /// When the next work is done, or the next conditions have answered.
    pub(super) fn next_end(&self) -> Option<Duration> {
        let ends = self.running().filter_map(|state| match state.status {
            Status::Processing => state.work_ends(),
            _ => state.done,
        });
        ends.min()
    }

    pub(super) fn running(&self) -> impl Iterator<Item = &State> {
        self.steps.iter().filter(|state| state.has_place)
    }

    pub(super) fn has_failed_fatally(&self) -> bool {
        let mut steps = self.steps.iter().zip(&self.sketch.steps);
        steps.any(|(state, step)| step.ends_run() && state.status == Status::Failed)
    }

    /// Whatever has not ended ends now.
    pub(super) fn cut(&mut self) {
        for state in &mut self.steps {
            match state.status {
                Status::Pending => state.status = Status::Aborted,
                Status::Processing => {
                    state.status = Status::Cancelled;
                    state.was_cut = true;
                }
                _ => {}
            }
        }
    }

    pub(super) fn resource_is_free(&self, step: usize) -> bool {
        let Some(resource) = self.sketch.steps[step].resource else {
            return true;
        };
        let steps = self.steps.iter().zip(&self.sketch.steps);
        let users =
            steps.filter(|(state, step)| state.has_place && step.resource == Some(resource));
        users.count() < self.sketch.resources[resource]
    }

    pub(super) fn ended(&self, step: usize) -> Ended {
        let state = &self.steps[step];
        let ran = state.started.map(|started| self.now - started);
        let (attempts, elapsed) = match (&state.work, ran) {
            (Some(work), Some(ran)) if state.was_cut => (work.attempts_within(ran), ran),
            (Some(work), Some(_)) => (work.attempts(), work.takes),
            _ => (0, Duration::ZERO),
        };
        let ran = ran.filter(|_| state.was_cut);
        let within = state
            .work
            .as_ref()
            .zip(self.sketch.steps[step].within.as_ref());
        let within = within.and_then(|(work, sketch)| work.within(sketch, ran));
        Ended {
            status: state.status,
            attempts,
            started: state.started,
            elapsed,
            to_blame: self.to_blame(step),
            inputs: state.inputs.clone(),
            within,
        }
    }
}

impl State {
    pub(super) fn end(&mut self) {
        self.status = match &self.work {
            Some(work) if work.gives => Status::Completed,
            _ => Status::Failed,
        };
    }

    pub(super) fn work_ends(&self) -> Option<Duration> {
        Some(self.started? + self.work.as_ref()?.takes)
    }
}
