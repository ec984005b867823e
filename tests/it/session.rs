//! Operations of branches as the steps of a flow.

mod branches;
mod context;
mod graphs;
mod growth;
mod keeping;
mod operations;
mod resuming;
mod rounds;
mod running;
mod spending;
mod streams;

use fascine::branch::Branch;
use fascine::flow::FlowReport;
use fascine::model::{EchoModel, ScriptedModel};
use fascine::rt::Rt;
use fascine::session::{Operation, OperationOutput, Session};

use crate::durations::seconds;

/// A session whose model says what it is told.
fn echo(rt: &Rt) -> Session {
    Session::new(rt, Branch::new(rt, "echo", EchoModel))
}

/// A session whose model takes a second for each answer, and refuses what is bad.
fn slow(rt: &Rt) -> Session {
    let model = ScriptedModel::new(rt)
        .with_delay(seconds(1))
        .with_failing_rule("bad", 400)
        .with_rule("", "ok");
    Session::new(rt, Branch::new(rt, "slow", model))
}

fn ask(text: impl Into<String>) -> Operation {
    Operation::communicate(text.into())
}

/// What the operation of that name said.
#[track_caller]
fn text(report: &FlowReport, operation: &str) -> String {
    let output = OperationOutput::of(report, operation);
    output.expect("it has an output").text
}
