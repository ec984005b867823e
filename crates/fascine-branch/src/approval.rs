use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use fascine_concurrency::fail_after;
use fascine_message::ToolCall;
use fascine_rt::{BoxFuture, Panic, Rt};
use futures_lite::FutureExt;
use serde_json::Value;

use crate::{ToolError, TurnId};

/// Asks the program, or whoever sits before it, whether a tool may be called.
///
/// Calls at once are asked about at once. A hook that fails, panics or takes too long has not allowed the call.
///
/// # Defaults
///
/// - it may take as long as it likes
///
/// # Examples
///
/// ```
/// use fascine_branch::{ActOptions, Approval, Decision};
///
/// let approval = Approval::new(|request| async move {
///     Ok::<_, std::convert::Infallible>(match request.call.name.as_str() {
///         "delete" => Decision::deny("nothing is deleted here"),
///         _ => Decision::Allow,
///     })
/// });
/// let options = ActOptions::default().with_approval(approval);
/// ```
#[derive(Clone)]
pub struct Approval {
    ask: Arc<Hook>,
    timeout: Option<Duration>,
}

type Hook = dyn Fn(ApprovalRequest) -> BoxFuture<Result<Decision, BoxError>> + Send + Sync;
type BoxError = Box<dyn Error + Send + Sync>;

/// What somebody is asked to allow.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ApprovalRequest {
    /// The call, as the model made it.
    pub call: ToolCall,
    /// Its arguments, an object.
    pub arguments: Value,
    /// The turn in which it was made; none if it was made outside of one.
    pub turn: Option<TurnId>,
}

/// What becomes of a call.
///
/// Complete by definition.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// It is made.
    Allow,
    /// It is not made.
    Deny {
        /// Why, as the model gets to read it.
        reason: String,
    },
    /// It is made with other arguments.
    Edit {
        /// The arguments, an object.
        arguments: Value,
    },
}

impl Decision {
    /// It is not made, for this reason.
    pub fn deny(reason: impl Into<String>) -> Self {
        Self::Deny {
            reason: reason.into(),
        }
    }
}

impl Approval {
    /// Asks `hook` about every call.
    pub fn new<F, Fut, E>(hook: F) -> Self
    where
        F: Fn(ApprovalRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Decision, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self {
            ask: Arc::new(move |request| {
                let decided = hook(request);
                Box::pin(async move { decided.await.map_err(Into::into) })
            }),
            timeout: None,
        }
    }

    /// Sets how long the hook may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The arguments that the call is to be made with.
    pub(crate) async fn decide(
        &self,
        rt: &Rt,
        request: ApprovalRequest,
    ) -> Result<Value, ToolError> {
        let arguments = request.arguments.clone();
        let asked = std::panic::AssertUnwindSafe(async { (self.ask)(request).await });
        let limit = self.timeout.unwrap_or(Duration::MAX);
        let decision = match fail_after(rt, limit, asked.catch_unwind()).await {
            Ok(Ok(Ok(decision))) => decision,
            Ok(Ok(Err(error))) => Decision::deny(format!("nobody could be asked: {error}")),
            Ok(Err(payload)) => {
                let message = Panic::new(payload);
                Decision::deny(format!("nobody could be asked: {}", message.message()))
            }
            Err(_) => Decision::deny("nobody answered in time whether it may be called"),
        };
        match decision {
            Decision::Allow => Ok(arguments),
            Decision::Deny { reason } => Err(ToolError::Denied { reason }),
            Decision::Edit { arguments } if arguments.is_object() => Ok(arguments),
            Decision::Edit { .. } => Err(ToolError::Denied {
                reason: "its arguments were changed to what is no object".to_owned(),
            }),
        }
    }
}

impl fmt::Debug for Approval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Approval")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
