use serde_json::Value;

use crate::mcp::http_wire::HttpWire;
use crate::mcp::line_wire::LineWire;
use crate::mcp::{McpError, McpServerInfo};

/// A way to a server.
#[derive(Debug)]
pub(crate) enum Wire {
    Http(Box<HttpWire>),
    Lines(Box<LineWire>),
}

impl Wire {
    /// Begins the conversation.
    pub(crate) async fn initialize(&self) -> Result<McpServerInfo, McpError> {
        match self {
            Self::Http(wire) => wire.initialize().await,
            Self::Lines(wire) => wire.initialize().await,
        }
    }

    /// Asks, and waits for the answer. Dropping the future tells the server that nobody waits any more.
    pub(crate) async fn request(&self, method: &str, params: Value) -> Result<Value, McpError> {
        match self {
            Self::Http(wire) => wire.request(method, params).await,
            Self::Lines(wire) => wire.request(method, params).await,
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Http(wire) => wire.close().await,
            Self::Lines(wire) => wire.close().await,
        }
    }
}
