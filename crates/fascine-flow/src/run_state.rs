use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use fascine_rt::{JoinError, Panic};
use serde_json::Value;

use crate::event::{FlowEvent, Queue};
use crate::graph::{Edge, Graph};
use crate::step::{StepContext, StepResult};
use crate::{FlowReport, SkipCause, Status, StepError, StepReport};

/// The synchronous heart of a run: which steps can start, and what follows when one ends.
pub(crate) struct RunState {
    graph: Graph,
    started: Instant,
    steps: Vec<StepState>,
    /// Which edges are live, once they are settled: a condition is asked once.
    live: Vec<bool>,
    /// The longest chain first, then the order they were added in.
    ready: BinaryHeap<(usize, Reverse<usize>)>,
    readers: Vec<Arc<Queue>>,
}

struct StepState {
    status: Status,
    /// Edges into it that are not settled.
    waiting: usize,
    live: usize,
    /// Why it is not to run once all its edges are settled.
    blocked: Option<Blocked>,
    started: Option<Instant>,
    elapsed: Duration,
    attempts: Arc<AtomicU32>,
    error: Option<StepError>,
    skip_cause: Option<SkipCause>,
    output: Option<Arc<Value>>,
}

#[derive(Clone)]
enum Blocked {
    Condition(StepError),
    Dependency { step: String },
}

impl RunState {
    pub(crate) fn new(graph: &Graph, now: Instant, readers: Vec<Arc<Queue>>) -> Self {
        let state = |incoming: &Vec<usize>| StepState {
            status: Status::Pending,
            waiting: incoming.len(),
            live: 0,
            blocked: None,
            started: None,
            elapsed: Duration::ZERO,
            attempts: Arc::new(AtomicU32::new(1)),
            error: None,
            skip_cause: None,
            output: None,
        };
        let steps: Vec<_> = graph.inner.incoming.iter().map(state).collect();
        let mut ready = BinaryHeap::new();
        for (step, state) in steps.iter().enumerate() {
            if state.waiting == 0 {
                ready.push((graph.inner.remaining[step], Reverse(step)));
            }
        }
        let live = vec![false; graph.inner.edges.len()];
        Self {
            graph: graph.clone(),
            started: now,
            steps,
            live,
            ready,
            readers,
        }
    }

    /// Takes the next step that can start, as running from now on.
    pub(crate) fn start_next(&mut self, now: Instant) -> Option<(usize, StepContext)> {
        let (_, Reverse(step)) = self.ready.pop()?;
        self.steps[step].started = Some(now);
        self.change(step, Status::Processing, now);
        let graph = &self.graph.inner;
        let mut inputs = HashMap::new();
        for edge in &graph.incoming[step] {
            let from = graph.edges[*edge].from;
            if self.live[*edge]
                && let Some(output) = &self.steps[from].output
            {
                inputs.insert(Arc::clone(&graph.steps[from].name), Arc::clone(output));
            }
        }
        let name = Arc::clone(&graph.steps[step].name);
        Some((
            step,
            StepContext::new(name, inputs, Arc::clone(&self.steps[step].attempts)),
        ))
    }

    /// Takes note of how a running step ended, and of what follows.
    pub(crate) fn end(&mut self, step: usize, ended: Result<StepResult, JoinError>, now: Instant) {
        let name = || self.graph.inner.steps[step].name.to_string();
        let attempts = self.steps[step].attempts.load(Ordering::Relaxed);
        let (status, error, output) = match ended {
            Ok(Ok(output)) => (Status::Completed, None, Some(Arc::new(output))),
            Ok(Err(source)) => {
                let source = Arc::from(source);
                let error = StepError::Failed {
                    step: name(),
                    attempts,
                    source,
                };
                (Status::Failed, Some(error), None)
            }
            Err(JoinError::Panicked(panic)) => {
                let message = panic.message().to_owned();
                (
                    Status::Failed,
                    Some(StepError::Panicked {
                        step: name(),
                        message,
                    }),
                    None,
                )
            }
            Err(JoinError::Cancelled) => (Status::Cancelled, None, None),
        };
        let state = &mut self.steps[step];
        state.error = error;
        state.output = output;
        if let Some(started) = state.started {
            state.elapsed = now.saturating_duration_since(started);
        }
        self.change(step, status, now);
        self.settle(step, now);
    }

    /// The run is cancelled: what has not begun never will.
    pub(crate) fn abort(&mut self, now: Instant) {
        self.ready.clear();
        for step in 0..self.steps.len() {
            if self.steps[step].status == Status::Pending {
                self.change(step, Status::Aborted, now);
            }
        }
    }

    pub(crate) fn report(&mut self, now: Instant) -> FlowReport {
        let started = self.started;
        let graph = &self.graph.inner;
        let steps = self
            .steps
            .drain(..)
            .zip(&graph.steps)
            .map(|(state, step)| StepReport {
                name: step.name.to_string(),
                status: state.status,
                attempts: match state.started {
                    Some(_) => state.attempts.load(Ordering::Relaxed),
                    None => 0,
                },
                started: state
                    .started
                    .map(|at| at.saturating_duration_since(started)),
                elapsed: state.elapsed,
                error: state.error,
                skip_cause: state.skip_cause,
                output: state.output,
            });
        let steps = steps.collect();
        let wall = now.saturating_duration_since(started);
        FlowReport::new(graph, steps, wall)
    }

    /// Settles the edges out of a step that has ended, and of those that are skipped because of it.
    fn settle(&mut self, step: usize, now: Instant) {
        let graph = self.graph.clone();
        let mut ended = vec![step];
        while let Some(step) = ended.pop() {
            for number in &graph.inner.outgoing[step] {
                let edge = &graph.inner.edges[*number];
                let blocked = self.blocked_by(edge);
                let live = match self.is_live(edge) {
                    Ok(live) => live,
                    Err(error) => {
                        self.steps[edge.to].blocked = Some(Blocked::Condition(error));
                        false
                    }
                };
                self.live[*number] = live;
                let to = &mut self.steps[edge.to];
                to.blocked = to.blocked.take().or(blocked);
                to.live += usize::from(live);
                to.waiting -= 1;
                if to.waiting == 0 && to.status == Status::Pending {
                    self.decide(edge.to, now, &mut ended);
                }
            }
        }
    }

    /// All edges into the step are settled: it can start, or is skipped.
    fn decide(&mut self, step: usize, now: Instant, ended: &mut Vec<usize>) {
        let state = &mut self.steps[step];
        match state.blocked.clone() {
            None if state.live > 0 => {
                self.ready
                    .push((self.graph.inner.remaining[step], Reverse(step)));
                return;
            }
            None => {
                state.skip_cause = Some(SkipCause::Condition);
                self.change(step, Status::Skipped, now);
            }
            Some(Blocked::Condition(error)) => {
                state.error = Some(error);
                self.change(step, Status::Failed, now);
            }
            Some(Blocked::Dependency { step: before }) => {
                state.skip_cause = Some(SkipCause::Dependency { step: before });
                self.change(step, Status::Skipped, now);
            }
        }
        ended.push(step);
    }

    /// The trouble that an edge hands on.
    fn blocked_by(&self, edge: &Edge) -> Option<Blocked> {
        let from = &self.steps[edge.from];
        let name = || self.graph.inner.steps[edge.from].name.to_string();
        match (from.status, &from.skip_cause) {
            (Status::Aborted | Status::Cancelled | Status::Failed, _) => {
                Some(Blocked::Dependency { step: name() })
            }
            (_, Some(SkipCause::Dependency { step })) => {
                Some(Blocked::Dependency { step: step.clone() })
            }
            _ => None,
        }
    }

    fn is_live(&self, edge: &Edge) -> Result<bool, StepError> {
        let from = &self.steps[edge.from];
        let Some(output) = &from.output else {
            return Ok(false);
        };
        let Some(condition) = &edge.condition else {
            return Ok(true);
        };
        catch_unwind(AssertUnwindSafe(|| condition(output))).map_err(|payload| {
            let name = |step: usize| self.graph.inner.steps[step].name.to_string();
            let message = Panic::new(payload).message().to_owned();
            StepError::Condition {
                step: name(edge.to),
                from: name(edge.from),
                message,
            }
        })
    }

    fn change(&mut self, step: usize, status: Status, now: Instant) {
        let state = &mut self.steps[step];
        debug_assert!(!state.status.is_final(), "a step ends once");
        state.status = status;
        let event = FlowEvent {
            step: Arc::clone(&self.graph.inner.steps[step].name),
            status,
            at: now.saturating_duration_since(self.started),
            elapsed: state.elapsed,
        };
        for reader in &self.readers {
            reader.push(event.clone());
        }
    }
}
