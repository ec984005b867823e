use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use fascine_flow::StepResult;

use crate::nest::{Failures, Nest, Outputs};
use crate::verb::Verb;
use crate::{Operation, OperationGraph, OperationOutput};

/// Operations that are done again and again, until what they give is good enough, and so often and no more: a writer and a
/// reviewer, a worker and a supervisor.
///
/// Each round runs within the same run, on forks of the fork of the operation that repeats: what is
/// [committed](Operation::commit) there is known in the next round, and gone at the end unless the operation that repeats
/// is committed itself. In the report the first round is `name/..`, the second `name[1]/..`.
///
/// # Defaults
///
/// - what it gives is what the last operation of the round gives
/// - it fails if the last round is not good enough
///
/// # Examples
///
/// ```
/// use fascine_branch::Branch;
/// use fascine_model::ScriptedModel;
/// use fascine_session::{Operation, OperationGraph, OperationOutput, Rounds, RoundContext, Session};
/// use std::num::NonZeroU32;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let model = ScriptedModel::new(&rt)
///     .with_rule("Review it.\n\n# draft\n\nA haiku", "Good.")
///     .with_rule("Review it.", "Too long.")
///     .with_rule("Too long.", "A haiku")
///     .with_rule("Write", "A novel");
/// let session = Session::new(&rt, Branch::new(&rt, "writer", model));
/// let round = |round: &RoundContext<'_>| {
///     let write = match round.output("review") {
///         None => "Write a poem.".to_owned(),
///         Some(review) => format!("Write it again: {}", review.text),
///     };
///     OperationGraph::new().chain([
///         ("draft", Operation::communicate(write)),
///         ("review", Operation::communicate("Review it.").with_answers()),
///     ])
/// };
/// let poem = Rounds::new(NonZeroU32::new(3).unwrap(), round)
///     .until("review", |review| review.text == "Good.")
///     .giving("draft");
/// let graph = OperationGraph::new().add_operation("poem", poem);
/// let report = session.flow(&graph).await.unwrap();
/// assert_eq!(OperationOutput::of(&report, "poem").unwrap().text, "A haiku");
/// assert!(report.step("poem[1]/draft").is_some());
/// # });
/// ```
#[derive(Clone)]
#[must_use = "a repetition does nothing unless it is added to a graph"]
pub struct Rounds {
    max: NonZeroU32,
    make: Arc<Make>,
    until: Option<(String, Arc<IsGood>)>,
    giving: Option<String>,
    takes_last: bool,
}

type IsGood = dyn Fn(&OperationOutput) -> bool + Send + Sync;
type Make = dyn Fn(&RoundContext<'_>) -> OperationGraph + Send + Sync;

/// What is known when a round begins.
#[derive(Clone, Copy, Debug)]
pub struct RoundContext<'a> {
    number: u32,
    before: Option<&'a Outputs>,
    given: Option<&'a OperationOutput>,
}

/// Why a repetition gives nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoundsError {
    /// The last round that there may be is not good enough.
    #[error("no round of {rounds} was good enough")]
    NotGoodEnough {
        /// How many there were.
        rounds: u32,
    },
    /// The operation of that name gave nothing.
    #[error("operation `{operation}` of round {round} gave nothing")]
    NoOutput {
        /// The number of the round, from 1.
        round: u32,
        /// The operation.
        operation: String,
    },
    /// What is to be looked at or given is not in the round, which was not run for that.
    #[error("round {round} has no operation `{operation}`")]
    UnknownOperation {
        /// The number of the round, from 1.
        round: u32,
        /// The operation.
        operation: String,
    },
}

impl Rounds {
    /// Does what `make` says, so many times.
    pub fn new(
        max: NonZeroU32,
        make: impl Fn(&RoundContext<'_>) -> OperationGraph + Send + Sync + 'static,
    ) -> Self {
        Self {
            max,
            make: Arc::new(make),
            until: None,
            giving: None,
            takes_last: false,
        }
    }

    /// Ends with the first round in which what this operation gave is good enough.
    pub fn until(
        mut self,
        operation: impl Into<String>,
        is_good: impl Fn(&OperationOutput) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.until = Some((operation.into(), Arc::new(is_good)));
        self
    }

    /// Gives what this operation of the last round gave.
    pub fn giving(mut self, operation: impl Into<String>) -> Self {
        self.giving = Some(operation.into());
        self
    }

    /// Takes the last round that there may be although it is not good enough.
    pub fn or_last(mut self) -> Self {
        self.takes_last = true;
        self
    }

    async fn run(&self, nest: Nest) -> StepResult<OperationOutput> {
        let mut before: Option<Outputs> = None;
        for number in 1..=self.max.get() {
            let round = RoundContext {
                number,
                before: before.as_ref(),
                given: nest.given(),
            };
            let graph = (self.make)(&round);
            let last = graph.names().last().unwrap_or_default().to_owned();
            let is_last = number == self.max.get();
            self.check(&graph, number, is_last)?;
            let outputs = nest.run(graph, Failures::AreErrors).await?;
            let output = |operation: &str| {
                let missing = || RoundsError::NoOutput {
                    round: number,
                    operation: operation.to_owned(),
                };
                outputs.get(operation).ok_or_else(missing)
            };
            let is_over = match &self.until {
                Some((operation, is_good)) => is_good(output(operation)?),
                None => false,
            };
            if is_over || (is_last && (self.takes_last || self.until.is_none())) {
                let given = output(self.giving.as_ref().unwrap_or(&last))?;
                return Ok(given.clone().without_cost());
            }
            before = Some(outputs);
        }
        let rounds = self.max.get();
        Err(RoundsError::NotGoodEnough { rounds }.into())
    }

    /// Whether a round has the operations that will be asked for: before it costs anything.
    fn check(&self, graph: &OperationGraph, round: u32, is_last: bool) -> Result<(), RoundsError> {
        let until = self.until.as_ref().map(|(operation, _)| operation);
        let may_end = is_last || until.is_some();
        let giving = self.giving.as_ref().filter(|_| may_end);
        let mut wanted = until.into_iter().chain(giving);
        match wanted.find(|wanted| !graph.names().any(|name| name == *wanted)) {
            Some(unknown) => Err(RoundsError::UnknownOperation {
                round,
                operation: unknown.clone(),
            }),
            None => Ok(()),
        }
    }
}

impl RoundContext<'_> {
    /// Which round it is, from 1.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// What this operation gave in the round before.
    #[must_use]
    pub fn output(&self, operation: &str) -> Option<&OperationOutput> {
        self.before?.get(operation)
    }

    /// What the first operation gave that the repetition depends on.
    #[must_use]
    pub fn given(&self) -> Option<&OperationOutput> {
        self.given
    }
}

impl From<Rounds> for Operation {
    fn from(repeat: Rounds) -> Self {
        Self::of(Verb::Grows(Arc::new(move |nest| {
            let repeat = repeat.clone();
            Box::pin(async move { repeat.run(nest).await })
        })))
    }
}

impl fmt::Debug for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rounds")
            .field("max", &self.max)
            .field("giving", &self.giving)
            .field("takes_last", &self.takes_last)
            .finish_non_exhaustive()
    }
}
