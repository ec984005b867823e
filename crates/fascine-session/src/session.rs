use std::collections::HashMap;
use std::sync::Arc;

use fascine_branch::Branch;
use fascine_flow::{Flow, FlowReport, FlowRun, Graph, GraphBuilder, GraphError};
use fascine_rt::Rt;

use crate::OperationGraph;
use crate::operation::text_of;

/// Branches by name, one of them the default, and the flows over them.
#[derive(Debug)]
pub struct Session {
    rt: Rt,
    default: Arc<Branch>,
    branches: HashMap<String, Arc<Branch>>,
}

/// Why a graph of operations cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// It is no graph.
    #[error("the operations make no graph")]
    Graph(#[from] GraphError),
    /// An operation wants a branch that is not there.
    #[error("operation `{operation}` wants a branch `{branch}` that does not exist")]
    UnknownBranch {
        /// The operation.
        operation: String,
        /// The branch.
        branch: String,
    },
}

impl Session {
    /// Makes a session whose flows run on `rt`, with its default branch.
    #[must_use]
    pub fn new(rt: &Rt, default: Branch) -> Self {
        let default = Arc::new(default);
        let branches = HashMap::from([(default.name().to_owned(), Arc::clone(&default))]);
        Self {
            rt: rt.clone(),
            default,
            branches,
        }
    }

    /// Adds a branch; one of the same name is replaced.
    #[must_use]
    pub fn with_branch(mut self, branch: Branch) -> Self {
        self.branches
            .insert(branch.name().to_owned(), Arc::new(branch));
        self
    }

    /// The branch of that name.
    #[must_use]
    pub fn branch(&self, name: &str) -> Option<&Branch> {
        self.branches.get(name).map(|branch| &**branch)
    }

    /// Runs the operations as a [`Flow`] with its defaults would.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when they cannot be run. How each of them ended is in the report.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the operations that are running.
    pub async fn flow(&self, graph: &OperationGraph) -> Result<FlowReport, SessionError> {
        Ok(self.start(&Flow::new(&self.rt).keep_all(), graph)?.await)
    }

    /// Prepares a run that can be watched and cancelled.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when the operations cannot be run.
    pub fn start(&self, flow: &Flow, graph: &OperationGraph) -> Result<FlowRun, SessionError> {
        Ok(flow.start(&self.compile(graph)?))
    }

    /// Makes the graph that runs the operations: to look at, or to run with a [`Flow`] any number of times.
    ///
    /// # Errors
    ///
    /// [`SessionError`] when the operations cannot be run.
    pub fn compile(&self, operations: &OperationGraph) -> Result<Graph, SessionError> {
        let mut graph = GraphBuilder::new();
        for (name, operation) in &operations.operations {
            let branch = match operation.branch() {
                Some(wanted) => self.branches.get(wanted).ok_or_else(|| {
                    let (operation, branch) = (name.clone(), wanted.to_owned());
                    SessionError::UnknownBranch { operation, branch }
                })?,
                None => &self.default,
            };
            let (branch, operation) = (Arc::clone(branch), operation.clone());
            for (before, condition) in &operation.dependencies {
                let edge = graph.edge(before, name);
                if let Some(condition) = condition.clone() {
                    edge.when(move |seen| condition(text_of(&seen.json())));
                }
            }
            graph.step(name.as_str(), move |context| {
                let fork = branch.fork(branch.name());
                operation.clone().run(fork, context)
            });
        }
        Ok(graph.build()?)
    }
}
