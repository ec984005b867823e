//! Tools, resources and prompts of servers that speak the Model Context Protocol.
//!
//! After the specification of 2025-11-25, <https://modelcontextprotocol.io/specification>. What is read and written is in
//! `rpc` and `handshake`, without I/O; `line_wire` and `http_wire` are the two ways to a server.

mod client;
mod client_builder;
mod error;

mod content;
mod list;
mod mcp_tool;
mod prompt;
mod resource;

mod handshake;
mod rpc;

mod wire;

mod child;
mod command;
mod line_driver;
mod line_wire;
mod pending;
mod pipe_reader;
mod pipe_writer;

mod http_answer;
mod http_sender;
mod http_wire;

pub use client::McpClient;
pub use client_builder::McpClientBuilder;
pub use command::McpCommand;
pub use error::McpError;
pub use handshake::McpServerInfo;
pub use mcp_tool::McpTool;
pub use prompt::{McpPrompt, McpPromptArgument};
pub use resource::{McpContents, McpResource, McpResourceTemplate};
