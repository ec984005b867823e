use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::compile::compile;
use crate::edge::Condition;
use crate::edge_builder::{EdgeBuilder, EdgeDraft};
use crate::inputs::Inputs;
use crate::step::{Settings, Step, Work};
use crate::step_builder::StepBuilder;
use crate::step_id::StepKey;
use crate::{Graph, GraphError, Output, StepContext, StepOutput, StepResult};

/// Puts a [`Graph`] together. Names are checked when it is built, so the order of calls does not matter.
#[derive(Default)]
#[must_use = "a graph does not exist until it is built"]
pub struct GraphBuilder {
    pub(crate) steps: Vec<Step>,
    pub(crate) edges: Vec<EdgeDraft>,
    resources: Vec<(String, NonZeroUsize)>,
}

impl GraphBuilder {
    /// Begins with nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step. Its function is called once for each run, and for each retry, when all its inputs are there.
    pub fn step<F, Fut, T>(&mut self, name: impl Into<Arc<str>>, work: F) -> StepBuilder<'_, T>
    where
        F: Fn(StepContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = StepResult<T>> + Send + 'static,
        T: StepOutput,
    {
        let work: Work = Arc::new(move |context| {
            let made = work(context);
            Box::pin(async move { made.await.map(Output::new) })
        });
        self.add(name.into(), work)
    }

    /// Adds a step behind others, which gets what they gave. The types fit, or it does not compile.
    ///
    /// The step does not run unless all of them gave something: its join is [`AllSucceeded`](crate::Join::AllSucceeded).
    pub fn then<I, F, Fut, T>(
        &mut self,
        name: impl Into<Arc<str>>,
        inputs: I,
        work: F,
    ) -> StepBuilder<'_, T>
    where
        I: Inputs,
        F: Fn(StepContext, I::Values) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = StepResult<T>> + Send + 'static,
        T: StepOutput,
    {
        let sources = inputs.clone();
        let id = self
            .step(name, move |context| {
                let ready = sources.values(&context).map(|values| work(context, values));
                async move { ready?.await }
            })
            .join(crate::Join::AllSucceeded)
            .id();
        inputs.each(&mut |from| {
            self.edge(StepKey::number(from), id);
        });
        StepBuilder::new(self, id.number)
    }

    /// Lets `to` wait for `from` and get its output.
    pub fn edge(&mut self, from: impl Into<StepKey>, to: impl Into<StepKey>) -> EdgeBuilder<'_> {
        self.edges.push(EdgeDraft {
            from: from.into(),
            to: to.into(),
            label: None,
            condition: Condition::Always,
        });
        EdgeBuilder::new(self)
    }

    /// Adds a resource that only so many steps may [use](StepBuilder::resource) at once, in each run.
    pub fn resource(&mut self, name: impl Into<String>, limit: NonZeroUsize) -> &mut Self {
        self.resources.push((name.into(), limit));
        self
    }

    /// Checks everything and makes the graph. Linear in the number of steps and edges, whatever the shape.
    ///
    /// # Errors
    ///
    /// [`GraphError`] names the steps that are wrong.
    pub fn build(self) -> Result<Graph, GraphError> {
        compile(self.steps, self.edges, self.resources)
    }

    fn add<T>(&mut self, name: Arc<str>, work: Work) -> StepBuilder<'_, T> {
        let number = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        self.steps.push(Step {
            name,
            work,
            settings: Settings::default(),
        });
        StepBuilder::new(self, number)
    }
}

impl fmt::Debug for GraphBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphBuilder")
            .field("steps", &self.steps)
            .field("edges", &self.edges.len())
            .finish()
    }
}
