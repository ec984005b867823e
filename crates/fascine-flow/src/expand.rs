use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::growth::Role;
use crate::nested_run::{NestedRun, Plan};
use crate::{
    Each, Graph, GraphBuilder, GrowthError, OnError, StepContext, StepError, StepOutput,
    StepReport, StepResult,
};

/// A function that a step runs for each of many items, each as a step of its own: see
/// [`expand`](StepContext::expand).
///
/// The step of the first item has the path `parent[0]`. How they are run says [`Each`]; what becomes of what they give
/// says the method that runs them.
///
/// ```
/// use fascine_flow::{Each, Flow, GraphBuilder};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let mut graph = GraphBuilder::new();
/// graph.step("search", |context| async move {
///     let found = ["one", "three"];
///     let lengths = context.expand(found, |_, page| async move { Ok(page.len()) });
///     let lengths: Vec<usize> = lengths.with(Each::sequential()).collect().await?;
///     Ok(lengths)
/// });
/// let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
/// assert_eq!(report.step("search").unwrap().json(), Some([3, 5][..].into()));
/// assert_eq!(report.step("search[1]").unwrap().attempts, 1);
/// # });
/// ```
#[must_use = "nothing is run before it is collected"]
pub struct Expand<I, F> {
    context: StepContext,
    items: Vec<I>,
    work: Arc<F>,
    each: Each,
}

impl<I, F> Expand<I, F> {
    pub(crate) fn new(context: &StepContext, items: Vec<I>, work: Arc<F>) -> Self {
        Self {
            context: context.clone(),
            items,
            work,
            each: Each::default(),
        }
    }

    /// Sets how they are run.
    pub fn with(mut self, each: Each) -> Self {
        self.each = each;
        self
    }
}

impl<I, F, Fut, O> Expand<I, F>
where
    I: Clone + Send + Sync + 'static,
    F: Fn(StepContext, I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = StepResult<O>> + Send + 'static,
    O: StepOutput + Clone,
{
    /// Runs them, and gives what they gave, in the order of the items.
    ///
    /// # Errors
    ///
    /// [`GrowthError::Failed`] as soon as one of them fails: the others are cancelled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the steps that are running.
    pub async fn collect(self) -> Result<Vec<O>, GrowthError> {
        let path = self.context.path();
        let mut gave = Vec::with_capacity(self.items.len());
        for step in self.run(OnError::FailFast).await? {
            gave.push(outcome(step).map_err(|source| GrowthError::Failed {
                path: Arc::clone(&path),
                source,
            })?);
        }
        Ok(gave)
    }

    /// Runs them, and gives what came of each, in the order of the items. A failure does nothing to the others.
    ///
    /// # Errors
    ///
    /// [`GrowthError`] if they could not be run.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the steps that are running.
    pub async fn settle(self) -> Result<Vec<Result<O, Arc<StepError>>>, GrowthError> {
        let steps = self.run(OnError::SkipDependents).await?;
        Ok(steps.into_iter().map(outcome).collect())
    }

    /// Runs them, and makes one value of what they gave, in the order of the items.
    ///
    /// # Errors
    ///
    /// [`GrowthError::Failed`] as soon as one of them fails: the others are cancelled.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the steps that are running.
    pub async fn fold<R>(self, start: R, fold: impl FnMut(R, O) -> R) -> Result<R, GrowthError> {
        Ok(self.collect().await?.into_iter().fold(start, fold))
    }

    /// Runs them, and then a last step, `parent[all]`, which gets what they gave in the order of the items.
    ///
    /// # Errors
    ///
    /// [`GrowthError::Failed`] as soon as one of them fails, or when the last step does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels the steps that are running.
    pub async fn aggregate<A, Last, R>(self, last: A) -> Result<R, GrowthError>
    where
        A: Fn(StepContext, Arc<Vec<O>>) -> Last + Send + Sync + 'static,
        Last: Future<Output = StepResult<R>> + Send + 'static,
        R: StepOutput + Clone,
    {
        let context = self.context.clone();
        let all = Arc::new(self.collect().await?);
        let work = move |context| last(context, Arc::clone(&all));
        run_item(&context, "[all]".to_owned(), work).await
    }

    async fn run(self, on_error: OnError) -> Result<Vec<StepReport>, GrowthError> {
        let Self {
            context,
            items,
            work,
            each,
        } = self;
        context.check_growth(items.len())?;
        let mut number = context.growth().reserve(items.len());
        let chunk = each.chunk.map_or(items.len(), NonZeroUsize::get).max(1);
        let mut steps = Vec::with_capacity(items.len());
        let mut items = items.into_iter().peekable();
        while items.peek().is_some() {
            let mut graph = GraphBuilder::new();
            for item in items.by_ref().take(chunk) {
                let work = Arc::clone(&work);
                let step = graph.step(format!("[{number}]"), move |context| {
                    work(context, item.clone())
                });
                let step = step.settings(each.settings.clone());
                let _ = step.on_error(on_error.clone());
                number += 1;
            }
            let graph = build(&context, graph)?;
            steps.extend(run_items(&context, &graph).await?);
        }
        Ok(steps)
    }
}

/// Runs a function as a step that has this name behind the path of the step that it is in.
pub(crate) async fn run_item<F, Fut, T>(
    context: &StepContext,
    name: String,
    work: F,
) -> Result<T, GrowthError>
where
    F: Fn(StepContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = StepResult<T>> + Send + 'static,
    T: StepOutput + Clone,
{
    let mut graph = GraphBuilder::new();
    let _ = graph.step(name, work).on_error(OnError::FailFast);
    let graph = build(context, graph)?;
    let mut steps = run_items(context, &graph).await?;
    let path = context.path();
    let step = steps
        .pop()
        .expect("a graph has as many steps as were added");
    outcome(step).map_err(|source| GrowthError::Failed { path, source })
}

async fn run_items(context: &StepContext, graph: &Graph) -> Result<Vec<StepReport>, GrowthError> {
    let plan = Plan {
        role: Role::Items,
        output: None,
    };
    Ok(NestedRun::new(context, graph, plan).await?.steps)
}

/// Builds a graph that uses the resources and reducers of the graphs around it.
fn build(context: &StepContext, graph: GraphBuilder) -> Result<Graph, GrowthError> {
    let built = graph.within(context).build();
    built.map_err(|source| GrowthError::Graph {
        path: context.path(),
        source,
    })
}

/// What a step gave, or why it gave nothing.
fn outcome<T: StepOutput + Clone>(mut step: StepReport) -> Result<T, Arc<StepError>> {
    let output = step.output.take().and_then(|output| output.get::<T>());
    match (output, step.error.take()) {
        (Some(output), _) => Ok(Arc::unwrap_or_clone(output)),
        (None, Some(error)) => Err(error),
        (None, None) => Err(Arc::new(StepError::Failed {
            attempts: step.attempts,
            source: Arc::new(step.not_completed()),
            step: step.path.to_string(),
        })),
    }
}

impl<I, F> fmt::Debug for Expand<I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expand")
            .field("context", &self.context)
            .field("items", &self.items.len())
            .field("each", &self.each)
            .finish_non_exhaustive()
    }
}
