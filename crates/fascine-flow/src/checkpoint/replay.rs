use std::sync::Arc;

use super::journaling::Journaling;
use super::restore::{Failures, Kept, adapt};
use super::{Checkpoint, Journal, OnChange, Point, Record, ResumeError};
use crate::{Flow, FlowRun, Graph, SharedState};

/// Runs a run again from a moment of it: made by [`Flow::replay_from`].
#[derive(Debug)]
#[must_use = "nothing is run until it is started"]
pub struct Replay {
    flow: Flow,
    store: Arc<dyn Checkpoint>,
    point: Point,
    on_change: OnChange,
}

impl Flow {
    /// Runs a run again from a moment on, under its own name.
    ///
    /// Steps that had ended by then keep their results. What was started later, or was running then, is run again,
    /// idempotent or not: that is what the word means. The journal keeps what it has, and says that it counts no longer.
    pub fn replay_from(&self, store: impl Checkpoint, point: Point) -> Replay {
        Replay {
            flow: self.clone(),
            store: Arc::new(store),
            point,
            on_change: OnChange::default(),
        }
    }
}

impl Replay {
    /// Sets what is to happen if the graph is not the one that was run.
    pub fn on_change(mut self, on_change: OnChange) -> Self {
        self.on_change = on_change;
        self
    }

    /// Reads the journal, and takes the run over.
    ///
    /// # Errors
    ///
    /// [`ResumeError`] says why the run cannot go on; then nothing was written.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future may leave it recorded that the run begins again at that moment. Nothing is run before the
    /// [`FlowRun`] is polled.
    pub async fn start(self, graph: &Graph) -> Result<FlowRun, ResumeError> {
        let run = self.point.run.clone();
        let mut journal = self.store.load(run.clone()).await?;
        let end = journal.records();
        check_point(&journal, &self.point)?;
        let from = self.point.records;
        let mut records = vec![Record::Replayed { from }];
        journal.extend(records.clone());
        let adapted = adapt(&run, &journal.view(u64::MAX), graph, &self.on_change)?;
        journal.extend(adapted.clone());
        records.extend(adapted);
        let next = journal.records();
        let (kept, state) = {
            let view = journal.view(u64::MAX);
            let kept = Kept::of(&view, graph, Failures::Rerun);
            (kept, view.header.state())
        };
        let restored = kept.take(journal);
        restored.check(graph)?;
        let shared = SharedState::new(state, self.flow.history());
        restored.write_to(&shared, graph)?;
        let appended = self.store.append(run.clone(), end, records).await;
        appended.map_err(ResumeError::taking)?;
        let from = Journaling::go_on(self.store, run, next, restored);
        Ok(FlowRun::go_on(&self.flow, graph, shared, from))
    }
}

/// The journal reaches that far.
pub(super) fn check_point(journal: &Journal, point: &Point) -> Result<(), ResumeError> {
    if point.records > journal.records() {
        let point = point.clone();
        return Err(ResumeError::UnknownPoint { point });
    }
    Ok(())
}
