use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use fascine_rt::Rt;

use crate::keep::Keep;
use crate::tree::Bounds;
use crate::{Checkpoint, FlowReport, FlowRun, FlowStream, Graph, RunId, SharedState, Snapshot};

/// Runs graphs.
///
/// # Defaults
///
/// - at most 5 steps at once
/// - no limit on the time
/// - at most 10,000 steps in graphs that steps run, and 16 of them in each other
/// - a shared state that begins empty, and keeps its last 64 snapshots
/// - the outputs that no other step reads are kept, the others go when their last reader is done
/// - nothing is recorded
#[derive(Clone, Debug)]
pub struct Flow {
    rt: Rt,
    bounds: Bounds,
    timeout: Option<Duration>,
    state: Snapshot,
    history: NonZeroUsize,
    checkpoint: Option<(Arc<dyn Checkpoint>, RunId)>,
}

impl Flow {
    /// Runs the steps on `rt`.
    #[must_use]
    pub fn new(rt: &Rt) -> Self {
        Self {
            rt: rt.clone(),
            bounds: Bounds {
                keep: Keep::Leaves,
                max_concurrent: 5,
                max_growth: 10_000,
                max_depth: 16,
                suspends_when_waiting: false,
            },
            timeout: None,
            state: Snapshot::default(),
            history: HISTORY,
            checkpoint: None,
        }
    }

    /// Sets how many steps may run at once.
    #[must_use]
    pub fn with_max_concurrent(mut self, max: NonZeroUsize) -> Self {
        self.bounds.max_concurrent = max.get();
        self
    }

    /// Runs one step at a time.
    #[must_use]
    pub fn sequential(self) -> Self {
        self.with_max_concurrent(NonZeroUsize::MIN)
    }

    /// Runs every step that can run.
    #[must_use]
    pub fn unlimited(self) -> Self {
        self.with_max_concurrent(NonZeroUsize::MAX)
    }

    /// Sets how many further steps may come with the graphs that [steps run](crate::NestedRun), in each run. The graph
    /// that would bring more is not run: [`GrowthError::TooManySteps`](crate::GrowthError::TooManySteps).
    #[must_use]
    pub fn with_max_growth(mut self, steps: usize) -> Self {
        self.bounds.max_growth = steps;
        self
    }

    /// Sets how deep graphs may be that [steps run](crate::NestedRun), steps of which run graphs. With 0 no step can run
    /// one. A graph that would be deeper is not run: [`GrowthError::TooDeep`](crate::GrowthError::TooDeep).
    #[must_use]
    pub fn with_max_depth(mut self, depth: u32) -> Self {
        self.bounds.max_depth = depth;
        self
    }

    /// Cancels a run that takes longer. Its report tells how far it came, and that its time was over.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets what the shared state of each run begins with. Runs do not share it with each other.
    #[must_use]
    pub fn with_state(mut self, state: Snapshot) -> Self {
        self.state = state;
        self
    }

    /// Sets how many snapshots of its shared state a run keeps, the present one among them.
    #[must_use]
    pub fn with_history(mut self, snapshots: NonZeroUsize) -> Self {
        self.history = snapshots;
        self
    }

    /// Suspends a run as soon as nothing goes on in it but the waiting for [answers](crate::GraphBuilder::ask), as a
    /// [`Suspender`](crate::Suspender) does. With a [checkpoint](Self::with_checkpoint), it can be
    /// [resumed](Self::resume) by another process, with the answers; without one, what it did is in its report alone.
    #[must_use]
    pub fn suspend_when_waiting(mut self) -> Self {
        self.bounds.suspends_when_waiting = true;
        self
    }

    /// Keeps all outputs for the report.
    #[must_use]
    pub fn keep_all(mut self) -> Self {
        self.bounds.keep = Keep::All;
        self
    }

    /// Keeps the outputs of these steps for the report, and no others. Steps that other steps run are named by their paths,
    /// as in `parent/name`. What steps run is not known beforehand, so a name that no step has is no error.
    #[must_use]
    pub fn keep_only(mut self, steps: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let names = steps.into_iter().map(Into::into).collect();
        self.bounds.keep = Keep::Only(Arc::new(names));
        self
    }

    /// Records each step of the run in `store`, under that name: before it begins, and when it has ended. What the run
    /// did not come to, another one can take up: see [`resume`](Self::resume).
    ///
    /// A name is for one run: when the store has it already no step begins, and the
    /// [report](FlowReport::checkpoint_error) says so. The same happens from the moment on when the store fails. Records
    /// are written by the [`FlowRun`] itself: if nobody polls it, no further step begins.
    #[must_use]
    pub fn with_checkpoint(mut self, store: impl Checkpoint, run: RunId) -> Self {
        self.checkpoint = Some((Arc::new(store), run));
        self
    }

    /// Runs the graph to its end.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the steps that are running.
    pub async fn run(&self, graph: &Graph) -> FlowReport {
        self.start(graph).await
    }

    /// Prepares a run that can be watched and cancelled.
    pub fn start(&self, graph: &Graph) -> FlowRun {
        FlowRun::new(self, graph)
    }

    /// Prepares a run that tells what happens as a stream.
    pub fn stream(&self, graph: &Graph) -> FlowStream {
        FlowStream::new(self.start(graph))
    }

    pub(crate) fn rt(&self) -> &Rt {
        &self.rt
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    pub(crate) fn shared_state(&self) -> SharedState {
        SharedState::new(self.state.clone(), self.history)
    }

    pub(crate) fn checkpoint(&self) -> Option<&(Arc<dyn Checkpoint>, RunId)> {
        self.checkpoint.as_ref()
    }

    pub(crate) fn history(&self) -> NonZeroUsize {
        self.history
    }
}

const HISTORY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);
