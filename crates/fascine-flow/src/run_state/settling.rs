use std::time::Instant;

use super::RunState;
use crate::decide::{Decisions, Progress};
use crate::edge::Condition;
use crate::edge_state::{Decision, EdgeState, Verdict};
use crate::{OnError, SkipCause, Status};

/// What follows for the other steps when one has ended.
impl RunState {
    /// Settles the edges out of a step that has ended, of those that are skipped because of it, and of those that waited
    /// for one of them to be run in their place.
    pub(super) fn settle(&mut self, step: u32, decisions: Decisions, now: Instant) {
        let mut ended = std::mem::take(&mut self.ended);
        self.settle_one(step, decisions, now, &mut ended);
        self.settle_all(ended, now);
    }

    /// Settles the edges that wait for conditions, out of a step whose others are settled, and out of those in whose place
    /// it was run.
    pub(super) fn settle_rest(&mut self, step: u32, decisions: Decisions, now: Instant) {
        let mut ended = std::mem::take(&mut self.ended);
        let Decisions { own, rescued, .. } = decisions;
        self.settle_edges(step, Asked::All(own), now, &mut ended);
        let mut rescued = rescued.into_iter();
        let mut next = self.graph.inner.rescues.get(&step).copied();
        while let Some(step) = next {
            let decisions = rescued.next().unwrap_or_default();
            self.settle_edges(step, Asked::All(decisions), now, &mut ended);
            next = self.graph.inner.rescues.get(&step).copied();
        }
        self.settle_all(ended, now);
    }

    /// Settles what is behind steps that were skipped.
    fn settle_all(&mut self, mut ended: Vec<u32>, now: Instant) {
        while let Some(step) = ended.pop() {
            self.settle_one(step, Decisions::default(), now, &mut ended);
        }
        self.ended = ended;
        if self.fatal.is_some() && !self.aborted {
            self.abort(now);
            self.effects.cancel = true;
        }
    }

    fn settle_one(&mut self, step: u32, decisions: Decisions, now: Instant, ended: &mut Vec<u32>) {
        let Decisions {
            own,
            rescued,
            progress,
        } = decisions;
        let asked = |decisions| match progress {
            Progress::Open => Asked::Later,
            _ => Asked::All(decisions),
        };
        let mut rescued = rescued.into_iter();
        // Those it stands in for get what it gave, though nobody may read it here.
        let output = match self.graph.inner.rescues.contains_key(&step) {
            true => self.steps[step as usize].output.clone(),
            false => None,
        };
        let gives = self.gives(step);
        self.settle_edges(step, asked(own), now, ended);
        let mut step = step;
        while let Some(of) = self.graph.inner.rescues.get(&step).copied() {
            if self.awaits_rescue(step) || !self.awaits_rescue(of) {
                break;
            }
            let state = &mut self.steps[of as usize];
            state.trouble().rescued = Some(gives);
            if gives {
                state.output.clone_from(&output);
            }
            let decisions = rescued.next().unwrap_or_default();
            let asked = match gives {
                true => asked(decisions),
                // No condition is asked of what has failed.
                false => Asked::All(Vec::new()),
            };
            self.settle_edges(of, asked, now, ended);
            step = of;
        }
        self.effects.garbage.extend(output);
    }

    /// Whether a step that has ended gives something to those behind it.
    fn gives(&self, step: u32) -> bool {
        match self.steps[step as usize].status {
            Status::Completed => true,
            Status::Failed => self.graph.inner.fallback(step).is_some(),
            _ => false,
        }
    }

    /// Whether a step has failed, and another one is yet to run in its place.
    fn awaits_rescue(&self, step: u32) -> bool {
        let state = &self.steps[step as usize];
        let rescued = state.trouble.as_ref().and_then(|t| t.rescued);
        state.status == Status::Failed
            && rescued.is_none()
            && self.graph.inner.rescuer(step).is_some()
    }

    fn settle_edges(&mut self, step: u32, asked: Asked, now: Instant, ended: &mut Vec<u32>) {
        let (decisions, is_open) = match asked {
            Asked::All(decisions) => (decisions, false),
            Asked::Later => (Vec::new(), true),
        };
        let is_failing = self.awaits_rescue(step);
        // All its edges are live then, but for one to a fallback step.
        let is_plain =
            decisions.is_empty() && self.steps[step as usize].status == Status::Completed;
        let mut decided = decisions.into_iter();
        for place in self.graph.inner.outgoing.range(step) {
            let decision = match is_plain {
                true => Decision::Live,
                false => decided.next().unwrap_or(Decision::Live),
            };
            let number = self.graph.inner.outgoing.at(place);
            let edge = &self.graph.inner.edges[number as usize];
            let (to, for_failure) = (edge.to, matches!(edge.condition(), Condition::OnFailure));
            let is_early = (is_failing && !for_failure) || (is_open && edge.is_decided());
            if is_early || self.is_settled(number) {
                continue;
            }
            let settled = match for_failure {
                true if is_failing => EdgeState::Rescue,
                true => self.settled(step, Decision::Dead, to),
                false if is_plain => EdgeState::Live,
                false => self.settled(step, decision, to),
            };
            self.edges[number as usize] = settled;
            let state = &mut self.steps[to as usize];
            state.counts.settle(settled);
            if state.status != Status::Pending {
                // It has gone without this input.
                self.release(step);
            } else if state.waits() && self.decide(to, now) {
                ended.push(to);
            }
        }
        self.drop_unread(step);
    }

    fn is_settled(&self, edge: u32) -> bool {
        self.edges[edge as usize] != EdgeState::Open
    }

    /// What an edge out of a step that has ended comes to.
    fn settled(&mut self, from: u32, decision: Decision, to: u32) -> EdgeState {
        let source = &self.steps[from as usize];
        let more = &self.graph.inner.steps[from as usize].settings.more;
        let on_error = more.as_ref().map(|more| &more.on_error);
        let trouble = source.trouble.as_ref();
        let carried = match (source.status, on_error) {
            (Status::Completed, _) => EdgeState::Live,
            (Status::Failed, Some(OnError::Fallback(_))) => EdgeState::Live,
            (Status::Failed, Some(OnError::FallbackStep(_)))
                if trouble.and_then(|t| t.rescued) == Some(true) =>
            {
                EdgeState::Live
            }
            (Status::Failed, Some(OnError::Continue)) => EdgeState::LiveError,
            (Status::Skipped, _) => match trouble.and_then(|t| t.root) {
                None => EdgeState::Dead,
                Some(_) => EdgeState::Failed,
            },
            _ => EdgeState::Failed,
        };
        let root = source.trouble.as_ref().and_then(|t| t.root).unwrap_or(from);
        let (settled, broken) = match (carried, decision) {
            (EdgeState::Live | EdgeState::LiveError, Decision::Dead) => (EdgeState::Dead, None),
            (EdgeState::Live | EdgeState::LiveError, Decision::Broken(error)) => {
                (EdgeState::Broken, Some(error))
            }
            _ => (carried, None),
        };
        let step = &self.graph.inner.steps[to as usize];
        let is_failure = match settled {
            EdgeState::Failed => true,
            EdgeState::LiveError => step.settings.join.refuses_errors(),
            _ => false,
        };
        let to = &mut self.steps[to as usize];
        // What comes after a step was sure to run is no trouble of its own.
        if to.waits() && is_failure {
            to.trouble().root.get_or_insert(root);
        }
        if to.waits() && broken.is_some() {
            to.trouble().broken = broken;
        }
        settled
    }

    /// Lets a step start, or not run at all, if what it waits for says so. Returns whether it has ended.
    fn decide(&mut self, step: u32, now: Instant) -> bool {
        let state = &self.steps[step as usize];
        if state.counts.is_open() && !state.is_early {
            return false;
        }
        let join = self.graph.inner.steps[step as usize].settings.join;
        let edges = self.graph.inner.incoming.count(step);
        match state.counts.verdict(join, edges) {
            Verdict::Wait => return false,
            Verdict::Run => {
                // Nothing that led here counts any more.
                self.steps[step as usize].trouble = None;
                self.make_ready(step);
                return false;
            }
            Verdict::Broken => {
                // It fails when its turn comes: its worker asks the conditions of the edges out of it.
                self.steps[step as usize].trouble().root = None;
                self.make_ready(step);
                return false;
            }
            Verdict::Skip { by_failure } => {
                let root = self.steps[step as usize]
                    .trouble
                    .as_ref()
                    .and_then(|t| t.root);
                let root = root.filter(|_| by_failure);
                let cause = match root {
                    Some(root) => SkipCause::Dependency {
                        step: self.path(root).to_string(),
                    },
                    None => SkipCause::Condition,
                };
                let trouble = self.steps[step as usize].trouble();
                trouble.root = root;
                trouble.skip_cause = Some(cause);
                self.never_ask(step);
                self.change(step, Status::Skipped, now);
            }
        }
        self.release_inputs(step);
        true
    }
}

/// What the conditions of the edges out of a step say.
enum Asked {
    /// Edge by edge; nothing if there are none.
    All(Vec<Decision>),
    /// They will be asked.
    Later,
}
