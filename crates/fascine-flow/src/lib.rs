//! Run a graph of async steps, each the moment it can start.
//!
//! A [`Graph`] is checked once and run as often as you like. A step starts the instant its inputs are settled and a
//! place is free: no step waits for a level of others. A run can be watched, cancelled and dropped, and its
//! [`FlowReport`] says of every step how it ended and why.
//!
//! ```
//! use fascine_flow::{Flow, GraphBuilder, Status};
//! use std::time::Duration;
//! # fascine_testing::TestRuntime::run(|rt| async move {
//!
//! let timer = rt.clone();
//! let mut graph = GraphBuilder::new();
//! let load = graph.step("load", |_| async { Ok(vec![3, 1, 2]) }).id();
//! let count = graph.then("count", load, |_, list| async move { Ok(list.len()) }).id();
//! graph.step("alarm", |_| async { Ok("too many".to_owned()) });
//! graph.edge(count, "alarm").when(|seen| seen.output::<usize>() > Some(100.into()));
//! graph.then("wait", load, move |_, _| {
//!     let timer = timer.clone();
//!     async move { Ok(timer.sleep(Duration::from_secs(2)).await) }
//! });
//! let graph = graph.build().unwrap();
//!
//! let report = Flow::new(&rt).keep_all().run(&graph).await;
//! assert!(report.is_success());
//! assert_eq!(report.step("count").unwrap().output.as_ref().unwrap().to_json().unwrap(), 3);
//! assert_eq!(report.step("alarm").unwrap().status, Status::Skipped);
//! assert_eq!(report.wall, Duration::from_secs(2));
//! assert_eq!(report.critical_path.steps, ["load", "wait"]);
//! # });
//! ```
//!
//! # Features
//!
//! None is on by default. Each adds types and changes nothing else.
//!
//! - `data`: graphs from descriptions in JSON, `FlowSpec`, and back.
//! - `toml`: these in TOML.
//! - `yaml`: these in YAML.
//! - `sqlite`: `SqliteCheckpoint`, journals of runs in SQLite, which is compiled in.

mod graph;
mod graph_builder;
mod graph_error;

mod edge;
mod edge_builder;
mod inputs;
mod join;
mod on_error;
mod step;
mod step_builder;
mod step_id;
mod step_name;

mod adjacency;
mod blocks;
mod compile;
mod fallbacks;
mod names;
mod order;

mod answer_error;
mod answers;
mod ask;
mod asking;
mod desk;
mod question;
mod questions;
mod reply;
mod suspender;
mod suspension;

mod flow;
mod flow_stream;
mod handle;
mod keep;
mod readers;
mod run;

mod each;
mod expand;
mod growth;
mod growth_error;
mod lent_place;
mod limit;
mod map;
mod moment;
mod nested_run;
mod path;
mod places;
mod repeat;
mod sharing;
mod sub_flow;
mod tree;

mod attempt;
mod changes;
mod decide;
mod output;
mod place;
mod ready;
mod ready_queue;
mod step_context;
mod sync;
mod worker;

mod edge_state;
mod edge_status;
mod resources;
mod run_state;

mod shared_state;
mod state_error;

mod checkpoint;

mod critical_path;
mod event;
mod report;
mod status;
mod step_error;
mod walk;

mod draw;
mod view;

#[cfg(feature = "data")]
mod data;

pub use answer_error::{AnswerError, Declined};
pub use answers::Answers;
#[cfg(feature = "sqlite")]
pub use checkpoint::SqliteCheckpoint;
pub use checkpoint::{
    Checkpoint, CheckpointError, Durability, Entry, FileCheckpoint, Fingerprint, Fork, GraphChange,
    Header, Journal, MemoryCheckpoint, MigratedStep, Migration, OnChange, Point, Record, Recorded,
    Replay, Resume, ResumeError, RunId, RunIdError, StepRecord,
};
pub use critical_path::CriticalPath;
#[cfg(feature = "toml")]
pub use data::NotToml;
#[cfg(feature = "data")]
pub use data::{
    EdgeSpec, FlowSpec, OnErrorSpec, OperationError, Operations, ParameterKind, ParameterSpec,
    Place, Problem, RepeatSpec, RetrySpec, SpecError, SpecErrors, StepSpec, WhenSpec, WorkSpec,
};
pub use each::Each;
pub use edge::Seen;
pub use edge_builder::EdgeBuilder;
pub use edge_status::EdgeStatus;
pub use event::{FlowEvent, FlowEvents};
pub use expand::Expand;
pub use flow::Flow;
pub use flow_stream::FlowStream;
pub use graph::Graph;
pub use graph_builder::GraphBuilder;
pub use graph_error::GraphError;
pub use growth_error::GrowthError;
pub use handle::StepHandle;
pub use inputs::Inputs;
pub use join::Join;
pub use nested_run::NestedRun;
pub use on_error::OnError;
pub use output::{Output, StepOutput};
pub use question::{OpenQuestion, Question};
pub use questions::Questions;
pub use repeat::{Repeat, Round};
pub use report::{FlowReport, StepReport};
pub use run::{Canceller, FlowRun};
pub use shared_state::{SharedState, Snapshot};
pub use state_error::StateError;
pub use status::Status;
pub use step::StepResult;
pub use step_builder::StepBuilder;
pub use step_context::{Input, StepContext};
pub use step_error::{NotCompleted, SkipCause, StepError};
pub use step_id::{StepId, StepKey};
pub use step_name::StepName;
pub use sub_flow::OutputOf;
pub use suspender::Suspender;
pub use view::{EdgeView, GraphView, StepView};

/// The page's examples compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/flows.md")]
mod page {}

#[cfg(all(doctest, feature = "toml", feature = "yaml"))]
#[doc = include_str!("../../../docs/flow-files.md")]
mod page_of_files {}
