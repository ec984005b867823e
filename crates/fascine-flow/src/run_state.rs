mod asking;
mod hiring;
mod passing;
mod recalling;
mod reporting;
mod settling;
mod step_state;

use std::collections::HashMap;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::checkpoint::Known;
use crate::decide::{Decisions, Progress};
use crate::edge_state::EdgeState;
use crate::handle::Slot;
use crate::moment::Moment;
use crate::places::{Given, Member};
use crate::ready::Ready;
use crate::ready_queue::ReadyQueue;
use crate::resources::Resources;
use crate::step_context::{Foregone, Input};
use crate::tree::Site;
use crate::{FlowReport, Graph, OnError, Output, Status, StepError};

use step_state::StepState;

/// The synchronous heart of a run: which steps can start, and what follows when one ends. It calls nothing foreign: what
/// has to be woken, dropped or spawned goes into [`Effects`], for when nothing is locked.
pub(crate) struct RunState {
    graph: Graph,
    site: Arc<Site>,
    /// When it began, after the start of the run that it is nested in.
    begun: Duration,
    steps: Vec<StepState>,
    /// What came of graphs that steps ran, which few do.
    nested: HashMap<u32, Vec<FlowReport>>,
    /// How many of them have not ended.
    open: usize,
    /// Who waits for the last of them.
    waiter: Option<Waker>,
    edges: Vec<EdgeState>,
    ready: ReadyQueue,
    /// What an earlier run of the same graph has left, if this one goes on from there.
    known: Known,
    /// Steps that can start, and ended in that run.
    recalled: Vec<u32>,
    resources: Resources,
    /// Where its places are, once other runs share them.
    places: Option<Member>,
    /// Workers that were spawned and have not ended, and those of them that run a step.
    workers: usize,
    /// Those that were spawned, and have not come yet.
    coming: usize,
    running: usize,
    /// Workers whose step waits for something.
    waiting: usize,
    /// Workers whose step waits for an answer: it does not count as running, and takes no place.
    away: usize,
    /// No more steps begin, and what has not begun stays pending.
    suspended: bool,
    /// A step has failed that ends the run.
    fatal: Option<Arc<StepError>>,
    aborted: bool,
    handles: Handles,
    errors: Vec<Arc<StepError>>,
    error_count: u64,
    effects: Effects,
    /// Steps whose edges are to be settled: empty but for a moment.
    ended: Vec<u32>,
}

/// Where the ends of steps are waited for.
pub(crate) type Handles = HashMap<u32, Arc<Slot>>;

/// What is to be done once nothing is locked.
#[derive(Default)]
pub(crate) struct Effects {
    /// So many more workers are wanted.
    pub(crate) spawn: usize,
    /// The whole run is to be cancelled.
    pub(crate) cancel: bool,
    /// Perhaps nothing goes on but the waiting for answers.
    pub(crate) look_around: bool,
    pub(crate) wakers: Vec<Waker>,
    /// What came back, and was given to another run.
    pub(crate) handed: Vec<Given>,
    /// Outputs that nobody reads any more.
    pub(crate) garbage: Vec<Output>,
}

/// A step that is to be run.
pub(crate) struct Begun {
    pub(crate) step: u32,
    /// How it ends without being run.
    pub(crate) foregone: Option<Box<Foregone>>,
}

/// How a step ended.
pub(crate) struct Ended {
    pub(crate) at: Instant,
    pub(crate) attempts: u32,
    pub(crate) result: Result<Output, StepError>,
    pub(crate) decisions: Decisions,
    /// Of the graphs that it ran.
    pub(crate) nested: Vec<FlowReport>,
}

impl RunState {
    pub(crate) fn new(graph: &Graph, site: &Arc<Site>, now: Instant, handles: Handles) -> Self {
        let count = graph.inner.steps.len() as u32;
        let mut this = Self {
            graph: graph.clone(),
            site: Arc::clone(site),
            begun: now.saturating_duration_since(site.tree.begun),
            steps: (0..count).map(|step| StepState::new(graph, step)).collect(),
            nested: HashMap::new(),
            open: count as usize,
            waiter: None,
            edges: vec![EdgeState::Open; graph.inner.edges.len()],
            ready: ReadyQueue::default(),
            known: Known::default(),
            recalled: Vec::new(),
            resources: Resources::new(graph),
            places: None,
            workers: 0,
            coming: 0,
            waiting: 0,
            away: 0,
            suspended: false,
            running: 0,
            fatal: None,
            aborted: false,
            handles,
            errors: Vec::new(),
            error_count: 0,
            effects: Effects::default(),
            ended: Vec::new(),
        };
        if let Some(recorder) = &site.tree.recorder {
            this.known = recorder.known(graph, &site.prefix);
        }
        for step in 0..count {
            if graph.inner.incoming.count(step) == 0 {
                this.make_ready(step);
            }
        }
        this.recall(now);
        this
    }

    /// Gives what is to be done, for effects that are done: so that their lists are made once.
    pub(crate) fn swap_effects(&mut self, done: &mut Effects) {
        std::mem::swap(&mut self.effects, done);
    }

    /// Gives a worker the next step, as running from now on, and puts what it gets into an empty list. Without one, the
    /// worker is to end.
    pub(crate) fn next(&mut self, now: Instant, inputs: &mut Vec<(u32, Input)>) -> Option<Begun> {
        if let Some(member) = &self.places
            && let Some(ready) = self.ready.peek()
            && member
                .limit
                .is_wanted_before(self.site.rank(ready.priority()))
        {
            self.lose_worker();
            self.hire();
            return None;
        }
        while !self.has_too_many_workers()
            && let Some(ready) = self.ready.pop()
        {
            let step = ready.step();
            if self.resources.take(&self.graph, &self.site, step, ready) {
                self.running += 1;
                self.steps[step as usize].started = Some(Moment::after(self.since_start(now)));
                self.change(step, Status::Processing, now);
                self.take_inputs(step, inputs);
                let trouble = self.steps[step as usize].trouble.as_mut();
                let broken = trouble.and_then(|trouble| trouble.broken.take());
                let foregone = match broken {
                    Some(error) => Some(Foregone::broken(error)),
                    None => self.known_result(step),
                };
                return Some(Begun { step, foregone });
            }
        }
        self.lose_worker();
        self.look_around();
        None
    }

    /// Takes note of how a running step ended, and of what follows.
    pub(crate) fn end(&mut self, step: u32, ended: Ended) {
        let Ended {
            at,
            attempts,
            result,
            decisions,
            nested,
        } = ended;
        self.stop(step, at);
        if !self.steps[step as usize].status.is_final() {
            self.keep_nested(step, nested);
            self.conclude(step, attempts, result, decisions, at);
            self.recall(at);
        } else if !self.aborted && decisions.progress == Progress::Answered {
            self.settle_rest(step, decisions, at);
        }
        self.hire();
    }

    /// The work of a step is done, and some of its conditions take their time: what does not depend on them follows. It
    /// keeps its place until they have answered.
    pub(crate) fn end_work(&mut self, step: u32, ended: Ended) {
        if self.steps[step as usize].status.is_final() {
            return;
        }
        self.set_elapsed(step, ended.at);
        self.keep_nested(step, ended.nested);
        self.conclude(
            step,
            ended.attempts,
            ended.result,
            ended.decisions,
            ended.at,
        );
        self.hire();
    }

    fn conclude(
        &mut self,
        step: u32,
        attempts: u32,
        result: Result<Output, StepError>,
        decisions: Decisions,
        at: Instant,
    ) {
        let state = &mut self.steps[step as usize];
        state.attempts = attempts;
        let status = match result {
            Ok(output) => {
                state.output = Some(output);
                Status::Completed
            }
            Err(error) => {
                self.fail(step, error);
                Status::Failed
            }
        };
        self.change(step, status, at);
        if decisions.progress != Progress::Cut {
            self.settle(step, decisions, at);
        }
    }

    /// A running step was dropped: the whole run is.
    pub(crate) fn cancel(
        &mut self,
        step: u32,
        attempts: u32,
        nested: Vec<FlowReport>,
        now: Instant,
    ) {
        // Before what is behind it could be taken for skipped.
        self.abandon(now);
        self.stop(step, now);
        if self.steps[step as usize].status.is_final() {
            return;
        }
        self.keep_nested(step, nested);
        self.steps[step as usize].attempts = attempts;
        self.change(step, Status::Cancelled, now);
        if self.suspended {
            return;
        }
        self.settle(step, Decisions::default(), now);
        self.hire();
    }

    /// The run is cancelled: what has not begun never will.
    pub(crate) fn abort(&mut self, now: Instant) {
        if std::mem::replace(&mut self.aborted, true) {
            return;
        }
        self.suspended = false;
        self.ready.clear();
        self.resources.abort(&self.graph, &mut self.effects);
        for step in 0..self.steps.len() as u32 {
            if self.steps[step as usize].status == Status::Pending {
                self.change(step, Status::Aborted, now);
                self.release_inputs(step);
            }
        }
    }

    fn rank(&self, step: u32) -> Ready {
        let graph = &self.graph.inner;
        let priority = graph.steps[step as usize].settings.priority;
        Ready::new(priority, graph.remaining[step as usize], step)
    }

    fn make_ready(&mut self, step: u32) {
        self.steps[step as usize].is_ready = true;
        if self.is_recalled(step) {
            self.recalled.push(step);
        } else if !self.suspended {
            self.ready.push(self.rank(step));
        }
    }

    fn stop(&mut self, step: u32, now: Instant) {
        self.running -= 1;
        let (graph, effects) = (&self.graph, &mut self.effects);
        let waiting = self.resources.give_back(graph, step, effects);
        let begins_more = !self.aborted && !self.suspended;
        self.ready.extend(waiting.filter(|_| begins_more));
        if !self.steps[step as usize].status.is_final() {
            self.set_elapsed(step, now);
        }
        self.wake_if_stopped();
    }

    fn set_elapsed(&mut self, step: u32, now: Instant) {
        let elapsed = self.since_start(now);
        let state = &mut self.steps[step as usize];
        let started = state.started.map_or(elapsed, Moment::duration);
        state.elapsed = Moment::after(elapsed.saturating_sub(started));
    }

    fn fail(&mut self, step: u32, error: StepError) {
        self.never_ask(step);
        let error = Arc::new(error);
        self.error_count += 1;
        if self.errors.len() < ERRORS_KEPT {
            self.errors.push(Arc::clone(&error));
        }
        let state = &mut self.steps[step as usize];
        state.trouble().error = Some(Arc::clone(&error));
        let more = &self.graph.inner.steps[step as usize].settings.more;
        match more.as_ref().map(|more| &more.on_error) {
            Some(OnError::FailFast) => {
                self.fatal.get_or_insert(error);
            }
            Some(OnError::Fallback(output)) => state.output = Some(output.clone()),
            _ => {}
        }
    }

    fn since_start(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.site.tree.begun)
    }

    fn change(&mut self, step: u32, status: Status, now: Instant) {
        let state = &mut self.steps[step as usize];
        let before = state.status;
        debug_assert!(before.can_become(status), "{before} became {status}");
        state.status = status;
        if status.is_final() {
            self.open -= 1;
            if self.open == 0 {
                self.effects.wakers.extend(self.waiter.take());
            }
        }
        if status.is_final()
            && !self.handles.is_empty()
            && let Some(slot) = self.handles.remove(&step)
        {
            let wakers = slot.fill(|| self.step_report(step));
            self.effects.wakers.extend(wakers);
        }
        self.tell(step, now, None);
    }
}

/// How many errors a report lists.
const ERRORS_KEPT: usize = 100;

// Their locks are no model's.
#[cfg(test)]
#[cfg(not(any(loom, shuttle)))]
mod tests {
    use std::num::NonZeroUsize;

    use fascine_testing::TestRuntime;

    use super::*;
    use crate::tree::Tree;
    use crate::{Flow, GraphBuilder};

    /// A run whose first step runs, with its number.
    fn begun(graph: GraphBuilder) -> (RunState, u32, Instant) {
        let rt = TestRuntime::new().rt();
        let (graph, now) = (graph.build().unwrap(), rt.now());
        let flow = Flow::new(&rt).keep_all();
        let (shared, bounds) = (flow.shared_state(), flow.bounds());
        let tree = Tree::new(shared, now, Arc::default(), Arc::default(), bounds, None);
        let mut state = RunState::new(&graph, &Site::root(tree), now, Handles::new());
        state.begin(None);
        state.arrive();
        let begun = state.next(now, &mut Vec::new()).unwrap();
        (state, begun.step, now)
    }

    #[test]
    fn what_waits_for_a_resource_never_begins_once_the_run_is_cancelled() {
        for ends in [true, false] {
            let mut graph = GraphBuilder::new();
            graph.resource("disk", NonZeroUsize::MIN);
            for name in ["first", "second"] {
                graph.step(name, |_| async { Ok(()) }).resource("disk");
            }
            let (mut state, first, now) = begun(graph);
            assert!(
                state.next(now, &mut Vec::new()).is_none(),
                "the second waits"
            );
            state.abort(now);
            if ends {
                let ended = Ended {
                    at: now,
                    attempts: 1,
                    result: Ok(Output::new(())),
                    decisions: Decisions::default(),
                    nested: Vec::new(),
                };
                state.end(first, ended);
            } else {
                state.cancel(first, 1, Vec::new(), now);
            }
            assert_eq!(state.ready.len(), 0);
            assert_eq!(state.steps[1].status, Status::Aborted);
        }
    }

    #[test]
    fn what_is_behind_a_dropped_step_is_aborted_not_skipped() {
        let mut graph = GraphBuilder::new();
        let first = graph.step("first", |_| async { Ok(()) }).id();
        graph.then("behind", first, |_, _| async { Ok(()) });
        let (mut state, first, now) = begun(graph);
        state.cancel(first, 1, Vec::new(), now);
        let statuses: Vec<_> = state.steps.iter().map(|step| step.status).collect();
        assert_eq!(statuses, [Status::Cancelled, Status::Aborted]);
    }
}
