use std::fmt;
use std::sync::Arc;

use fascine_branch::{BranchBuilder, Budget};
use fascine_flow::{Seen, StepBuilder};

use crate::dependency::{Condition, Dependency};
use crate::keep::KeepRule;
use crate::verb::Verb;
use crate::{BranchKey, OperationOutput};

/// Something to be done with a branch, and what has to be known first.
///
/// Each operation of a run works on a fork of its own, which is made when it begins. What it gives is an
/// [`OperationOutput`]. A clone does the same.
///
/// # Defaults
///
/// - on the session's default branch
/// - depends on nothing: it begins at once
/// - is told nothing of what others gave
/// - its fork is gone when it ends
/// - the defaults of a [step](StepBuilder)
///
/// # Examples
///
/// ```
/// use fascine_branch::Branch;
/// use fascine_model::ScriptedModel;
/// use fascine_session::{Operation, OperationGraph, OperationOutput, Session};
/// use schemars::JsonSchema;
/// use serde::{Deserialize, Serialize};
/// use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// #[derive(Deserialize, JsonSchema, Serialize)]
/// struct Risk {
///     severity: u8,
/// }
///
/// let model = ScriptedModel::new(&rt)
///     .with_rule("Name the risk", r#"{"severity": 9}"#)
///     .with_rule("Write a page", "Wake up!");
/// let session = Session::new(&rt, Branch::new(&rt, "analyst", model));
/// let graph = OperationGraph::new()
///     .add_operation("risk", Operation::operate::<Risk>("Name the risk."))
///     .add_operation(
///         "page",
///         Operation::communicate("Write a page.")
///             .depends_on_when("risk", |risk| risk.data["severity"].as_u64() > Some(7))
///             .inherit_context()
///             .with_fork(|fork| fork.system("You write to whoever is on call."))
///             .with_step(|step| step.timeout(Duration::from_secs(60))),
///     );
/// let report = session.flow(&graph).await.unwrap();
/// assert_eq!(OperationOutput::of(&report, "page").unwrap().text, "Wake up!");
/// # });
/// ```
#[derive(Clone)]
#[must_use = "an operation does nothing unless it is added to a graph"]
pub struct Operation {
    pub(crate) verb: Verb,
    pub(crate) branch: Option<BranchKey>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) hears: Hears,
    pub(crate) budgets: Vec<Budget>,
    pub(crate) forks: Vec<ForkSetting>,
    pub(crate) steps: Vec<StepSetting>,
    pub(crate) keep: KeepRule,
}

pub(crate) type ForkSetting = Arc<dyn Fn(BranchBuilder) -> BranchBuilder + Send + Sync>;
pub(crate) type StepSetting = Arc<
    dyn for<'a> Fn(StepBuilder<'a, OperationOutput>) -> StepBuilder<'a, OperationOutput>
        + Send
        + Sync,
>;

/// What an operation is told of what others gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Hears {
    /// Their answers.
    Answers,
    /// The conversation of the first that has one, or of that one, and the answers of the others.
    Context(Option<String>),
    #[default]
    Nothing,
}

impl Operation {
    pub(crate) fn of(verb: Verb) -> Self {
        Self {
            verb,
            branch: None,
            dependencies: Vec::new(),
            hears: Hears::default(),
            budgets: Vec::new(),
            forks: Vec::new(),
            steps: Vec::new(),
            keep: KeepRule::default(),
        }
    }

    /// Uses a fork of this branch instead of the session's default.
    pub fn on_branch(mut self, branch: impl Into<BranchKey>) -> Self {
        self.branch = Some(branch.into());
        self
    }

    /// Waits for the operation of that name.
    pub fn depends_on(self, operation: impl Into<String>) -> Self {
        self.depends(operation.into(), Condition::Always)
    }

    /// Waits for the operation of that name, and is only to run because of it if `condition` says so of what it gave. If
    /// it gave nothing, it is not asked, and that is a no.
    pub fn depends_on_when(
        self,
        operation: impl Into<String>,
        condition: impl Fn(&OperationOutput) -> bool + Send + Sync + 'static,
    ) -> Self {
        let condition = move |seen: &Seen| {
            let output = seen.outcome.as_ref().ok();
            let output = output.and_then(OperationOutput::read);
            output.is_some_and(|output| condition(&output))
        };
        self.depends(operation.into(), Condition::When(Arc::new(condition)))
    }

    /// As [`depends_on_when`](Self::depends_on_when), for a condition that looks at the error of an operation that was
    /// told to [continue](fascine_flow::OnError::Continue) too, or at what the steps of the run share.
    pub fn depends_on_seen(
        self,
        operation: impl Into<String>,
        condition: impl Fn(&Seen) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.depends(operation.into(), Condition::When(Arc::new(condition)))
    }

    /// Waits for the operation of that name, and is only to run because of it if none of the conditions holds that other
    /// operations have on it.
    pub fn depends_on_otherwise(self, operation: impl Into<String>) -> Self {
        self.depends(operation.into(), Condition::Otherwise)
    }

    /// Puts the answers of the operations it waited for under what it says, each under its name, in the order in which
    /// it depends on them. It alone goes by what it says: what was said before on its branch. An operation that says
    /// nothing takes a single answer as it is.
    ///
    /// An operation that failed and was told to [continue](fascine_flow::OnError::Continue) is there with its error.
    pub fn with_answers(mut self) -> Self {
        if self.hears == Hears::Nothing {
            self.hears = Hears::Answers;
        }
        self
    }

    /// Goes on from the conversation of the first operation it depends on that has answered: its fork begins with all
    /// that was said there. The answers of the others are put under what it says, as by
    /// [`with_answers`](Self::with_answers).
    pub fn inherit_context(mut self) -> Self {
        self.hears = Hears::Context(None);
        self
    }

    /// As [`inherit_context`](Self::inherit_context), from that operation, on which it has to depend.
    pub fn inherit_context_from(mut self, operation: impl Into<String>) -> Self {
        self.hears = Hears::Context(Some(operation.into()));
        self
    }

    /// Builds the fork that it works on in another way: with a system prompt, tools, a model of its own.
    pub fn with_fork(
        mut self,
        build: impl Fn(BranchBuilder) -> BranchBuilder + Send + Sync + 'static,
    ) -> Self {
        self.forks.push(Arc::new(build));
        self
    }

    /// Lets it spend from this budget too, and the operations that it runs.
    pub fn with_budget(mut self, budget: Budget) -> Self {
        self.budgets.push(budget);
        self
    }

    /// Sets how its step is run: retries, time-out, what follows an error, and all else that a [`StepBuilder`] has.
    pub fn with_step(
        mut self,
        set: impl for<'a> Fn(StepBuilder<'a, OperationOutput>) -> StepBuilder<'a, OperationOutput>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.steps.push(Arc::new(set));
        self
    }

    /// Takes its turn over into its branch once it has completed, whatever becomes of the run: what begins later on that
    /// branch knows of it. If it goes on from the conversation of another operation, the turns of that one come too.
    pub fn commit(mut self) -> Self {
        self.keep = KeepRule::Commit(None);
        self
    }

    /// As [`commit`](Self::commit), into another branch.
    pub fn commit_to(mut self, branch: impl Into<BranchKey>) -> Self {
        self.keep = KeepRule::Commit(Some(branch.into()));
        self
    }

    /// Makes its fork a branch of the session, by this name, once it has completed, whatever becomes of the run.
    pub fn keep_branch(mut self, name: impl Into<String>) -> Self {
        self.keep = KeepRule::Branch(name.into());
        self
    }

    fn depends(mut self, on: String, condition: Condition) -> Self {
        self.dependencies.push(Dependency { on, condition });
        self
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("verb", &self.verb)
            .field("branch", &self.branch)
            .field("dependencies", &self.dependencies)
            .field("hears", &self.hears)
            .field("keep", &self.keep)
            .finish_non_exhaustive()
    }
}
