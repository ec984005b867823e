use std::collections::HashMap;

use super::change::unchanged;
use super::given::decode;
use super::journal::{Last, View, What};
use super::{
    Done, Failure, GraphChange, Header, OnChange, Record, RecordedResult, ResumeError, RunId, Write,
};
use crate::decide::Decisions;
use crate::path::{self, Prefix};
use crate::run_state::{Known, KnownStep};
use crate::step::Step;
use crate::step_context::Foregone;
use crate::{Graph, Output, SharedState, StateError};

/// What a run takes from an earlier one: the results of steps, by their paths.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    steps: HashMap<Box<str>, Done>,
}

/// Whether failures are results like others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failures {
    Keep,
    Rerun,
}

impl Restored {
    pub(super) fn new(view: &View<'_>, failures: Failures) -> Self {
        let done = view.done().into_iter();
        let kept = done.filter(|done| !done.is_open || failures == Failures::Keep);
        Self {
            steps: kept.map(|done| (done.step.clone(), done.clone())).collect(),
        }
    }

    /// What is known of the steps of a graph.
    pub(crate) fn known(&mut self, graph: &Graph, prefix: &Prefix) -> Known {
        if self.steps.is_empty() {
            return Known::new();
        }
        let steps = (0..).zip(&graph.inner.steps);
        let known = steps.filter_map(|(number, step)| {
            let done = self.steps.remove(&*prefix.path(&step.name))?;
            let result = match done.result {
                RecordedResult::Output(text) => Ok(Output::recorded(text, (step.output)())),
                RecordedResult::Failure(failure) => {
                    Err(failure.to_error(&step.name, done.attempts))
                }
            };
            let known = KnownStep {
                foregone: Box::new(Foregone {
                    result,
                    attempts: done.attempts,
                    writes: done.writes,
                }),
                decisions: done.decisions.as_deref().map(Decisions::recorded),
            };
            Some((number, known))
        });
        known.collect()
    }

    /// Whether every step has a result, so that nothing is left to be written.
    pub(super) fn covers(&self, graph: &Graph) -> bool {
        let has_all = |step: &Step| {
            let done = self.steps.get(&*Prefix::None.path(&step.name));
            done.is_some_and(|done| done.decisions.is_some())
        };
        graph.inner.steps.iter().all(has_all)
    }

    /// What the steps shared: the writes of these steps, one after the other.
    pub(super) fn write_to(&self, shared: &SharedState, graph: &Graph) -> Result<(), ResumeError> {
        let mut writes: Vec<&Write> = self.steps.values().flat_map(|done| &done.writes).collect();
        writes.sort_by_key(|write| write.version);
        for write in writes {
            let reducer = graph.inner.reducers.get(&*write.key);
            let reducer = reducer.filter(|_| !write.is_reduced);
            let value = write.value.clone();
            let restored = shared.restore(write.version, &write.key, value, reducer);
            restored.map_err(|source| StateError::Reducer {
                key: write.key.to_string(),
                source,
            })?;
        }
        Ok(())
    }

    /// Holds those results to their types that steps which are yet to run will read.
    pub(super) fn check(&self, graph: &Graph) -> Result<(), ResumeError> {
        let inner = &graph.inner;
        for (number, step) in (0..).zip(&inner.steps) {
            let Some(done) = self.steps.get(&*Prefix::None.path(&step.name)) else {
                continue;
            };
            let mut targets = inner.outgoing.of(number).iter();
            let is_known = |edge: &u32| {
                let to = inner.edges[*edge as usize].to;
                let path = Prefix::None.path(&inner.steps[to as usize].name);
                self.steps.contains_key(&*path)
            };
            if let RecordedResult::Output(text) = &done.result
                && (done.decisions.is_none() || !targets.all(is_known))
            {
                decode(graph, number, text)?;
            }
        }
        Ok(())
    }
}

/// The records that make a journal one of this graph: none if it is already.
pub(super) fn adapt(
    run: &RunId,
    view: &View<'_>,
    graph: &Graph,
    on_change: &OnChange,
) -> Result<Vec<Record>, ResumeError> {
    let Some(change) = GraphChange::between(view.header, graph) else {
        return Ok(Vec::new());
    };
    let header = Header {
        state: view.header.state.clone(),
        forked_from: view.header.forked_from.clone(),
        ..Header::new(graph)
    };
    let mut records = vec![Record::Changed(Box::new(header))];
    let done = view.done();
    let done: Vec<Done> = match on_change {
        OnChange::Refuse => {
            let run = run.clone();
            return Err(ResumeError::Changed { run, change });
        }
        OnChange::KeepUnchanged => {
            let same = unchanged(view.header, graph);
            done.iter().filter_map(|done| same.done(done)).collect()
        }
        OnChange::Migrate(migration) => done
            .iter()
            .filter_map(|done| migration.done(done))
            .collect(),
    };
    records.extend(done.into_iter().map(|done| {
        Record::Done(Box::new(Done {
            started: None,
            ..done
        }))
    }));
    // Nobody knows what came of them, whatever became of the graph.
    for (step, last) in &view.steps {
        let What::Started { is_idempotent, .. } = last.what else {
            continue;
        };
        let step = match on_change {
            OnChange::Migrate(migration) => migration.path(step),
            _ => Some((*step).to_owned()),
        };
        records.extend(step.map(|step| Record::Started {
            step: step.into(),
            idempotent: is_idempotent,
        }));
    }
    Ok(records)
}

/// Steps that nobody knows the end of, and that may not be run again for that.
pub(super) fn check_undecided(view: &View<'_>, graph: &Graph) -> Result<(), ResumeError> {
    let undecided = view.steps.iter().filter(|(path, last)| {
        // Nobody asks for it any more if what ran it is done.
        let mut around = path::around(path);
        if around.any(|outer| view.steps.get(outer).is_some_and(Last::is_settled)) {
            return false;
        }
        let may_rerun = match &last.what {
            What::Started { is_idempotent, .. } => *is_idempotent,
            What::Done(done) => {
                let is_unknown = matches!(
                    done.result,
                    RecordedResult::Failure(Failure::TimedOut { .. })
                );
                !done.is_open || !is_unknown || done.is_idempotent
            }
        };
        if may_rerun {
            return false;
        }
        // It may have been declared since.
        let step = graph.inner.find_path(path);
        let more = step.and_then(|step| graph.inner.steps[step as usize].settings.more.as_ref());
        !more.is_some_and(|more| more.may_rerun())
    });
    let mut steps: Vec<_> = undecided.map(|(path, _)| (*path).to_owned()).collect();
    if steps.is_empty() {
        return Ok(());
    }
    steps.sort_unstable();
    Err(ResumeError::Undecided { steps })
}
