//! Operations of branches as the steps of a flow.
//!
//! A [`Session`] knows branches by name; an [`OperationGraph`] says what is to be asked, and what has to be known
//! first. Each operation runs on a fork of its branch, so operations that run side by side do not hear each other, and
//! the session's branches are after the run as they were before.
//!
//! ```
//! use fascine_branch::Branch;
//! use fascine_model::ScriptedModel;
//! use fascine_session::{Operation, OperationGraph, Session};
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
//! assert_eq!(report.step("grade").unwrap().json().unwrap()["text"], "A");
//! # });
//! ```

mod operation;
mod operation_graph;
mod session;

pub use operation::Operation;
pub use operation_graph::OperationGraph;
pub use session::{Session, SessionError};
