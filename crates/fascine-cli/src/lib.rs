//! The `fascine` program: runs a flow of model calls on the runtime of your choice.
//!
//! The library is the program without its `main`, so that tests can run the job in virtual time. It is not meant to be
//! depended on.

mod answers;
mod args;
mod drawings;
mod flow_args;
mod flow_command;
mod flow_operations;
mod flow_summary;
mod interrupt;
mod job;
mod program;
mod readings;
mod runtime;
mod serve_mock;
mod serve_mock_args;
mod setup;
mod summary;
mod view;

pub use args::{Args, Command, DrawingArgs, GraphArgs, GraphFormat, ModelArgs, RuntimeName};
pub use flow_args::{FlowCommand, FlowFile, FlowGraphArgs, FlowRunArgs};
pub use job::operations;
pub use program::run;
pub use serve_mock_args::ServeMockArgs;
pub use setup::embedded_server;
