use std::io;
use std::time::Duration;

use fascine_http::TransportError;

use crate::ToolSetError;

/// Why an MCP server gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum McpError {
    /// The connection to the server has ended: nothing more can be asked.
    #[error("the connection to the MCP server has ended: {reason}")]
    Closed {
        /// Why, with the last of what the server wrote to its standard error.
        reason: String,
    },
    /// The server does not know how to answer, or does not want to.
    #[error("the MCP server answered `{method}` with error {code}: {message}")]
    Refused {
        /// What was asked.
        method: String,
        /// The code, of JSON-RPC or of the server's own.
        code: i64,
        /// What the server says.
        message: String,
    },
    /// The server's answer has a status that says no.
    #[error("the MCP server answered `{method}` with status {status}: {body}")]
    Status {
        /// What was asked.
        method: String,
        /// The status of HTTP.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
    /// The server's program did not start.
    #[error("the MCP server `{program}` did not start")]
    Start {
        /// The program.
        program: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The server did not answer in time.
    #[error("the MCP server did not answer `{method}` within {after:?}")]
    TimedOut {
        /// What was asked.
        method: String,
        /// How long it had.
        after: Duration,
    },
    /// So many questions are open that no more can be asked.
    #[error("{limit} questions to the MCP server are open already")]
    TooManyPending {
        /// How many may be open.
        limit: usize,
    },
    /// The tools of the server do not fit into a set.
    #[error("the tools of the MCP server are no set")]
    Tools {
        /// Why not.
        source: ToolSetError,
    },
    /// The server could not be reached.
    #[error("the MCP server could not be asked `{method}`")]
    Transport {
        /// What was asked.
        method: String,
        /// Why not.
        source: TransportError,
    },
    /// The server's answer is not what the protocol says.
    #[error("the MCP server's answer to `{method}` makes no sense: {reason}")]
    Unreadable {
        /// What was asked.
        method: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The address is none.
    #[error("`{url}` is no address of an MCP server")]
    Url {
        /// The address.
        url: String,
    },
    /// The server speaks another version of the protocol.
    #[error("the MCP server speaks version `{version}` of the protocol, which is not known here")]
    Version {
        /// What it speaks.
        version: String,
    },
}

impl McpError {
    pub(crate) fn unreadable(method: &str, reason: impl Into<String>) -> Self {
        Self::Unreadable {
            method: method.to_owned(),
            reason: reason.into(),
        }
    }

    /// Whether the same question may be answered later, by the same client.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::TimedOut { .. } | Self::TooManyPending { .. } => true,
            Self::Transport { source, .. } => source.is_retryable(),
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..),
            _ => false,
        }
    }
}
