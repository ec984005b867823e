use hashbrown::{HashMap, HashSet};

use super::change::unchanged;
use super::given::decode;
use super::journal::{Last, View, What};
use super::known::Known;
use super::{
    CheckpointError, Done, Failure, GraphChange, Header, Journal, OnChange, Record, RecordedResult,
    ResumeError, RunId, Write,
};
use crate::Fingerprint;
use crate::path::{self, Prefix};
use crate::{Graph, SharedState, StateError};

/// What a run takes from an earlier one: the results of steps.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    /// Of the graph itself.
    steps: Known,
    /// By their paths: of the graphs that steps ran, and of steps that are no more.
    within: HashMap<Box<str>, Box<Done>>,
    nested: HashMap<Box<str>, Fingerprint>,
}

/// Where in a journal the results are that count.
#[derive(Debug)]
pub(super) struct Kept {
    steps: Vec<Option<usize>>,
    within: Vec<usize>,
    nested: HashMap<Box<str>, Fingerprint>,
}

/// Whether failures are results like others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failures {
    Keep,
    Rerun,
}

impl Kept {
    pub(super) fn of(view: &View<'_>, graph: &Graph, failures: Failures) -> Self {
        let place = |last: &Last<'_>| match last.what {
            What::Done(done) if !done.is_open || failures == Failures::Keep => Some(last.at),
            _ => None,
        };
        let steps = graph.inner.steps.iter().map(|step| {
            let path = Prefix::None.path(&step.name);
            view.steps.get(&*path).and_then(place)
        });
        let steps: Vec<_> = steps.collect();
        let mut within = Vec::new();
        if steps.iter().flatten().count() < view.steps.len() {
            let own: HashSet<usize> = steps.iter().flatten().copied().collect();
            let places = view.steps.values().filter_map(place);
            within.extend(places.filter(|at| !own.contains(at)));
        }
        Self {
            steps,
            within,
            nested: view
                .nested
                .iter()
                .map(|(path, graph)| ((*path).into(), *graph))
                .collect(),
        }
    }

    /// Takes them out of the journal.
    pub(super) fn take(self, mut journal: Journal) -> Restored {
        let mut take = |at| journal.take_done(at);
        let within = self.within.into_iter().filter_map(&mut take);
        Restored {
            within: within.map(|done| (done.step.clone(), done)).collect(),
            steps: Known::new(self.steps.into_iter().map(|at| at.and_then(&mut take))),
            nested: self.nested,
        }
    }
}

impl Restored {
    /// The graph whose steps had paths that begin so.
    pub(super) fn nested(&self, path: &str) -> Option<Fingerprint> {
        self.nested.get(path).copied()
    }

    /// What is known of the steps of a graph.
    pub(crate) fn known(&mut self, graph: &Graph, prefix: &Prefix) -> Known {
        if let Prefix::None = prefix {
            return std::mem::take(&mut self.steps);
        }
        if self.within.is_empty() {
            return Known::default();
        }
        let steps = graph.inner.steps.iter();
        Known::new(steps.map(|step| self.within.remove(&*prefix.path(&step.name))))
    }

    /// Whether every step has a result, so that nothing is left to be written.
    pub(super) fn covers(&self, graph: &Graph) -> bool {
        let count = graph.inner.steps.len() as u32;
        (0..count).all(|step| self.steps.is_decided(step))
    }

    /// What the steps shared: the writes of these steps, one after the other.
    pub(super) fn write_to(&self, shared: &SharedState, graph: &Graph) -> Result<(), ResumeError> {
        let within = self.within.values().map(|done| &**done);
        let done = self.steps.all().chain(within);
        let mut writes: Vec<&Write> = done.flat_map(|done| &done.writes).collect();
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
        for number in 0..inner.steps.len() as u32 {
            let mut targets = inner.outgoing.of(number).iter();
            let is_known = |edge: &u32| {
                let to = inner.edges[*edge as usize].to;
                self.steps.done(to).is_some()
            };
            if let Some(done) = self.steps.done(number)
                && let RecordedResult::Output(text) = &done.result
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
    if view.header.fingerprint == graph.prints().whole {
        return Ok(Vec::new());
    }
    let before = view.header.steps().ok_or_else(|| {
        let run = run.clone();
        CheckpointError::Header { run }
    })?;
    let header = Header {
        state: view.header.state.clone(),
        forked_from: view.header.forked_from.clone(),
        ..Header::new(graph)
    };
    let mut records = vec![Record::Changed(Box::new(header))];
    let done = view.done();
    let done: Vec<Done> = match on_change {
        OnChange::Refuse => {
            return Err(ResumeError::Changed {
                run: run.clone(),
                change: GraphChange::between(view.header, &before, graph),
            });
        }
        OnChange::KeepUnchanged => {
            let same = unchanged(view.header, &before, graph);
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
    if let OnChange::KeepUnchanged = on_change {
        let same = unchanged(view.header, &before, graph);
        let nested = view.nested.iter().filter(|(step, _)| same.has(step));
        let nested = nested.map(|(step, graph)| Record::Nested {
            step: (*step).into(),
            graph: *graph,
        });
        records.extend(nested);
    }
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
        // Nobody asks for it any more if what ran it is done.
        let mut around = path::around(path);
        if around.any(|outer| view.steps.get(outer).is_some_and(Last::is_settled)) {
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
