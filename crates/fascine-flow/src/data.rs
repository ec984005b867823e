//! Flows as data: read from files, checked, built, and written out again.

mod field;
mod node;
mod source;

mod read_json;
#[cfg(feature = "toml")]
mod read_toml;
#[cfg(feature = "yaml")]
mod read_yaml;
#[cfg(feature = "yaml")]
mod yaml_scalar;

mod duration;
mod fields;
mod read_flow;
mod read_step;
mod similar;

mod print;
#[cfg(feature = "toml")]
mod print_toml;
#[cfg(feature = "yaml")]
mod print_yaml;
mod write_flow;

mod parameter_spec;
mod spec;
mod step_spec;

mod check;
mod problem;
mod spec_error;
mod template;

mod bind;
mod build;
mod call;
mod operation_error;
mod operations;
mod reducers;
mod scopes;
mod step_work;

pub use node::Place;
pub use operation_error::OperationError;
pub use operations::Operations;
pub use parameter_spec::{ParameterKind, ParameterSpec};
#[cfg(feature = "toml")]
pub use print_toml::NotToml;
pub use problem::Problem;
pub use spec::FlowSpec;
pub use spec_error::{SpecError, SpecErrors};
pub use step_spec::{EdgeSpec, OnErrorSpec, RepeatSpec, RetrySpec, StepSpec, WhenSpec, WorkSpec};
