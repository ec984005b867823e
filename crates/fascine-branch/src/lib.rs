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

mod context;
mod context_provider;
mod prompting;
mod system_prompt;

mod tool;
mod tool_set;

mod allowing;
mod budget;
mod capabilities;
mod glob;

mod event;
mod event_kind;
mod event_record;
mod observe;
mod observers;

mod log;
mod scoped;

mod error;

pub use branch::Branch;
pub use budget::{Budget, BudgetError, BudgetReservation, InvalidBudget, Spent};
pub use builder::BranchBuilder;
pub use call_options::CallOptions;
pub use capabilities::Capabilities;
pub use clock::Clock;
pub use context::{Context, ContextError, OnContextError, PromptError, UnknownContextProvider};
pub use context_provider::{ContextInfo, ContextProvider};
pub use error::BranchError;
pub use event::BranchEvent;
pub use event_kind::EventKind;
pub use event_record::EventRecord;
pub use history::History;
pub use instruction::Instruction;
pub use log::{BranchLog, FileLog, LogEntry, LogError, LogSink, MemoryLog, Redaction, Unflushed};
pub use observers::{Events, Missed, Observation};
pub use operations::Communicate;
pub use reply::Reply;
pub use settings::OnAbort;
pub use system_prompt::{PromptLayout, SystemPrompt};
pub use tool::{Tool, ToolContext, ToolError};
pub use tool_set::ToolSet;
pub use turn::{Turn, TurnId, TurnKind};
