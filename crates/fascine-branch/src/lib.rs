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

mod diff;
mod editing;
mod merge;

mod dump;
mod transcript;

mod call_options;
mod instruction;
mod operations;
mod reply;

mod system_prompt;

mod tool;
mod tool_set;

mod event;
mod observers;

mod edit_error;
mod error;

pub use archive::Archive;
pub use branch::Branch;
pub use builder::BranchBuilder;
pub use call_options::CallOptions;
pub use clock::Clock;
pub use diff::Diff;
pub use dump::{Dump, DumpError, LoadDump, LoadError};
pub use edit_error::EditError;
pub use error::BranchError;
pub use event::BranchEvent;
pub use history::History;
pub use instruction::Instruction;
pub use merge::Merge;
pub use operations::Communicate;
pub use prune::{Bound, DoesNotFit, Prune};
pub use reply::Reply;
pub use settings::OnAbort;
pub use summary::{ModelSummary, Summarise, Summariser};
pub use system_prompt::SystemPrompt;
pub use tool::{Tool, ToolContext, ToolError};
pub use tool_set::ToolSet;
pub use transcript::{Converted, Loss, OnLoss, Transcript, TranscriptError};
pub use turn::{Turn, TurnId, TurnKind};
