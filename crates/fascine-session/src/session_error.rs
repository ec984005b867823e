use fascine_flow::GraphError;

use crate::{BranchKey, BranchesError};

/// Why operations cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// They make no graph.
    #[error("the operations make no graph")]
    Graph(#[from] GraphError),
    /// The fork of an operation cannot become a branch of the session.
    #[error("operation `{operation}` cannot keep its branch")]
    Keep {
        /// The operation.
        operation: String,
        /// Why.
        source: BranchesError,
    },
    /// An aggregation has nothing to bring together.
    #[error("aggregation `{operation}` has no sources")]
    NoSources {
        /// The operation.
        operation: String,
    },
    /// An operation is to go on from one that it does not depend on.
    #[error("operation `{operation}` goes on from `{other}`, but does not depend on it")]
    NotDependent {
        /// The operation.
        operation: String,
        /// The other one.
        other: String,
    },
    /// A registered function does not take the parameters that an operation has for it.
    #[error("operation `{operation}` has parameters that function `{function}` does not take")]
    Parameters {
        /// The operation.
        operation: String,
        /// The function.
        function: String,
        /// What the deserializer says.
        source: serde_json::Error,
    },
    /// An operation wants a branch that is not there.
    #[error("operation `{operation}` wants a branch `{branch}` that does not exist")]
    UnknownBranch {
        /// The operation.
        operation: String,
        /// The branch.
        branch: BranchKey,
    },
    /// An operation wants a function that is not registered.
    #[error("operation `{operation}` wants a function `{function}` that is not registered")]
    UnknownFunction {
        /// The operation.
        operation: String,
        /// The function.
        function: String,
    },
    /// The output of an operation is to be kept that is not in the graph.
    #[error("there is no operation `{operation}` whose output could be kept")]
    UnknownOperation {
        /// The operation.
        operation: String,
    },
}
