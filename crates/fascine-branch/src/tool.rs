use std::error::Error;
use std::fmt;

use fascine_model::ToolSpec;
use fascine_rt::{BoxFuture, Rt};
use serde_json::Value;

use crate::TurnId;

/// Something that a model can have called.
///
/// A function with a `Deserialize + JsonSchema` argument and a `Serialize` result is one.
pub trait Tool: fmt::Debug + Send + Sync + 'static {
    /// How it is described to a model.
    fn spec(&self) -> &ToolSpec;

    /// Calls it.
    ///
    /// # Errors
    ///
    /// The future gives a [`ToolError`], which the model gets to read.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    fn call(&self, arguments: Value, context: ToolContext) -> BoxFuture<Result<Value, ToolError>>;
}

/// What a tool gets to know of its call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ToolContext {
    /// Where it runs.
    pub rt: Rt,
    /// The turn in which it was called; none if it was called outside of one.
    pub turn: Option<TurnId>,
    /// The id of the call.
    pub call_id: String,
}

/// Why a tool has no result. Its text is what the model gets to read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// The tool failed.
    #[error("the tool failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
    /// The arguments are not what the tool takes.
    #[error("the arguments are not what the tool takes: {reason}")]
    InvalidArguments {
        /// What is wrong with them.
        reason: String,
    },
}
