use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use fascine_flow::{Join, StepResult};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::dependency::Dependency;
use crate::nest::{Failures, Nest};
use crate::verb::Verb;
use crate::{Operation, OperationGraph, OperationOutput};

/// An operation for each item of a list that another operation gives: what is to be done is known only then.
///
/// The operations run within the same run, on forks of the fork of the one that expands: what that one inherits, they
/// know. In the report they have its name and the number of their item, from 0: `reviews/0`, `reviews/1`. What it gives is
/// the list of what they gave, in the order of the items: their data, or their text if that is no data.
///
/// The list is the data of the first operation that it depends on which has answered, or the only list among the fields of
/// that. An empty list gives an empty list, and asks nobody.
///
/// # Defaults
///
/// - all items side by side, as far as the flow has places
/// - fails if one of them failed, when all have ended
///
/// # Examples
///
/// ```
/// use fascine_branch::Branch;
/// use fascine_model::ScriptedModel;
/// use fascine_session::{Expansion, Operation, OperationGraph, OperationOutput, Session};
/// use serde_json::json;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let model = ScriptedModel::new(&rt)
///     .with_rule("Name three topics", r#"["law", "cost", "risk"]"#)
///     .with_rule("Sum up", "All is well.")
///     .with_rule("cost", "It is dear.")
///     .with_rule("", "It is fine.");
/// let session = Session::new(&rt, Branch::new(&rt, "analyst", model));
/// let reviews = Expansion::new(|topic: String, _| Operation::communicate(format!("Review the {topic}.")));
/// let graph = OperationGraph::new()
///     .add_operation("topics", Operation::operate::<Vec<String>>("Name three topics."))
///     .expand_from_result("reviews", "topics", reviews)
///     .add_aggregation("sum", ["reviews"], Operation::communicate("Sum up."));
/// let report = session.flow(&graph).await.unwrap();
/// let reviews = OperationOutput::of(&report, "reviews").unwrap();
/// assert_eq!(reviews.data, json!(["It is fine.", "It is dear.", "It is fine."]));
/// assert_eq!(OperationOutput::of(&report, "reviews/1").unwrap().text, "It is dear.");
/// # });
/// ```
#[derive(Clone)]
#[must_use = "an expansion does nothing unless it is added to a graph"]
pub struct Expansion {
    make: Arc<Make>,
    strategy: ExpandStrategy,
    aggregation: Option<Operation>,
    failures: Failures,
}

type Make = dyn Fn(Value, usize) -> Result<Operation, ExpandError> + Send + Sync;

/// In which order the items of an [`Expansion`] are worked on. Complete by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExpandStrategy {
    /// So many side by side; when all of them have ended, the next so many.
    ChunkByChunk(NonZeroUsize),
    /// Chunks of so many side by side; in each, one after the other.
    ChunksSideBySide(NonZeroUsize),
    /// All side by side.
    #[default]
    Concurrent,
    /// One after the other. An operation that inherits context goes on from the one before it.
    Sequential,
}

/// Why a list does not become operations.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExpandError {
    /// An item is of another type.
    #[error("item {number} of the list is of another type")]
    Item {
        /// Its number, from 0.
        number: usize,
        /// What the deserializer says.
        source: serde_json::Error,
    },
    /// There is no list.
    #[error("there is no list to make operations of")]
    NoList,
}

impl Expansion {
    /// Makes an operation of each item; the number of the item counts from 0.
    pub fn new<T: DeserializeOwned>(
        make: impl Fn(T, usize) -> Operation + Send + Sync + 'static,
    ) -> Self {
        let make = move |item: Value, number| {
            let item = T::deserialize(item);
            let item = item.map_err(|source| ExpandError::Item { number, source })?;
            Ok(make(item, number))
        };
        Self {
            make: Arc::new(make),
            strategy: ExpandStrategy::default(),
            aggregation: None,
            failures: Failures::default(),
        }
    }

    /// Sets in which order the items are worked on.
    pub fn with_strategy(mut self, strategy: ExpandStrategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Adds an operation that has the answers of all; it is called `all`, and what it gives is what the expansion gives.
    pub fn with_aggregation(mut self, operation: Operation) -> Self {
        self.aggregation = Some(operation);
        self
    }

    /// Goes on if an item fails: in the list that is given there is `null` in its place.
    pub fn allow_failures(mut self) -> Self {
        self.failures = Failures::AreAllowed;
        self
    }

    async fn run(&self, nest: Nest) -> StepResult<OperationOutput> {
        let items = list_of(nest.given()).ok_or(ExpandError::NoList)?;
        let n_items = items.len();
        let outputs = nest.run(self.graph(items)?, self.failures).await?;
        if self.aggregation.is_some() && n_items > 0 {
            let all = outputs.get(ALL).cloned();
            return Ok(all.unwrap_or_default().without_cost());
        }
        let values = (0..n_items).map(|number| {
            let output = outputs.get(&number.to_string());
            output.map_or(Value::Null, OperationOutput::to_value)
        });
        Ok(OperationOutput::from(Value::Array(values.collect())))
    }

    fn graph(&self, items: Vec<Value>) -> Result<OperationGraph, ExpandError> {
        let n_items = items.len();
        let mut graph = OperationGraph::new();
        for (number, item) in items.into_iter().enumerate() {
            let mut operation = (self.make)(item, number)?;
            if let Some(before) = self.strategy.before(number) {
                operation.dependencies.insert(0, Dependency::always(before));
                self.go_on_after_failures(&mut operation);
            }
            graph = graph.add_operation(number.to_string(), operation);
        }
        if let (Some(operation), 1..) = (&self.aggregation, n_items) {
            let mut operation = operation.clone();
            self.go_on_after_failures(&mut operation);
            let all = (0..n_items).map(|number| number.to_string());
            graph = graph.add_aggregation(ALL, all, operation);
        }
        Ok(self.strategy.with_gates(graph, n_items, self.failures))
    }

    /// What the operation itself says of its join comes later, and counts.
    fn go_on_after_failures(&self, operation: &mut Operation) {
        if self.failures == Failures::AreAllowed {
            operation
                .steps
                .insert(0, Arc::new(|step| step.join(Join::Always)));
        }
    }
}

impl ExpandStrategy {
    /// What an item has to wait for.
    fn before(self, number: usize) -> Option<String> {
        let before = number.checked_sub(1)?;
        match self {
            Self::ChunkByChunk(size) => (number >= size.get()).then(|| gate(number / size)),
            Self::ChunksSideBySide(size) => (number % size != 0).then(|| before.to_string()),
            Self::Concurrent => None,
            Self::Sequential => Some(before.to_string()),
        }
    }

    /// A gate between two chunks is a step of its own: so there are as many edges as items.
    fn with_gates(
        self,
        graph: OperationGraph,
        n_items: usize,
        failures: Failures,
    ) -> OperationGraph {
        let Self::ChunkByChunk(size) = self else {
            return graph;
        };
        graph.with_steps(move |graph| {
            for number in 0..n_items {
                let chunk = number / size + 1;
                if chunk * size.get() >= n_items {
                    break;
                }
                graph.edge(number.to_string(), gate(chunk));
                if (number + 1) % size == 0 {
                    let step = graph.step(gate(chunk), |_| async { Ok(()) });
                    if failures == Failures::AreAllowed {
                        step.join(Join::Always);
                    }
                }
            }
        })
    }
}

/// Before which chunk.
fn gate(chunk: usize) -> String {
    format!("(chunk {chunk})")
}

/// The data if it is a list, or else the only list among its fields.
fn list_of(output: Option<&OperationOutput>) -> Option<Vec<Value>> {
    match &output?.data {
        Value::Array(items) => Some(items.clone()),
        Value::Object(fields) => {
            let mut lists = fields.values().filter_map(Value::as_array);
            match (lists.next(), lists.next()) {
                (Some(items), None) => Some(items.clone()),
                _ => None,
            }
        }
        _ => None,
    }
}

impl From<Expansion> for Operation {
    /// To set what an operation can be set to: on which branch, whether it inherits, how its step is run.
    fn from(expansion: Expansion) -> Self {
        Self::of(Verb::Grows(Arc::new(move |nest| {
            let expansion = expansion.clone();
            Box::pin(async move { expansion.run(nest).await })
        })))
    }
}

impl fmt::Debug for Expansion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expansion")
            .field("strategy", &self.strategy)
            .field("aggregation", &self.aggregation)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

const ALL: &str = "all";
