//! Operations of branches as the steps of a flow.
//!
//! A [`Session`] knows branches by id and by name; an [`OperationGraph`] says what is to be done with them, and what has to
//! be known first. Each operation runs on a fork of its branch, so operations that run side by side do not hear each
//! other, and the session's branches are after the run as they were before, but for what was to be kept.
//!
//! ```
//! use fascine_branch::Branch;
//! use fascine_model::ScriptedModel;
//! use fascine_session::{Operation, OperationGraph, OperationOutput, Session};
//! # fascine_testing::TestRuntime::run(|rt| async move {
//!
//! let model = ScriptedModel::new(&rt)
//!     .with_rule("Summarise", "All is well.")
//!     .with_rule("Grade", "A");
//! let session = Session::new(&rt, Branch::new(&rt, "analyst", model));
//! let graph = OperationGraph::new()
//!     .add_operation("summary", Operation::communicate("Summarise the minutes."))
//!     .add_operation(
//!         "grade",
//!         Operation::communicate("Grade the summary.").depends_on("summary").inherit_context(),
//!     );
//! let report = session.flow(&graph).await.unwrap();
//! assert_eq!(OperationOutput::of(&report, "grade").unwrap().text, "A");
//! # });
//! ```

mod branch_key;
mod branches;
mod functions;
mod session;
mod session_error;

mod dependency;
mod keep;
mod operation;
mod operation_graph;
mod operations;
mod verb;

mod expansion;
mod rounds;

mod compile;
mod given;
mod nest;
mod work;

mod operation_output;
mod operation_stream;
mod spending;

pub use branch_key::{BranchId, BranchKey};
pub use branches::BranchesError;
pub use expansion::{ExpandError, ExpandStrategy, Expansion};
pub use functions::DuplicateFunction;
pub use operation::Operation;
pub use operation_graph::OperationGraph;
pub use operation_output::OperationOutput;
pub use operation_stream::{OperationEvent, OperationStream};
pub use rounds::{RoundContext, Rounds, RoundsError};
pub use session::Session;
pub use session_error::SessionError;
pub use spending::Spending;

/// The page's examples compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/sessions.md")]
mod page {}
