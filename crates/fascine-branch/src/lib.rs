//! A conversation with a model that keeps its history.
//!
//! A turn of a [`Branch`] is all or nothing: the question and its answer enter the history together, and a call that
//! fails or is dropped leaves it as it was. Calls on one branch take turns; forks go their own ways.
//!
//! ```
//! use fascine_branch::Branch;
//! use fascine_model::ScriptedModel;
//! # fascine_testing::TestRuntime::run(|rt| async move {
//!
//! let model = ScriptedModel::new(&rt).with_answer("Eight.").with_answer("Six.");
//! let branch = Branch::builder(&rt, "zoology", model).system("Answer in one word.").build();
//! assert_eq!(branch.communicate("How many legs has a spider?").await.unwrap().text(), "Eight.");
//!
//! let fork = branch.fork("insects");
//! assert_eq!(fork.communicate("And a beetle?").await.unwrap().text(), "Six.");
//! assert_eq!((branch.history().len(), fork.history().len()), (2, 4));
//! # });
//! ```
//!
//! # Features
//!
//! None is on by default. Each adds types and changes nothing else.
//!
//! - `mcp`: `McpClient`, the tools, resources and prompts of servers that speak the Model Context Protocol.

mod branch;
mod builder;
mod settings;

mod clock;
mod history;
mod ids;
mod turn;

mod draft;

mod call_options;
mod instruction;
mod operations;
mod reply;

mod system_prompt;

mod tool;
mod tool_arguments;
mod tool_context;
mod tool_error;
mod tool_fn;
mod tool_limits;
mod tool_names;
mod tool_output;
mod tool_result;
mod tool_set;
mod tool_set_error;

mod act;
mod act_options;
mod approval;
mod nesting;

#[cfg(feature = "mcp")]
mod mcp;

mod event;
mod observers;

mod error;

pub use act_options::ActOptions;
pub use approval::{Approval, ApprovalRequest, Decision};
pub use branch::Branch;
pub use builder::BranchBuilder;
pub use call_options::CallOptions;
pub use clock::Clock;
pub use error::BranchError;
pub use event::BranchEvent;
pub use history::History;
pub use instruction::Instruction;
pub use operations::{Act, Communicate, Keep};
pub use reply::Reply;
pub use settings::OnAbort;
pub use system_prompt::SystemPrompt;
pub use tool::Tool;
pub use tool_context::ToolContext;
pub use tool_error::ToolError;
pub use tool_fn::{FnTool, blocking_tool, blocking_tool_with_context, tool, tool_with_context};
pub use tool_limits::{Company, ToolLimits};
pub use tool_output::{Json, ToolOutput};
pub use tool_set::ToolSet;
pub use tool_set_error::ToolSetError;
pub use turn::{Turn, TurnId, TurnKind};

#[cfg(feature = "mcp")]
pub use mcp::{
    McpClient, McpClientBuilder, McpCommand, McpContents, McpError, McpPrompt, McpPromptArgument,
    McpResource, McpResourceTemplate, McpServerInfo, McpTool,
};
