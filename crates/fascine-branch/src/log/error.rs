use std::error::Error;
use std::fmt;

/// Why lines of a log were not written. They wait on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The sink panicked.
    #[error("the sink of the log panicked: {message}")]
    Panicked {
        /// The text it panicked with.
        message: String,
    },
    /// The sink failed.
    #[error("the sink of the log took no lines")]
    Sink(#[source] Box<dyn Error + Send + Sync>),
    /// The runtime was shut down first.
    #[error("the runtime was shut down before the log was written")]
    Stopped,
}

/// The body of [`Branch::scoped`](crate::Branch::scoped) has ended, but the log was not written.
pub struct Unflushed<T> {
    /// What the body gave.
    pub outcome: T,
    /// Why the log was not written.
    pub source: LogError,
}

impl<T> fmt::Debug for Unflushed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unflushed")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Display for Unflushed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the work has ended, but its log was not written")
    }
}

impl<T> Error for Unflushed<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}
