//! Operations of branches as the steps of a flow.

mod branches;
mod context;
mod graphs;
mod keeping;
mod operations;
mod running;
mod spending;

use fascine::flow::FlowReport;
use fascine::session::OperationOutput;

/// What the operation of that name said.
#[track_caller]
fn text(report: &FlowReport, operation: &str) -> String {
    let output = OperationOutput::of(report, operation);
    output.expect("it has an output").text
}
