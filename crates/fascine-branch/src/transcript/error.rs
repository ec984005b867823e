use std::error::Error;

/// Why a conversation was not converted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TranscriptError {
    /// A field of a message is not what it has to be.
    #[error("message {index}: `{field}` {reason}")]
    Invalid {
        /// Which message, from 0.
        index: usize,
        /// Which field of it.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It is no list of messages at all.
    #[error("the messages are no JSON list: broken at line {line}, column {column}")]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong there.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Something would be lost, and is not to be.
    #[error("message {index}: `{field}` would be lost: {what}")]
    Lossy {
        /// Which message, from 0.
        index: usize,
        /// Which field of it.
        field: String,
        /// What it is.
        what: String,
    },
}

impl TranscriptError {
    pub(super) fn invalid(
        index: usize,
        field: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self::Invalid {
            index,
            field: field.into(),
            reason: reason.into(),
        }
    }
}
