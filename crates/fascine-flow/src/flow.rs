use std::num::NonZeroUsize;

use fascine_rt::Rt;

use crate::{FlowReport, FlowRun, Graph};

/// Runs graphs.
///
/// # Defaults
///
/// - at most 5 steps at once
#[derive(Clone, Debug)]
pub struct Flow {
    rt: Rt,
    max_concurrent: usize,
}

impl Flow {
    /// Runs the steps on `rt`.
    #[must_use]
    pub fn new(rt: &Rt) -> Self {
        Self {
            rt: rt.clone(),
            max_concurrent: 5,
        }
    }

    /// Sets how many steps may run at once.
    #[must_use]
    pub const fn with_max_concurrent(mut self, max: NonZeroUsize) -> Self {
        self.max_concurrent = max.get();
        self
    }

    /// Runs one step at a time.
    #[must_use]
    pub const fn sequential(self) -> Self {
        self.with_max_concurrent(NonZeroUsize::MIN)
    }

    /// Runs every step that can run.
    #[must_use]
    pub const fn unlimited(self) -> Self {
        self.with_max_concurrent(NonZeroUsize::MAX)
    }

    /// Runs the graph to its end.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the steps that are running.
    pub async fn run(&self, graph: &Graph) -> FlowReport {
        self.start(graph).await
    }

    /// Prepares a run that can be watched and cancelled. It goes on while it is awaited.
    pub fn start(&self, graph: &Graph) -> FlowRun {
        FlowRun::new(self.rt.clone(), self.max_concurrent, graph)
    }
}
