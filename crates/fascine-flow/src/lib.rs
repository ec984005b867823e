//! Run a graph of async steps, each the moment it can start.
//!
//! A [`Graph`] is checked once and run as often as you like. A step starts the instant its inputs are settled and a
//! place is free: no step waits for a level of others. A run can be watched, cancelled and dropped, and its
//! [`FlowReport`] says of every step how it ended and why.
//!
//! ```
//! use fascine_flow::{Flow, GraphBuilder, Status};
//! use serde_json::json;
//! use std::time::Duration;
//! # fascine_testing::TestRuntime::run(|rt| async move {
//!
//! let timer = rt.clone();
//! let graph = GraphBuilder::new()
//!     .step("load", |_| async { Ok(json!([3, 1, 2])) })
//!     .step("count", |inputs| async move {
//!         Ok(json!(inputs.input("load").and_then(|list| list.as_array()).map(Vec::len)))
//!     })
//!     .step("wait", move |_| {
//!         let timer = timer.clone();
//!         async move { Ok(json!(timer.sleep(Duration::from_secs(2)).await)) }
//!     })
//!     .step("alarm", |_| async { Ok(json!("too many")) })
//!     .edge("load", "count")
//!     .edge("load", "wait")
//!     .edge_when("count", "alarm", |count| count.as_u64() > Some(100))
//!     .build()
//!     .unwrap();
//!
//! let report = Flow::new(&rt).run(&graph).await;
//! assert!(report.is_success());
//! assert_eq!(report.step("count").unwrap().output, Some(json!(3).into()));
//! assert_eq!(report.step("alarm").unwrap().status, Status::Skipped);
//! assert_eq!(report.wall, Duration::from_secs(2));
//! assert_eq!(report.critical_path.steps, ["load", "wait"]);
//! # });
//! ```

mod graph;
mod graph_builder;
mod graph_error;
mod step;

mod flow;
mod run;
mod run_state;

mod event;
mod report;
mod status;
mod step_error;

pub use event::{FlowEvent, FlowEvents};
pub use flow::Flow;
pub use graph::Graph;
pub use graph_builder::GraphBuilder;
pub use graph_error::GraphError;
pub use report::{CriticalPath, FlowReport, StepReport};
pub use run::{Canceller, FlowRun};
pub use status::Status;
pub use step::StepContext;
pub use step_error::{SkipCause, StepError};
