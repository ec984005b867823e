use fascine_branch::BranchError;
use fascine_flow::{FlowReport, StepError, StepReport};
use fascine_message::Usage;

use crate::OperationOutput;

/// What the operations of a run cost, those among them that others ran, as far as its report has their outputs and errors.
///
/// It is what they say themselves. To have all that was spent counted, by operations too that were cancelled or whose
/// outputs are gone, or to limit it, give the graph a [budget](crate::OperationGraph::with_budget).
///
/// # Examples
///
/// ```
/// use fascine_branch::Branch;
/// use fascine_model::EchoModel;
/// use fascine_session::{Operation, OperationGraph, Session, Spending};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let session = Session::new(&rt, Branch::new(&rt, "echo", EchoModel));
/// let graph = OperationGraph::new().chain([
///     ("one", Operation::communicate("One")),
///     ("two", Operation::communicate("Two")),
/// ]);
/// let spending = Spending::of(&session.flow(&graph).await.unwrap());
/// assert_eq!(spending.attempts, 2);
/// # });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spending {
    /// How many requests were made.
    pub attempts: u64,
    /// The tokens.
    pub usage: Usage,
}

impl Spending {
    /// Adds up what a report tells.
    #[must_use]
    pub fn of(report: &FlowReport) -> Self {
        let steps = report.all_steps().filter_map(spent);
        steps.fold(Self::default(), |sum, (attempts, usage)| Self {
            attempts: sum.attempts.saturating_add(u64::from(attempts)),
            usage: sum.usage + usage,
        })
    }
}

fn spent(step: &StepReport) -> Option<(u32, Usage)> {
    if let Some(StepError::Failed { source, .. }) = step.error.as_deref() {
        let error = source.downcast_ref::<BranchError>()?;
        return Some((error.attempts(), error.usage()));
    }
    let output = step.output.as_ref()?.get::<OperationOutput>()?;
    Some((output.attempts.unwrap_or(0), output.usage))
}
