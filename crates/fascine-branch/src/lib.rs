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
//! # Answers as values
//!
//! [`decode`] makes a value of the text of an answer, in steps that stand for themselves: [`repair_json`] reads JSON however it was
//! written, [`conform`] fits it to a [`Schema`], [`Schema::validate`] says what is wrong with it. [`PartialParser`] and
//! [`PartialDecoder`] show it while it is being written. None of this asks a model, and all of it is bounded.
//!
//! # Features
//!
//! None is on by default. Each adds types and changes nothing else.
//!
//! - `mcp`: `McpClient`, the tools, resources and prompts of servers that speak the Model Context Protocol.

mod branch;
mod builder;
mod settings;

mod archive;
mod clock;
mod history;
mod ids;
mod state;
mod turn;

mod commit;
mod draft;
mod prune;
mod summary;
mod turn_item;
mod turn_limits;
mod turn_options;

mod diff;
mod editing;
mod merge;

mod dump;
mod transcript;

mod decode;
mod fuzzy;
mod json_path;
mod partial;
mod repair;
mod schema;

mod answer;
mod answer_options;
mod call_options;
mod choices;
mod instruction;
mod operations;
mod reply;
mod request_usage;
mod structured;

mod blocking;

mod foreign;
mod yielding;

mod context;
mod context_provider;
mod prompting;
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

mod allowing;
mod budget;
mod capabilities;
mod glob;

#[cfg(feature = "mcp")]
mod mcp;

mod event;
mod event_kind;
mod event_record;
mod observe;
mod observers;

mod edit_error;
mod log;
mod scoped;

mod error;

pub use act_options::ActOptions;
pub use answer::{Answer, HandleValidation, Outcome};
pub use answer_options::{AnswerOptions, Remember, SchemaDelivery};
pub use approval::{Approval, ApprovalRequest, Decision};
pub use archive::Archive;
pub use blocking::{Blocking, BlockingStream};
pub use branch::Branch;
pub use budget::{Budget, BudgetError, BudgetReservation, InvalidBudget, Spent};
pub use builder::BranchBuilder;
pub use call_options::CallOptions;
pub use capabilities::Capabilities;
pub use choices::Choices;
pub use clock::Clock;
pub use context::{Context, ContextError, OnContextError, PromptError, UnknownContextProvider};
pub use context_provider::{ContextInfo, ContextProvider};
pub use decode::{DecodeError, DecodeFailure, DecodeOptions, Decoded, Incomplete, decode};
pub use diff::Diff;
pub use dump::{Dump, DumpError, LoadDump, LoadError};
pub use edit_error::EditError;
pub use error::BranchError;
pub use event::BranchEvent;
pub use event_kind::EventKind;
pub use event_record::EventRecord;
pub use fuzzy::{
    Coercion, CoercionKind, ConformError, Conformed, KeyMatching, MatchError, MatchedKeys, Renamed,
    Similarity, Unmatched, conform, match_keys,
};
pub use history::History;
pub use instruction::Instruction;
pub use json_path::JsonPath;
pub use log::{BranchLog, FileLog, LogEntry, LogError, LogSink, MemoryLog, Redaction, Unflushed};
pub use merge::Merge;
pub use observers::{Events, Missed, Observation};
pub use operations::{
    Act, Analysis, Batch, BatchStream, Chat, Communicate, Completion, Interpret, Keep, OnFailure,
    Operate, OperateItem, OperateStream, Parse, Parsed, React, ReactItem, ReactMetrics,
    ReactReport, ReactStep, ReactStream, Select, Selection, SnapshotItem, Snapshots, StreamItem,
    TurnStream, Validation,
};
pub use partial::{PartialDecoder, PartialParser, Snapshot};
pub use prune::{Bound, DoesNotFit, Prune};
pub use repair::{Repair, RepairError, RepairKind, RepairLimits, Repaired, repair_json};
pub use reply::Reply;
pub use request_usage::RequestUsage;
pub use schema::{Schema, SchemaError, Violation};
pub use settings::OnAbort;
pub use summary::{ModelSummary, Summarise, Summariser};
pub use system_prompt::{PromptLayout, SystemPrompt};
pub use tool::Tool;
pub use tool_context::ToolContext;
pub use tool_error::ToolError;
pub use tool_fn::{FnTool, blocking_tool, blocking_tool_with_context, tool, tool_with_context};
pub use tool_limits::{Company, ToolLimits};
pub use tool_output::{Json, ToolOutput};
pub use tool_set::ToolSet;
pub use tool_set_error::ToolSetError;
pub use transcript::{Converted, Loss, OnLoss, Transcript, TranscriptError};
pub use turn::{Turn, TurnId, TurnKind};
pub use turn_item::TurnItem;
pub use turn_limits::{CostLimit, LimitReached, OnLimit, TurnLimits};
pub use turn_options::{TurnOptions, WhenBusy};

#[cfg(feature = "mcp")]
pub use mcp::{
    McpClient, McpClientBuilder, McpCommand, McpContents, McpError, McpPrompt, McpPromptArgument,
    McpResource, McpResourceTemplate, McpServerInfo, McpTool,
};

/// The page's examples compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/branches.md")]
mod page {}
