use std::sync::Arc;

use crate::StepError;

/// Why a graph that a step runs was not run to its end.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrowthError {
    /// The step that was to run it has ended.
    #[error("step `{path}` has ended, and runs nothing more")]
    Ended {
        /// The path of the step.
        path: Arc<str>,
    },
    /// A step in it failed that [ends](crate::OnError::FailFast) the run.
    #[error("the graph that step `{path}` runs has failed")]
    Failed {
        /// The path of the step that runs it.
        path: Arc<str>,
        /// Why the step in it failed.
        source: Arc<StepError>,
    },
    /// A step in it changes a key of the shared state that another one changes as well, and neither its graph nor those
    /// around it say what becomes of that.
    #[error("step `{path}` changes `{key}`, as others do, and it has no reducer")]
    SharedKey {
        /// The path of the step that runs the graph.
        path: Arc<str>,
        /// The key.
        key: String,
    },
    /// Graphs run graphs that run graphs, deeper than they [may](crate::Flow::with_max_depth).
    #[error("the graph that step `{path}` runs is {limit} deep in others, as many as there may be")]
    TooDeep {
        /// The path of the step that was to run it.
        path: Arc<str>,
        /// How deep it may be.
        limit: u32,
    },
    /// There are more steps in graphs that steps run than there [may](crate::Flow::with_max_growth) be.
    #[error("step `{path}` would bring the run to more than {limit} further steps")]
    TooManySteps {
        /// The path of the step that was to run it.
        path: Arc<str>,
        /// How many there may be.
        limit: usize,
    },
}

impl GrowthError {
    /// The path of the step that was to run the graph.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Ended { path }
            | Self::Failed { path, .. }
            | Self::SharedKey { path, .. }
            | Self::TooDeep { path, .. }
            | Self::TooManySteps { path, .. } => path,
        }
    }
}
