use std::error::Error;
use std::fmt::Write;
use std::time::Duration;

/// Why a tool has no result. The text of it and of its causes is what the model gets to read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ToolError {
    /// The program does not want it called.
    #[error("the call was not allowed: {reason}")]
    Denied {
        /// Why.
        reason: String,
    },
    /// The tool failed.
    #[error("the tool failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
    /// The arguments are not what the tool takes.
    #[error("the arguments are not what the tool takes: {reason}")]
    InvalidArguments {
        /// What is wrong with them.
        reason: String,
    },
    /// The tool panicked.
    #[error("the tool panicked: {message}")]
    Panicked {
        /// The text of the panic.
        message: String,
    },
    /// The runtime was shut down before the tool had ended.
    #[error("the tool was stopped, with its runtime")]
    Stopped,
    /// Tools that ask models have called tools that ask models, too often.
    #[error("the tool was not called: tools may call each other {limit} levels deep")]
    TooDeep {
        /// How deep they may.
        limit: usize,
    },
    /// The tool took too long.
    #[error("the tool did not end within {after:?}")]
    TimedOut {
        /// How long it had.
        after: Duration,
    },
    /// There were more calls than are allowed.
    #[error("the tool was not called: at most {limit} calls at a time are allowed")]
    TooMany {
        /// How many are allowed.
        limit: usize,
    },
    /// There is no such tool.
    #[error("there is no tool `{name}`; {advice}")]
    Unknown {
        /// What was called.
        name: String,
        /// The tool whose name is nearest, if one is near.
        nearest: Option<String>,
        /// Which tools there are, for the model.
        advice: String,
    },
}

impl ToolError {
    /// The tool failed, for this reason. A `ToolError` stays what it is.
    pub fn failed(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        match cause.into().downcast::<Self>() {
            Ok(error) => *error,
            Err(cause) => Self::Failed(cause),
        }
    }

    /// The whole of it in one line: its own text and those of its causes.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            // Writing to a string does not fail; a foreign `Display` may.
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        text
    }
}
