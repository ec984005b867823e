use std::fmt;
use std::sync::Arc;

use fascine_branch::Budget;
use fascine_flow::GraphBuilder;

use crate::dependency::Dependency;
use crate::{Operation, OperationOutput};

/// Operations by name, and what else is in their graph.
///
/// Nothing depends on anything unless it says so: what depends on nothing begins at once. Names are checked when a session
/// [compiles](crate::Session::compile) it, before anything runs; so the order of calls does not matter.
///
/// # Examples
///
/// ```
/// use fascine_branch::Branch;
/// use fascine_model::ScriptedModel;
/// use fascine_session::{Operation, OperationGraph, OperationOutput, Session};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let model = ScriptedModel::new(&rt)
///     .with_rule("# risk", "All is well.")
///     .with_rule("Look at the market", "It grows.")
///     .with_rule("Name the risk", "None.")
///     .with_rule("Is it urgent?", "no")
///     .with_rule("Put it on the list", "It is on the list.");
/// let session = Session::new(&rt, Branch::new(&rt, "analyst", model));
/// let ask = |text: &str| Operation::communicate(text);
/// let graph = OperationGraph::new()
///     .add_operation("market", ask("Look at the market."))
///     .add_operation("risk", ask("Name the risk."))
///     .add_aggregation("report", ["market", "risk"], ask("Write the report."))
///     .add_conditional_branch(
///         ("urgent", ask("Is it urgent?").depends_on("risk")),
///         |answer| answer.text == "yes",
///         ("page", ask("Page somebody.")),
///         ("list", ask("Put it on the list.")),
///     );
/// let report = session.flow(&graph).await.unwrap();
/// assert_eq!(OperationOutput::of(&report, "report").unwrap().text, "All is well.");
/// assert_eq!(OperationOutput::of(&report, "list").unwrap().text, "It is on the list.");
/// assert!(OperationOutput::of(&report, "page").is_none());
/// # });
/// ```
#[derive(Clone, Default)]
#[must_use = "a graph does nothing unless a session runs it"]
pub struct OperationGraph {
    pub(crate) operations: Vec<(String, Operation)>,
    pub(crate) more: Vec<More>,
    pub(crate) budgets: Vec<Budget>,
    /// Aggregations of nothing, to be complained of.
    pub(crate) without_sources: Vec<String>,
}

pub(crate) type More = Arc<dyn Fn(&mut GraphBuilder) + Send + Sync>;

impl OperationGraph {
    /// Begins with nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an operation.
    pub fn add_operation(
        mut self,
        name: impl Into<String>,
        operation: impl Into<Operation>,
    ) -> Self {
        self.operations.push((name.into(), operation.into()));
        self
    }

    /// Adds operations each of which depends on the one before it.
    pub fn chain(
        mut self,
        operations: impl IntoIterator<Item = (impl Into<String>, Operation)>,
    ) -> Self {
        let mut before: Option<String> = None;
        for (name, mut operation) in operations {
            let name = name.into();
            if let Some(before) = before.replace(name.clone()) {
                // It is the first that it depends on: the one whose context it inherits.
                operation.dependencies.insert(0, Dependency::always(before));
            }
            self = self.add_operation(name, operation);
        }
        self
    }

    /// Adds an operation that depends on all of these, and has their answers under what it says, each under its name, in
    /// this order. It does not run if one of them failed, unless its [join](fascine_flow::StepBuilder::join) says
    /// otherwise.
    pub fn add_aggregation(
        mut self,
        name: impl Into<String>,
        sources: impl IntoIterator<Item = impl Into<String>>,
        operation: Operation,
    ) -> Self {
        let name = name.into();
        let mut sources = sources.into_iter().peekable();
        if sources.peek().is_none() {
            self.without_sources.push(name.clone());
        }
        let operation = sources.fold(operation.with_answers(), Operation::depends_on);
        self.add_operation(name, operation)
    }

    /// Adds an operation for each item of the list that `source` gives: see [`Expansion`](crate::Expansion).
    pub fn expand_from_result(
        self,
        name: impl Into<String>,
        source: impl Into<String>,
        expansion: impl Into<Operation>,
    ) -> Self {
        let mut operation = expansion.into();
        let source = Dependency::always(source.into());
        operation.dependencies.insert(0, source);
        self.add_operation(name, operation)
    }

    /// Adds an operation to find something out, one to do if `condition` says so of its answer, and one to do if not. One
    /// of the two is skipped; that is no failure.
    ///
    /// For what is there already, and for more than two ways, there is
    /// [`depends_on_when`](Operation::depends_on_when).
    pub fn add_conditional_branch(
        self,
        check: (impl Into<String>, Operation),
        condition: impl Fn(&OperationOutput) -> bool + Send + Sync + 'static,
        then: (impl Into<String>, Operation),
        otherwise: (impl Into<String>, Operation),
    ) -> Self {
        let condition = Arc::new(condition);
        let (check, check_operation) = (check.0.into(), check.1);
        let yes = {
            let condition = Arc::clone(&condition);
            then.1
                .depends_on_when(&check, move |answer| condition(answer))
        };
        let no = otherwise
            .1
            .depends_on_when(&check, move |answer| !condition(answer));
        self.add_operation(check, check_operation)
            .add_operation(then.0, yes)
            .add_operation(otherwise.0, no)
    }

    /// Lets all its operations together spend from this budget, in all its runs, and those that they run; on top of the
    /// budgets of their branches.
    pub fn with_budget(mut self, budget: Budget) -> Self {
        self.budgets.push(budget);
        self
    }

    /// Adds what is no operation: steps that ask nobody, resources, reducers. Operations may depend on such steps and
    /// the other way round.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_branch::Branch;
    /// # use fascine_model::EchoModel;
    /// # use fascine_session::{Operation, OperationGraph, OperationOutput, Session};
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let graph = OperationGraph::new()
    ///     .with_steps(|graph| {
    ///         graph.step("load", |_| async { Ok(vec![3, 1, 2]) });
    ///     })
    ///     .add_operation("sum", Operation::communicate("Sum up.").depends_on("load").with_answers());
    /// let session = Session::new(&rt, Branch::new(&rt, "echo", EchoModel));
    /// let report = session.flow(&graph).await.unwrap();
    /// assert_eq!(OperationOutput::of(&report, "sum").unwrap().text, "Sum up.\n\n# load\n\n[3,1,2]");
    /// # });
    /// ```
    pub fn with_steps(mut self, add: impl Fn(&mut GraphBuilder) + Send + Sync + 'static) -> Self {
        self.more.push(Arc::new(add));
        self
    }

    /// The names of the operations, in the order they were added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.operations.iter().map(|(name, _)| name.as_str())
    }
}

impl fmt::Debug for OperationGraph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operations = self.operations.iter();
        f.debug_map()
            .entries(operations.map(|(name, operation)| (name, operation)))
            .finish()
    }
}
