use std::fmt;
use std::sync::Arc;

use fascine_branch::Branch;
use fascine_flow::{StepContext, StepResult};
use fascine_rt::BoxFuture;
use serde_json::Value;

use crate::OperationOutput;
use crate::given::Answers;
use crate::nest::Nest;

/// What an operation does with its branch.
#[derive(Clone)]
pub(crate) enum Verb {
    /// Says something, with the answers of others.
    Says(Arc<Says>),
    /// Calls a function of the program's.
    Does(Arc<Does>),
    /// Runs operations that are known only then.
    Grows(Arc<Grows>),
    /// Calls a function that is registered with the session.
    Registered {
        function: String,
        parameters: Arc<Value>,
    },
}

pub(crate) type Says =
    dyn Fn(Branch, Answers) -> BoxFuture<StepResult<OperationOutput>> + Send + Sync;
pub(crate) type Does =
    dyn Fn(Branch, StepContext) -> BoxFuture<StepResult<OperationOutput>> + Send + Sync;
pub(crate) type Grows = dyn Fn(Nest) -> BoxFuture<StepResult<OperationOutput>> + Send + Sync;

impl fmt::Debug for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Says(_) => f.write_str("Says"),
            Self::Does(_) => f.write_str("Does"),
            Self::Grows(_) => f.write_str("Grows"),
            Self::Registered { function, .. } => {
                f.debug_tuple("Registered").field(function).finish()
            }
        }
    }
}
