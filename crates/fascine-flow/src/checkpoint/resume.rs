use std::sync::Arc;

use serde::Serialize;

use super::given::Choices;
use super::journal::View;
use super::journaling::Journaling;
use super::restore::{Failures, Kept, adapt, check_undecided};
use super::{Checkpoint, OnChange, Record, ResumeError, RunId};
use crate::{Flow, FlowRun, Graph, SharedState, Snapshot};

/// Goes on with a run that came to no end: made by [`Flow::resume`].
///
/// # Defaults
///
/// - a graph that has changed is refused
/// - steps that failed run again, unless the run went on with something in their place
#[derive(Debug)]
#[must_use = "nothing is run until it is started"]
pub struct Resume {
    flow: Flow,
    store: Arc<dyn Checkpoint>,
    run: RunId,
    choices: Choices,
    on_change: OnChange,
    failures: Failures,
}

impl Flow {
    /// Goes on with a run of which `store` has the journal, in this or another process.
    ///
    /// Steps that are done keep their results, and conditions that were asked keep their answers. What the steps share is
    /// made of what those steps wrote. The others run, steps that failed among them; a step that was started, and of
    /// which nobody knows what came of it, only if it is declared [idempotent](crate::StepBuilder::idempotent), or if it
    /// is [decided](Resume::rerun) so.
    ///
    /// ```
    /// use fascine_flow::{Flow, GraphBuilder, MemoryCheckpoint, RunId};
    /// use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// static LOADED: AtomicU32 = AtomicU32::new(0);
    /// let graph = |is_up: bool| {
    ///     let mut graph = GraphBuilder::new();
    ///     let load = graph.step("load", |_| async { Ok(LOADED.fetch_add(1, Relaxed) + 3) }).id();
    ///     graph.then("send", load, move |_, rows| async move {
    ///         if is_up { Ok(*rows) } else { Err("the network is down".into()) }
    ///     });
    ///     graph.build()
    /// };
    /// let (store, run) = (MemoryCheckpoint::new(), RunId::new("monday")?);
    /// let flow = Flow::new(&rt).with_checkpoint(store.clone(), run.clone());
    /// assert!(!flow.run(&graph(false)?).await.is_success());
    ///
    /// let report = Flow::new(&rt).resume(store, run).start(&graph(true)?).await?.await;
    /// assert_eq!(report.step("send").unwrap().json(), Some(3.into()));
    /// assert_eq!(LOADED.load(Relaxed), 1);
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn resume(&self, store: impl Checkpoint, run: RunId) -> Resume {
        Resume {
            flow: self.clone(),
            store: Arc::new(store),
            run,
            choices: Choices::default(),
            on_change: OnChange::default(),
            failures: Failures::Rerun,
        }
    }
}

impl Resume {
    /// Gives the answer that a step [waits](crate::Journal::open_questions) for, or will wait for. It is recorded before
    /// the run goes on.
    pub fn answer(mut self, step: impl Into<String>, answer: impl Serialize) -> Self {
        self.choices.answer(step.into(), answer);
        self
    }

    /// Lets a step fail that waits for an answer, as [`Answers::decline`](crate::Answers::decline) does.
    pub fn decline(mut self, step: impl Into<String>, reason: impl Into<String>) -> Self {
        self.choices.decline(step.into(), reason.into());
        self
    }

    /// Says that a step is done, and what it gave: what nobody knows the end of, what failed, or what never began.
    pub fn assume_done(mut self, step: impl Into<String>, output: impl Serialize) -> Self {
        self.choices.done(step.into(), output);
        self
    }

    /// Says that a step has failed, and why. It does not run again.
    pub fn assume_failed(mut self, step: impl Into<String>, reason: impl Into<String>) -> Self {
        self.choices.failed(step.into(), reason.into());
        self
    }

    /// Says that a step is to run again of which nobody knows what came of it, or that has failed.
    pub fn rerun(mut self, step: impl Into<String>) -> Self {
        self.choices.rerun(step.into());
        self
    }

    /// Lets steps that have failed stay failed. What is behind them is skipped, as it would have been.
    pub fn keep_failures(mut self) -> Self {
        self.failures = Failures::Keep;
        self
    }

    /// Sets what is to happen if the graph is not the one that was run.
    pub fn on_change(mut self, on_change: OnChange) -> Self {
        self.on_change = on_change;
        self
    }

    /// Reads the journal, and takes the run over, if something is left to be done.
    ///
    /// # Errors
    ///
    /// [`ResumeError`] says why the run cannot go on; then nothing was written.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave it recorded that the run was taken over. Nothing is run before the [`FlowRun`] is
    /// polled.
    pub async fn start(self, graph: &Graph) -> Result<FlowRun, ResumeError> {
        let mut journal = self.store.load(self.run.clone()).await?;
        let end = journal.records();
        let view = journal.view(end);
        let mut records = adapt(&self.run, &view, graph, &self.on_change)?;
        let is_same = records.is_empty() && self.choices.is_empty();
        records.push(Record::Resumed {});
        let (kept, state) = if is_same {
            let planned = plan(&view, graph, self.failures)?;
            drop(view);
            planned
        } else {
            drop(view);
            journal.extend(records.clone());
            let choices = self.choices.records(&journal.view(u64::MAX), graph)?;
            journal.extend(choices.clone());
            records.extend(choices);
            plan(&journal.view(u64::MAX), graph, self.failures)?
        };
        let restored = kept.take(journal);
        restored.check(graph)?;
        let shared = SharedState::new(state, self.flow.history());
        restored.write_to(&shared, graph)?;
        let mut next = end;
        // Where nothing is left to be done, nobody can be in the way.
        if !(is_same && restored.covers(graph)) {
            next += records.len() as u64;
            let appended = self.store.append(self.run.clone(), end, records).await;
            appended.map_err(ResumeError::taking)?;
        }
        let from = Journaling::go_on(self.store, self.run, next, restored);
        Ok(FlowRun::go_on(&self.flow, graph, shared, from))
    }
}

/// What the run goes on from: results, and what the steps shared at the beginning.
fn plan(
    view: &View<'_>,
    graph: &Graph,
    failures: Failures,
) -> Result<(Kept, Snapshot), ResumeError> {
    check_undecided(view, graph)?;
    let kept = Kept::of(view, graph, failures);
    Ok((kept, view.header.state()))
}
