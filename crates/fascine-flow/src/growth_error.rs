use std::sync::Arc;

use crate::{GraphError, NotCompleted, StepError};

/// Why a graph that a step runs was not run to its end.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrowthError {
    /// The run was [taken up](crate::Flow::resume), and the graph is not the one that the step ran before.
    #[error("the graph that step `{path}` runs is another one than before")]
    Changed {
        /// The path of the step that was to run it.
        path: Arc<str>,
    },
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
    /// It is no graph that can be run.
    #[error("the graph that step `{path}` runs cannot be built")]
    Graph {
        /// The path of the step that was to run it.
        path: Arc<str>,
        /// What is wrong with it.
        source: GraphError,
    },
    /// The step whose output was wanted gave none.
    #[error("the graph that step `{path}` runs gave nothing")]
    NoOutput {
        /// The path of the step that runs it.
        path: Arc<str>,
        /// What the step whose output was wanted is instead.
        source: NotCompleted,
    },
    /// It was [repeated](crate::GraphBuilder::repeat) as often as it may be, and was not done.
    #[error("step `{path}` was not done after {limit} repetitions")]
    NotDone {
        /// The path of the step that repeats.
        path: Arc<str>,
        /// How often it may repeat.
        limit: u32,
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
    /// The run was [suspended](crate::Suspender) before the graph had ended. If the step fails now, it counts as cancelled.
    #[error("the graph that step `{path}` runs was suspended")]
    Suspended {
        /// The path of the step that runs it.
        path: Arc<str>,
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
            Self::Changed { path }
            | Self::Ended { path }
            | Self::Failed { path, .. }
            | Self::Graph { path, .. }
            | Self::NoOutput { path, .. }
            | Self::NotDone { path, .. }
            | Self::SharedKey { path, .. }
            | Self::Suspended { path }
            | Self::TooDeep { path, .. }
            | Self::TooManySteps { path, .. } => path,
        }
    }
}
