use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// Why a context provider said nothing. A clone is the same error: turns that waited for one provider fail with one.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContextError {
    /// It failed.
    #[error("the context provider failed")]
    Failed(#[source] Arc<dyn Error + Send + Sync>),
    /// It panicked.
    #[error("the context provider panicked: {message}")]
    Panicked {
        /// The text it panicked with.
        message: String,
    },
    /// It took too long.
    #[error("the context provider took longer than {limit:?}")]
    TimedOut {
        /// How long it may take.
        limit: Duration,
    },
}

/// Why there is no system prompt.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the system prompt lacks `{provider}`")]
#[non_exhaustive]
pub struct PromptError {
    /// The name under which the context provider is registered.
    pub provider: String,
    /// What went wrong.
    pub source: ContextError,
}

/// There is no context provider of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no context provider is registered as `{name}`")]
#[non_exhaustive]
pub struct UnknownContextProvider {
    /// The name.
    pub name: String,
}

impl PromptError {
    /// Whether the same prompt may be written later: the provider took too long.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.source, ContextError::TimedOut { .. })
    }
}

impl ContextError {
    /// The whole chain, as one text.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}
