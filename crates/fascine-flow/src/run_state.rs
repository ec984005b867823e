use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::edge_state::{Counts, Decision, EdgeState, Verdict};
use crate::event::{FlowEvent, Queue};
use crate::keep::Keep;
use crate::resources::Resources;
use crate::step_context::Input;
use crate::{
    FlowReport, Graph, OnError, Output, SkipCause, Status, StepContext, StepError, StepReport,
};

/// The synchronous heart of a run: which steps can start, and what follows when one ends. It calls nothing foreign: what
/// has to be woken, dropped or spawned goes into [`Effects`], for when nothing is locked.
pub(crate) struct RunState {
    graph: Graph,
    started: Instant,
    keep: Keep,
    steps: Vec<StepState>,
    edges: Vec<EdgeState>,
    ready: BinaryHeap<Ready>,
    resources: Resources,
    /// Steps that may run at once.
    max: usize,
    /// Workers that were spawned and have not ended, and those of them that run a step.
    workers: usize,
    running: usize,
    aborted: bool,
    readers: Vec<Arc<Queue>>,
    effects: Effects,
}

/// What is to be done once nothing is locked.
#[derive(Default)]
pub(crate) struct Effects {
    /// So many more workers are wanted.
    pub(crate) spawn: usize,
    /// The whole run is to be cancelled.
    pub(crate) cancel: bool,
    pub(crate) wakers: Vec<Waker>,
    /// Outputs that nobody reads any more.
    pub(crate) garbage: Vec<Output>,
}

/// Which of several steps goes first: the highest priority, the costliest chain, the first that was added.
pub(crate) type Ready = (i32, u64, Reverse<u32>);

/// How a step ended.
pub(crate) struct Ended {
    pub(crate) at: Instant,
    pub(crate) attempts: u32,
    pub(crate) result: Result<Output, StepError>,
    /// Of the edges out of it, in order, if one of them has a condition.
    pub(crate) decisions: Vec<Decision>,
}

struct StepState {
    status: Status,
    is_ready: bool,
    counts: Counts,
    /// Edges out of it whose other end may still want the output.
    readers: u32,
    attempts: u32,
    started: Option<Duration>,
    elapsed: Duration,
    output: Option<Output>,
    /// Few steps have trouble.
    trouble: Option<Box<Trouble>>,
}

#[derive(Default)]
struct Trouble {
    error: Option<Arc<StepError>>,
    skip_cause: Option<SkipCause>,
    /// Where a failure that leads here began.
    root: Option<u32>,
}

impl RunState {
    pub(crate) fn new(
        graph: &Graph,
        now: Instant,
        max: usize,
        keep: Keep,
        readers: Vec<Arc<Queue>>,
    ) -> Self {
        let state = |step: u32| StepState {
            status: Status::Pending,
            is_ready: false,
            counts: Counts::new(graph.inner.incoming.count(step)),
            readers: graph.inner.outgoing.count(step),
            attempts: 0,
            started: None,
            elapsed: Duration::ZERO,
            output: None,
            trouble: None,
        };
        let count = graph.inner.steps.len() as u32;
        let mut this = Self {
            graph: graph.clone(),
            started: now,
            keep,
            steps: (0..count).map(state).collect(),
            edges: vec![EdgeState::Open; graph.inner.edges.len()],
            ready: BinaryHeap::new(),
            resources: Resources::new(graph),
            max,
            workers: 0,
            running: 0,
            aborted: false,
            readers,
            effects: Effects::default(),
        };
        for step in 0..count {
            if graph.inner.incoming.count(step) == 0 {
                this.make_ready(step);
            }
        }
        this.hire();
        this
    }

    pub(crate) fn take_effects(&mut self) -> Effects {
        std::mem::take(&mut self.effects)
    }

    /// Gives a worker the next step, as running from now on. Without one, the worker is to end.
    pub(crate) fn next(&mut self, now: Instant) -> Option<(u32, StepContext)> {
        while let Some((_, _, Reverse(step))) = self.ready.pop() {
            if self.resources.take(&self.graph, step, self.rank(step)) {
                self.running += 1;
                self.steps[step as usize].started = Some(self.since_start(now));
                self.change(step, Status::Processing, now);
                let inputs = self.inputs(step);
                self.release_inputs(step);
                return Some((step, StepContext::new(self.graph.clone(), step, inputs)));
            }
        }
        self.workers -= 1;
        None
    }

    /// A worker is gone without having been told to end.
    pub(crate) fn lose_worker(&mut self) {
        self.workers -= 1;
    }

    /// Takes note of how a running step ended, and of what follows.
    pub(crate) fn end(&mut self, step: u32, ended: Ended) {
        let Ended {
            at,
            attempts,
            result,
            decisions,
        } = ended;
        self.stop(step, at);
        let state = &mut self.steps[step as usize];
        state.attempts = attempts;
        let (status, fails_fast) = match result {
            Ok(output) => {
                state.output = Some(output);
                (Status::Completed, false)
            }
            Err(error) => {
                state.trouble().error = Some(Arc::new(error));
                let more = &self.graph.inner.steps[step as usize].settings.more;
                let on_error = more.as_ref().map(|more| &more.on_error);
                if let Some(OnError::Fallback(output)) = on_error {
                    state.output = Some(output.clone());
                }
                (Status::Failed, matches!(on_error, Some(OnError::FailFast)))
            }
        };
        self.change(step, status, at);
        self.settle(step, decisions, at);
        if fails_fast {
            self.abort(at);
            self.effects.cancel = true;
        }
        self.hire();
    }

    /// A running step was dropped.
    pub(crate) fn cancel(&mut self, step: u32, attempts: u32, now: Instant) {
        self.stop(step, now);
        self.steps[step as usize].attempts = attempts;
        self.change(step, Status::Cancelled, now);
        self.settle(step, Vec::new(), now);
        self.hire();
    }

    /// The run is cancelled: what has not begun never will.
    pub(crate) fn abort(&mut self, now: Instant) {
        self.aborted = true;
        self.ready.clear();
        for step in 0..self.steps.len() as u32 {
            if self.steps[step as usize].status == Status::Pending {
                self.change(step, Status::Aborted, now);
                self.release_inputs(step);
            }
        }
    }

    pub(crate) fn report(&mut self, now: Instant) -> FlowReport {
        let wall = self.since_start(now);
        let steps = self.steps.drain(..).zip(&self.graph.inner.steps);
        let steps = steps.map(|(state, step)| {
            let trouble = state.trouble.map(|trouble| *trouble).unwrap_or_default();
            StepReport {
                name: step.name.to_string(),
                status: state.status,
                attempts: state.attempts,
                started: state.started,
                elapsed: state.elapsed,
                error: trouble.error,
                skip_cause: trouble.skip_cause,
                output: state.output,
            }
        });
        let steps = steps.collect();
        FlowReport::new(&self.graph.inner, steps, wall)
    }

    /// Asks for workers, if steps can start that nobody is there for.
    fn hire(&mut self) {
        let wanted = self.ready.len().saturating_add(self.running).min(self.max);
        let more = wanted.saturating_sub(self.workers);
        self.workers += more;
        self.effects.spawn += more;
    }

    fn rank(&self, step: u32) -> Ready {
        let graph = &self.graph.inner;
        let priority = graph.steps[step as usize].settings.priority;
        (priority, graph.remaining[step as usize], Reverse(step))
    }

    fn make_ready(&mut self, step: u32) {
        self.steps[step as usize].is_ready = true;
        self.ready.push(self.rank(step));
    }

    fn stop(&mut self, step: u32, now: Instant) {
        self.running -= 1;
        if let Some(waiting) = self.resources.give_back(&self.graph, step) {
            self.ready.push(waiting);
        }
        let elapsed = self.since_start(now);
        let state = &mut self.steps[step as usize];
        let started = state.started.unwrap_or_default();
        state.elapsed = elapsed.saturating_sub(started);
    }

    /// Settles the edges out of a step that has ended, and of those that are skipped because of it.
    fn settle(&mut self, step: u32, mut decisions: Vec<Decision>, now: Instant) {
        let graph = self.graph.clone();
        let mut ended = vec![step];
        while let Some(step) = ended.pop() {
            let edges = graph.inner.outgoing.of(step);
            let mut decided = std::mem::take(&mut decisions).into_iter();
            for number in edges {
                let decision = decided.next().unwrap_or(Decision::Live);
                let edge = &graph.inner.edges[*number as usize];
                let settled = self.settled(step, decision, edge.to);
                self.edges[*number as usize] = settled;
                let to = &mut self.steps[edge.to as usize];
                to.counts.settle(settled);
                if to.status != Status::Pending {
                    // It has gone without this input.
                    self.release(step);
                } else if !to.is_ready && self.decide(edge.to, now) {
                    ended.push(edge.to);
                }
            }
            self.drop_unread(step);
        }
    }

    /// What an edge out of a step that has ended comes to.
    fn settled(&mut self, from: u32, decision: Decision, to: u32) -> EdgeState {
        let source = &self.steps[from as usize];
        let more = &self.graph.inner.steps[from as usize].settings.more;
        let on_error = more.as_ref().map(|more| &more.on_error);
        let carried = match (source.status, on_error) {
            (Status::Completed, _) => EdgeState::Live,
            (Status::Failed, Some(OnError::Fallback(_))) => EdgeState::Live,
            (Status::Failed, Some(OnError::Continue)) => EdgeState::LiveError,
            (Status::Skipped, _) => match source.trouble.as_ref().and_then(|t| t.root) {
                None => EdgeState::Dead,
                Some(_) => EdgeState::Failed,
            },
            _ => EdgeState::Failed,
        };
        if carried == EdgeState::Failed {
            let root = source.trouble.as_ref().and_then(|t| t.root).unwrap_or(from);
            let trouble = self.steps[to as usize].trouble();
            trouble.root.get_or_insert(root);
        }
        match (carried, decision) {
            (EdgeState::Live | EdgeState::LiveError, Decision::Dead) => EdgeState::Dead,
            (EdgeState::Live | EdgeState::LiveError, Decision::Broken(error)) => {
                self.steps[to as usize].trouble().error = Some(Arc::new(error));
                EdgeState::Broken
            }
            _ => carried,
        }
    }

    /// Lets a step start, or not run at all, if what it waits for says so. Returns whether it has ended.
    fn decide(&mut self, step: u32, now: Instant) -> bool {
        let join = self.graph.inner.steps[step as usize].settings.join;
        match self.steps[step as usize].counts.verdict(join) {
            Verdict::Wait => return false,
            Verdict::Run => {
                // Nothing that led here counts any more.
                self.steps[step as usize].trouble = None;
                self.make_ready(step);
                return false;
            }
            Verdict::Broken => self.change(step, Status::Failed, now),
            Verdict::Skip { by_failure } => {
                let root = self.steps[step as usize]
                    .trouble
                    .as_ref()
                    .and_then(|t| t.root);
                let root = root.filter(|_| by_failure);
                let cause = match root {
                    Some(root) => SkipCause::Dependency {
                        step: self.graph.inner.steps[root as usize].name.to_string(),
                    },
                    None => SkipCause::Condition,
                };
                let trouble = self.steps[step as usize].trouble();
                trouble.root = root;
                trouble.skip_cause = Some(cause);
                self.change(step, Status::Skipped, now);
            }
        }
        self.release_inputs(step);
        true
    }

    /// What comes along the live edges.
    fn inputs(&self, step: u32) -> Vec<(u32, Input)> {
        let graph = &self.graph.inner;
        let edges = graph.incoming.of(step).iter();
        let inputs = edges.filter_map(|number| {
            let from = graph.edges[*number as usize].from;
            let source = &self.steps[from as usize];
            match self.edges[*number as usize] {
                EdgeState::Live => Some((from, Ok(source.output.clone()?))),
                EdgeState::LiveError => {
                    let error = source.trouble.as_ref()?.error.clone()?;
                    Some((from, Err(error)))
                }
                _ => None,
            }
        });
        let mut inputs: Vec<_> = inputs.collect();
        inputs.sort_unstable_by_key(|(from, _)| *from);
        inputs
    }

    /// A step has taken its inputs, or will never.
    fn release_inputs(&mut self, step: u32) {
        let graph = self.graph.clone();
        for number in graph.inner.incoming.of(step) {
            if self.edges[*number as usize] != EdgeState::Open {
                self.release(graph.inner.edges[*number as usize].from);
            }
        }
    }

    fn release(&mut self, from: u32) {
        self.steps[from as usize].readers -= 1;
        self.drop_unread(from);
    }

    /// Lets an output go that nobody will read.
    fn drop_unread(&mut self, step: u32) {
        let state = &mut self.steps[step as usize];
        if state.readers == 0 && !self.keep.keeps(&self.graph, step) {
            self.effects.garbage.extend(state.output.take());
        }
    }

    fn since_start(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }

    fn change(&mut self, step: u32, status: Status, now: Instant) {
        let at = self.since_start(now);
        let state = &mut self.steps[step as usize];
        debug_assert!(!state.status.is_final(), "a step ends once");
        state.status = status;
        if self.readers.is_empty() {
            return;
        }
        let event = FlowEvent {
            step: Arc::clone(&self.graph.inner.steps[step as usize].name),
            status,
            at,
            elapsed: state.elapsed,
        };
        for reader in &self.readers {
            self.effects.wakers.extend(reader.push(event.clone()));
        }
    }
}

impl StepState {
    fn trouble(&mut self) -> &mut Trouble {
        self.trouble.get_or_insert_default()
    }
}
