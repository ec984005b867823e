use std::collections::BTreeMap;

use fascine_branch::Branch;
use fascine_flow::{Join, StepContext, StepResult};

use crate::compile::Compiler;
use crate::given::Given;
use crate::keep::enter;
use crate::operation_output::Conversation;
use crate::{OperationGraph, OperationOutput, SessionError};

/// Where an operation runs operations of its own, within the same run: on forks of its fork.
pub(crate) struct Nest {
    compiler: Compiler,
    context: StepContext,
    /// What the first operation gave that it waited for.
    given: Option<OperationOutput>,
}

/// What operations gave, by their names; those that gave nothing are not there.
pub(crate) type Outputs = BTreeMap<String, OperationOutput>;

impl Nest {
    pub(crate) fn new(
        compiler: &Compiler,
        fork: Branch,
        context: StepContext,
        given: &Given,
    ) -> Self {
        let mut compiler = compiler.clone();
        compiler.default = fork;
        compiler.is_nested = true;
        Self {
            compiler,
            context,
            given: given.first().cloned(),
        }
    }

    pub(crate) fn given(&self) -> Option<&OperationOutput> {
        self.given.as_ref()
    }

    /// Runs them and gives what they gave. Unless failures are allowed, one of them is an error.
    pub(crate) async fn run(
        &self,
        graph: OperationGraph,
        failures: Failures,
    ) -> StepResult<Outputs> {
        let names: Vec<String> = graph.names().map(str::to_owned).collect();
        // A report of a nested run may have the outputs of its last steps alone.
        let sources = names.clone();
        let graph = graph.with_steps(move |graph| {
            for name in &sources {
                graph.edge(name, LAST);
            }
            let outputs = |context: StepContext| async move {
                let inputs = context.inputs().filter_map(|(name, input)| {
                    let output = input.as_ref().ok()?;
                    Some((name.to_owned(), OperationOutput::read(output)?))
                });
                Ok(inputs.collect::<Outputs>())
            };
            let step = graph.step(LAST, outputs);
            // Where a failure is an error, nobody is to find it done with less than all.
            if failures == Failures::AreAllowed {
                step.join(Join::Always);
            }
        });
        let graph = self.compiler.compile(&graph)?.within(&self.context);
        let graph = graph.build().map_err(SessionError::from)?;
        let report = self.context.run(&graph).await?;
        if failures == Failures::AreErrors {
            report.assert_completed()?;
        }
        let outputs = report.step(LAST).and_then(|step| step.output.as_ref());
        let outputs = outputs.and_then(|output| output.get::<Outputs>());
        let outputs = outputs.map(|outputs| (*outputs).clone());
        let outputs = outputs.unwrap_or_default();
        // Operations that were done in an earlier process have committed into another fork.
        for name in &names {
            let output = outputs.get(name);
            if let Some(Conversation(said)) = output.and_then(|output| output.committed.as_ref()) {
                enter(&self.compiler.default, said.clone()).await?;
            }
        }
        Ok(outputs)
    }
}

/// What the failure of a nested operation is to the one that runs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Failures {
    AreAllowed,
    #[default]
    AreErrors,
}

/// The step that brings together what the others gave.
const LAST: &str = "(outputs)";
