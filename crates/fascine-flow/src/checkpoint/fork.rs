use std::collections::HashSet;
use std::sync::Arc;

use serde::Serialize;

use super::given::Choices;
use super::journaling::Journaling;
use super::replay::check_point;
use super::restore::{Failures, Kept, adapt};
use super::{
    Checkpoint, Done, Entry, Header, Journal, OnChange, Point, Record, ResumeError, RunId,
};
use crate::path::{Prefix, outermost};
use crate::{Flow, FlowRun, Graph, SharedState, Snapshot};

/// Begins a run with what another one had at a moment of it: made by [`Flow::fork_from`].
#[derive(Debug)]
#[must_use = "nothing is run until it is started"]
pub struct Fork {
    flow: Flow,
    store: Arc<dyn Checkpoint>,
    point: Point,
    run: RunId,
    outputs: Choices,
    changed: HashSet<String>,
    state: Option<Snapshot>,
    on_change: OnChange,
}

impl Flow {
    /// Begins a run of the name `run` with what another one had at a moment of it, and leaves that one as it is.
    ///
    /// Steps that had ended by then keep their results; the others run. [Keys](crate::StepContext::idempotency_key) that
    /// are made of the run are other ones: what the fork asks for is asked for once more.
    pub fn fork_from(&self, store: impl Checkpoint, point: Point, run: RunId) -> Fork {
        Fork {
            flow: self.clone(),
            store: Arc::new(store),
            point,
            run,
            outputs: Choices::default(),
            changed: HashSet::new(),
            state: None,
            on_change: OnChange::default(),
        }
    }
}

impl Fork {
    /// Sets what a step has given, whether it had ended or not. Steps behind it run, also those that had ended.
    pub fn with_output(mut self, step: impl Into<String>, output: impl Serialize) -> Self {
        let step = step.into();
        self.changed.insert(step.clone());
        self.outputs.done(step, output);
        self
    }

    /// Sets what the steps share, in place of what they shared at that moment.
    pub fn with_state(mut self, state: Snapshot) -> Self {
        self.state = Some(state);
        self
    }

    /// Sets what is to happen if the graph is not the one that was run.
    pub fn on_change(mut self, on_change: OnChange) -> Self {
        self.on_change = on_change;
        self
    }

    /// Reads the journal, and begins the one of the fork.
    ///
    /// # Errors
    ///
    /// [`ResumeError`] says why there can be no fork; then nothing was written.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave a journal of the fork, which can be resumed. Nothing is run before the [`FlowRun`]
    /// is polled.
    pub async fn start(mut self, graph: &Graph) -> Result<FlowRun, ResumeError> {
        let mut journal = self.store.load(self.point.run.clone()).await?;
        check_point(&journal, &self.point)?;
        let replayed = Record::Replayed {
            from: self.point.records,
        };
        journal.extend(vec![replayed]);
        let adapted = adapt(
            &self.point.run,
            &journal.view(u64::MAX),
            graph,
            &self.on_change,
        )?;
        journal.extend(adapted);
        let mut view = journal.view(u64::MAX);
        let behind = behind(graph, &self.changed);
        let stays = |path: &str| {
            let outermost = outermost(path);
            !behind.contains(outermost) && !self.changed.contains(outermost)
        };
        view.steps.retain(|path, _| stays(path));
        view.nested.retain(|path, _| stays(path));
        let outputs = std::mem::take(&mut self.outputs).records(&view, graph)?;
        let copied = view.done().into_iter().map(|done| {
            let mut copied = Done {
                started: None,
                ..done.clone()
            };
            if self.state.is_some() {
                copied.writes.clear();
            }
            Record::Done(Box::new(copied))
        });
        let nested = view.nested.iter().map(|(step, graph)| Record::Nested {
            step: (*step).into(),
            graph: *graph,
        });
        let records: Vec<_> = copied.chain(nested).chain(outputs).collect();
        let mut header = Header {
            state: view.header.state.clone(),
            forked_from: Some(self.point.clone()),
            ..Header::new(graph)
        };
        if let Some(state) = &self.state {
            header = header.with_state(state);
        }
        let entries = (0..).zip(records.clone());
        let entries = entries.map(|(sequence, record)| Entry::new(sequence, record));
        let forked = Journal::new(self.run.clone(), header.clone(), entries.collect())?;
        let end = forked.records();
        let kept = Kept::of(&forked.view(u64::MAX), graph, Failures::Rerun);
        let restored = kept.take(forked);
        restored.check(graph)?;
        let shared = SharedState::new(header.state(), self.flow.history());
        restored.write_to(&shared, graph)?;
        self.store.begin(self.run.clone(), header, records).await?;
        let from = Journaling::go_on(self.store, self.run, end, restored);
        Ok(FlowRun::go_on(&self.flow, graph, shared, from))
    }
}

/// The steps that can be reached from these, by their paths.
fn behind(graph: &Graph, from: &HashSet<String>) -> HashSet<String> {
    let inner = &graph.inner;
    let mut found = vec![false; inner.steps.len()];
    let mut paths = HashSet::new();
    for step in &inner.order {
        let mut sources = inner.incoming.of(*step).iter();
        let is_behind = sources.any(|edge| {
            let from_step = inner.edges[*edge as usize].from as usize;
            found[from_step] || from.contains(&*Prefix::None.path(&inner.steps[from_step].name))
        });
        found[*step as usize] = is_behind;
        if is_behind {
            let path = Prefix::None.path(&inner.steps[*step as usize].name);
            paths.insert(path.to_string());
        }
    }
    paths
}
