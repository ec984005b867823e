use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;

use serde_json::Value;

use crate::blocks::Blocks;
use crate::compile::{Drafts, check_writers, compile};
use crate::edge::{Edge, NamedEnd, Side};
use crate::edge_builder::EdgeBuilder;
use crate::inputs::Inputs;
use crate::output::OutputType;
use crate::shared_state::Reducer;
use crate::step::{Settings, Step, Work};
use crate::step_builder::StepBuilder;
use crate::step_id::{Key, StepKey};
use crate::{Graph, GraphError, Output, StepContext, StepOutput, StepResult};

/// Puts a [`Graph`] together. Names are checked when it is built, so the order of calls does not matter.
#[derive(Default)]
#[must_use = "a graph does not exist until it is built"]
pub struct GraphBuilder {
    pub(crate) steps: Blocks<Step>,
    pub(crate) edges: Vec<Edge>,
    resources: Vec<(String, NonZeroUsize)>,
    /// The ends of edges that are yet to be looked up.
    named: Vec<NamedEnd>,
    /// What is taken along edges, by their numbers, if that is known.
    wants: Vec<(usize, fn() -> OutputType)>,
    entries: Vec<StepKey>,
    reducers: HashMap<String, Reducer>,
    /// What was wrong from the beginning.
    refused: Option<GraphError>,
    version: Option<String>,
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
        let work: Work = Box::new(move |context| {
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
            self.wants.push((self.edges.len(), from.output));
            self.edge(StepKey::number(from.step), id);
        });
        StepBuilder::new(self, id.number)
    }

    /// Lets `to` wait for `from` and get its output.
    pub fn edge(&mut self, from: impl Into<StepKey>, to: impl Into<StepKey>) -> EdgeBuilder<'_> {
        let from = self.end(from.into(), Side::From);
        let to = self.end(to.into(), Side::To);
        self.edges.push(Edge {
            from,
            to,
            more: None,
        });
        EdgeBuilder::new(self)
    }

    /// Adds a resource that only so many steps may [use](StepBuilder::resource) at once, in each run.
    pub fn resource(&mut self, name: impl Into<String>, limit: NonZeroUsize) -> &mut Self {
        self.resources.push((name.into(), limit));
        self
    }

    /// Sets what becomes of a key of the shared state that several steps change: the function gets the value that is
    /// there, if there is one, and the new one, in the order in which the steps come to it. It may be called more than
    /// once for one change.
    pub fn reducer(
        &mut self,
        key: impl Into<String>,
        reduce: impl Fn(Option<&Value>, Value) -> Value + Send + Sync + 'static,
    ) -> &mut Self {
        self.try_reducer(key, move |before, new| Ok(reduce(before, new)))
    }

    /// As [`reducer`](Self::reducer), by a function that may refuse a value.
    pub fn try_reducer(
        &mut self,
        key: impl Into<String>,
        reduce: impl Fn(Option<&Value>, Value) -> StepResult<Value> + Send + Sync + 'static,
    ) -> &mut Self {
        match self.reducers.entry(key.into()) {
            Entry::Vacant(vacant) => {
                vacant.insert(Arc::new(reduce));
            }
            Entry::Occupied(taken) => {
                let key = taken.key().clone();
                self.refuse(GraphError::DuplicateReducer { key });
            }
        }
        self
    }

    /// Sets what version of its functions the graph has, to be changed when one of them changes its meaning: a run that
    /// was recorded with another one is [not taken up](crate::OnChange) unseen.
    pub fn version(&mut self, version: impl Into<String>) -> &mut Self {
        self.version = Some(version.into());
        self
    }

    /// Says where the graph begins; it may begin at several steps. Once that is said, a step that cannot be reached
    /// from there is an error: without it, a step that nothing leads to begins at once.
    pub fn entry(&mut self, step: impl Into<StepKey>) -> &mut Self {
        self.entries.push(step.into());
        self
    }

    /// Checks everything and makes the graph. Linear in the number of steps and edges, whatever the shape.
    ///
    /// # Errors
    ///
    /// [`GraphError`] names the steps that are wrong.
    pub fn build(self) -> Result<Graph, GraphError> {
        if let Some(error) = self.refused {
            return Err(error);
        }
        let drafts = Drafts {
            edges: self.edges,
            named: self.named,
            wants: self.wants,
        };
        let written = check_writers(&self.steps, &self.reducers)?;
        let mut inner = compile(self.steps, drafts, self.resources, &self.entries)?;
        inner.reducers = self.reducers;
        inner.version = self.version;
        inner.written = written;
        Ok(Graph {
            inner: Arc::new(inner),
        })
    }

    /// Makes it part of the graphs around a step that [runs](StepContext::run) it: their reducers are its own, and its
    /// steps can use their resources without adding them again.
    pub fn within(mut self, context: &StepContext) -> Self {
        let crew = context.crew();
        let wanted = self.steps.iter().filter_map(|step| {
            let more = step.settings.more.as_ref()?;
            more.resource.as_ref()
        });
        let mut wanted: Vec<_> = wanted.cloned().collect();
        wanted.sort_unstable();
        wanted.dedup();
        // One of its own holds beside the one around.
        wanted.retain(|name| self.resources.iter().all(|(own, _)| own != name));
        for graph in [crew]
            .into_iter()
            .chain(crew.site.around())
            .map(|crew| &crew.graph.inner)
        {
            for (key, reducer) in &graph.reducers {
                let own = self.reducers.entry(key.clone());
                own.or_insert_with(|| Arc::clone(reducer));
            }
            // The limit is the one around.
            let known = wanted.extract_if(.., |name| graph.resources.contains(name));
            self.resources
                .extend(known.map(|name| (name, NonZeroUsize::MAX)));
        }
        self
    }

    /// Remembers what is wrong, to be told when the graph is built.
    pub(crate) fn refuse(&mut self, error: GraphError) {
        self.refused.get_or_insert(error);
    }

    fn end(&mut self, key: StepKey, side: Side) -> u32 {
        match key.0 {
            Key::Number(number) => number,
            Key::Name(name) => {
                let edge = self.edges.len();
                self.named.push(NamedEnd { edge, side, name });
                0
            }
        }
    }

    pub(crate) fn add<T: StepOutput>(&mut self, name: Arc<str>, work: Work) -> StepBuilder<'_, T> {
        let number = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        self.steps.push(Step {
            name,
            output: OutputType::of::<T>,
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
