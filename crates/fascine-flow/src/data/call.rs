use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fascine_rt::{BoxFuture, Rt};
use serde_json::{Map, Value};

use super::build::Building;
use super::operation_error::OperationError;
use super::operations::{Operation, Operations};
use super::spec::FlowSpec;
use super::spec_error::{Complaints, Origin};
use super::step_spec::WorkSpec;
use super::template::kind;
use crate::{FlowReport, SkipCause, Status, StepContext, StepResult};

/// What the steps of a flow can do.
pub(crate) struct Library {
    pub(crate) rt: Rt,
    pub(crate) operations: Operations,
    pub(crate) flows: BTreeMap<String, FlowSpec>,
}

/// What a step does, each time.
#[derive(Clone)]
pub(crate) enum Call {
    Flow(String, Arc<Library>),
    Operation(Operation),
}

impl Call {
    pub(crate) fn find(work: &WorkSpec, library: &Arc<Library>) -> Option<Self> {
        match work {
            WorkSpec::Flow(name) => Some(Self::Flow(name.clone(), Arc::clone(library))),
            WorkSpec::Operation(name) => {
                library.operations.find(name).cloned().map(Self::Operation)
            }
        }
    }

    /// Begins to do it. The future is boxed, as flows run flows.
    pub(crate) fn call(
        &self,
        with: Option<Value>,
        context: StepContext,
    ) -> StepResult<BoxFuture<StepResult<Value>>> {
        match self {
            Self::Flow(name, library) => {
                let (name, library) = (name.clone(), Arc::clone(library));
                Ok(Box::pin(
                    async move { library.run(&name, with, context).await },
                ))
            }
            Self::Operation(operation) => Ok(operation.call(with, context)?),
        }
    }
}

impl Library {
    /// Runs a flow within the run, for these parameters.
    async fn run(
        self: &Arc<Self>,
        name: &str,
        with: Option<Value>,
        context: StepContext,
    ) -> StepResult<Value> {
        let given = match with {
            None => Map::new(),
            Some(Value::Object(given)) => given,
            Some(other) => {
                let flow = name.to_owned();
                let found = kind(&other);
                return Err(OperationError::NoParameters { flow, found }.into());
            }
        };
        let Some(spec) = self.flows.get(name) else {
            return Err(format!("there is no flow `{name}`").into());
        };
        let mut complaints = Complaints::new(&Origin::default());
        let parameters = spec.bind(given.into_iter().collect(), &mut complaints);
        complaints.or(())?;
        let graph = Building::new(self, &parameters).graph(spec);
        let graph = graph.within(&context).build()?;
        let report = context.run(&graph).await?;
        outputs(spec, &report)
    }
}

/// What the steps gave that no other one waits for. Those that a condition did not lead to are left out.
fn outputs(spec: &FlowSpec, report: &FlowReport) -> StepResult<Value> {
    let edges = spec.steps.iter().flat_map(|step| &step.after);
    let read: BTreeSet<&str> = edges.map(|edge| &*edge.step).collect();
    let mut outputs = Map::new();
    for (step, report) in spec.steps.iter().zip(&report.steps) {
        let is_left_out =
            report.status == Status::Skipped && report.skip_cause == Some(SkipCause::Condition);
        if read.contains(&*step.name) || is_left_out {
            continue;
        }
        report.assert_completed()?;
        outputs.insert(step.name.clone(), report.json().unwrap_or_default());
    }
    Ok(Value::Object(outputs))
}
