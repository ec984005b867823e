use std::fmt;

use fascine_model::ToolSpec;
use fascine_rt::BoxFuture;
use serde_json::Value;

use crate::{ToolContext, ToolError, ToolLimits};

/// Something that a model can have called.
///
/// A function is one, by [`tool`](crate::tool()) or [`blocking_tool`](crate::blocking_tool); implement it for what is no function.
pub trait Tool: fmt::Debug + Send + Sync + 'static {
    /// How it is described to a model.
    fn spec(&self) -> &ToolSpec;

    /// Calls it. `arguments` is an object.
    ///
    /// # Errors
    ///
    /// The future gives a [`ToolError`], which the model gets to read.
    ///
    /// # Cancel safety
    ///
    /// The future may be dropped at any time.
    fn call(&self, arguments: Value, context: ToolContext) -> BoxFuture<Result<Value, ToolError>>;

    /// How long a call may take, and how many there may be at once. A [`ToolSet`](crate::ToolSet) asks once.
    fn limits(&self) -> ToolLimits {
        ToolLimits::default()
    }
}
