use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use fascine_model::ToolSpec;
use fascine_rt::{BoxFuture, JoinError};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::tool_arguments::{decode, spec_of};
use crate::tool_output::ToolOutput;
use crate::{Company, Tool, ToolContext, ToolError, ToolLimits, nesting};

/// Makes a tool of an async function.
///
/// Its argument says how it is described: the type's title is the name, its documentation the description, its fields and
/// their documentation the parameters. The result is [anything that serializes](ToolOutput), or a `Result` of it with any
/// error. A function that takes nothing takes `()`, and needs a [name](FnTool::named).
///
/// # Examples
///
/// ```
/// use fascine_branch::{Tool, ToolSet, tool};
/// use schemars::JsonSchema;
/// use serde::Deserialize;
///
/// /// Adds two numbers.
/// #[derive(Deserialize, JsonSchema)]
/// #[schemars(title = "add")]
/// struct Add {
///     /// The first.
///     a: i64,
///     /// The second.
///     b: i64,
/// }
///
/// let add = tool(|add: Add| async move {
///     add.a.checked_add(add.b).ok_or("the sum is too large")
/// });
/// assert_eq!(add.spec().name, "add");
/// assert_eq!(add.spec().description, "Adds two numbers.");
/// assert_eq!(add.spec().parameters["properties"]["a"]["description"], "The first.");
/// let tools = ToolSet::new().try_with(add)?;
/// # Ok::<(), fascine_branch::ToolSetError>(())
/// ```
pub fn tool<A, F, Fut>(function: F) -> FnTool
where
    A: DeserializeOwned + JsonSchema,
    F: Fn(A) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: ToolOutput> + Send + 'static,
{
    tool_with_context(move |arguments, _| function(arguments))
}

/// Makes a tool of an async function that wants to know of its call.
///
/// All else is as in [`tool`].
pub fn tool_with_context<A, F, Fut>(function: F) -> FnTool
where
    A: DeserializeOwned + JsonSchema,
    F: Fn(A, ToolContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: ToolOutput> + Send + 'static,
{
    FnTool::new::<A>(move |arguments, context| {
        let called = decode(arguments).map(|arguments| function(arguments, context));
        Box::pin(async move { called?.await.into_value() })
    })
}

/// Makes a tool of a function that blocks, or computes for long.
///
/// It runs on a thread where it may block ([`Rt::unblock`](fascine_rt::Rt::unblock)), never on one that polls futures.
/// Once begun it cannot be stopped: after a time-out, or when nobody waits any more, it runs to its end, and its result is
/// dropped. A call that has not begun by then never begins. All else is as in [`tool`].
///
/// # Examples
///
/// ```
/// use fascine_branch::blocking_tool;
///
/// let host = blocking_tool(|(): ()| std::fs::read_to_string("/etc/hostname"))
///     .named("hostname")
///     .described("Says on which machine this runs.");
/// ```
pub fn blocking_tool<A, F, T>(function: F) -> FnTool
where
    A: DeserializeOwned + JsonSchema + Send + 'static,
    F: Fn(A) -> T + Send + Sync + 'static,
    T: ToolOutput,
{
    blocking_tool_with_context(move |arguments, _| function(arguments))
}

/// Makes a tool of a function that blocks and wants to know of its call.
///
/// All else is as in [`blocking_tool`].
pub fn blocking_tool_with_context<A, F, T>(function: F) -> FnTool
where
    A: DeserializeOwned + JsonSchema + Send + 'static,
    F: Fn(A, ToolContext) -> T + Send + Sync + 'static,
    T: ToolOutput,
{
    let function = Arc::new(function);
    FnTool::new::<A>(move |arguments, context| {
        let function = Arc::clone(&function);
        Box::pin(async move {
            let arguments: A = decode(arguments)?;
            let rt = context.rt.clone();
            let work = move || {
                let _entered = nesting::enter(context.frame.clone());
                function(arguments, context).into_value()
            };
            match rt.unblock(work).await {
                Ok(result) => result,
                Err(JoinError::Panicked(panic)) => Err(ToolError::Panicked {
                    message: panic.message().to_owned(),
                }),
                Err(JoinError::Cancelled) => Err(ToolError::Stopped),
            }
        })
    })
}

/// A function that a model can have called; made by [`tool`], [`blocking_tool`] and the like.
///
/// A clone is the same function.
#[derive(Clone)]
pub struct FnTool {
    spec: ToolSpec,
    limits: ToolLimits,
    function: Arc<Function>,
}

type Function = dyn Fn(Value, ToolContext) -> BoxFuture<Result<Value, ToolError>> + Send + Sync;

impl FnTool {
    fn new<A: JsonSchema>(
        function: impl Fn(Value, ToolContext) -> BoxFuture<Result<Value, ToolError>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            spec: spec_of::<A>(),
            limits: ToolLimits::default(),
            function: Arc::new(function),
        }
    }

    /// Sets the name. Providers take 1 to 64 of `a-z`, `A-Z`, `0-9`, `_` and `-`, and
    /// [`ToolSet::try_with`](crate::ToolSet::try_with) nothing else.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.spec.name = name.into();
        self
    }

    /// Sets what it does, as the model gets to read it.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.spec.description = description.into();
        self
    }

    /// Sets whether the provider is to hold the model to the schema.
    #[must_use]
    pub fn with_strict(mut self, strict: bool) -> Self {
        self.spec.strict = Some(strict);
        self
    }

    /// Sets what calls may take.
    #[must_use]
    pub fn with_limits(mut self, limits: ToolLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how long a call may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.limits.timeout = Some(timeout);
        self
    }

    /// Sets how many calls there may be at once.
    #[must_use]
    pub fn with_concurrency(mut self, calls: NonZeroUsize) -> Self {
        self.limits.concurrency = Some(calls);
        self
    }

    /// Has its calls run [alone](Company::Alone).
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.limits.company = Company::Alone;
        self
    }
}

impl Tool for FnTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, arguments: Value, context: ToolContext) -> BoxFuture<Result<Value, ToolError>> {
        (self.function)(arguments, context)
    }

    fn limits(&self) -> ToolLimits {
        self.limits.clone()
    }
}

impl fmt::Debug for FnTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnTool")
            .field("name", &self.spec.name)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
