use std::num::NonZeroUsize;
use std::sync::Arc;

use fascine_rt::Rt;

use crate::keep::Keep;
use crate::{FlowReport, FlowRun, Graph};

/// Runs graphs.
///
/// # Defaults
///
/// - at most 5 steps at once
/// - the outputs that no other step reads are kept, the others go when their last reader is done
#[derive(Clone, Debug)]
pub struct Flow {
    rt: Rt,
    max_concurrent: usize,
    keep: Keep,
}

impl Flow {
    /// Runs the steps on `rt`.
    #[must_use]
    pub fn new(rt: &Rt) -> Self {
        Self {
            rt: rt.clone(),
            max_concurrent: 5,
            keep: Keep::Leaves,
        }
    }

    /// Sets how many steps may run at once.
    #[must_use]
    pub fn with_max_concurrent(mut self, max: NonZeroUsize) -> Self {
        self.max_concurrent = max.get();
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

    /// Keeps all outputs for the report.
    #[must_use]
    pub fn keep_all(mut self) -> Self {
        self.keep = Keep::All;
        self
    }

    /// Keeps the outputs of these steps for the report, and no others.
    #[must_use]
    pub fn keep_only(mut self, steps: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let names = steps.into_iter().map(Into::into).collect();
        self.keep = Keep::Only(Arc::new(names));
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

    pub(crate) fn rt(&self) -> &Rt {
        &self.rt
    }

    pub(crate) fn max_concurrent(&self) -> usize {
        self.max_concurrent
    }

    pub(crate) fn keep(&self) -> &Keep {
        &self.keep
    }
}
