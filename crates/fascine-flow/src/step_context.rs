use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde_json::Value;

use crate::growth::{Growth, Role};
use crate::nested_run::NestedRun;
use crate::run_state::Begun;
use crate::worker::Crew;
use crate::{FlowReport, Graph, Output, Snapshot, StateError, StepError, StepId, StepOutput};

/// What a step gets: its name, and what came of the steps before it. A clone is the same context.
#[derive(Clone)]
pub struct StepContext(Arc<Inner>);

struct Inner {
    crew: Arc<Crew>,
    step: u32,
    /// Along the live edges, by the number of the step they come from.
    inputs: Vec<(u32, Input)>,
    attempts: AtomicU32,
    /// Why the step fails without being run.
    broken: Option<StepError>,
    /// Few steps run graphs.
    growth: OnceLock<Box<Growth>>,
}

/// What a live edge carries: an output, or the error of a step that was told to [continue](crate::OnError::Continue).
pub type Input = Result<Output, Arc<StepError>>;

impl StepContext {
    pub(crate) fn new(crew: &Arc<Crew>) -> Self {
        Self(Arc::new(Inner {
            crew: Arc::clone(crew),
            step: 0,
            inputs: Vec::new(),
            attempts: AtomicU32::new(0),
            broken: None,
            growth: OnceLock::new(),
        }))
    }

    /// Makes it that of a step that begins, which takes the inputs. Nobody else has it.
    pub(crate) fn of(mut self, begun: Begun, inputs: &mut Vec<(u32, Input)>) -> Self {
        let inner =
            Arc::get_mut(&mut self.0).expect("it is new or cleared, and was not given away");
        inner.step = begun.step;
        std::mem::swap(&mut inner.inputs, inputs);
        inner.broken = begun.broken;
        self
    }

    /// Lets the inputs go, and keeps the rest for another step, unless the step has left it with somebody.
    pub(crate) fn cleared(mut self) -> Option<Self> {
        let inner = Arc::get_mut(&mut self.0)?;
        inner.inputs.clear();
        *inner.attempts.get_mut() = 0;
        inner.broken = None;
        if inner.growth.get().is_some() {
            inner.growth = OnceLock::new();
        }
        Some(self)
    }

    /// The step's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name_of(self.0.step)
    }

    /// The step's path: its name, or `parent/name` and `parent[3]/name` if another step runs it.
    #[must_use]
    pub fn path(&self) -> Arc<str> {
        let crew = &self.0.crew;
        crew.site
            .prefix
            .path(&crew.graph.inner.steps[self.0.step as usize].name)
    }

    /// What that step gave, if an edge from it to this one is live.
    #[must_use]
    pub fn input<T: StepOutput>(&self, step: StepId<T>) -> Option<Arc<T>> {
        let inputs = &self.0.inputs;
        let place = inputs.binary_search_by_key(&step.number, |(from, _)| *from);
        inputs[place.ok()?].1.as_ref().ok()?.get()
    }

    /// What came of the step with that name, if an edge from it to this one is live.
    #[must_use]
    pub fn input_named(&self, name: &str) -> Option<&Input> {
        let mut inputs = self.inputs();
        inputs.find_map(|(from, input)| (from == name).then_some(input))
    }

    /// What the step with that name gave, as JSON, if an edge from it to this one is live and it gave something.
    #[must_use]
    pub fn input_json(&self, name: &str) -> Option<Value> {
        self.input_named(name)?.as_ref().ok()?.to_json().ok()
    }

    /// What came along all live edges, with the names of the steps it came from, in the order these were added.
    pub fn inputs(&self) -> impl Iterator<Item = (&str, &Input)> {
        let inputs = self.0.inputs.iter();
        inputs.map(|(from, input)| (self.name_of(*from), input))
    }

    /// What the steps of the run share, at this moment.
    #[must_use]
    pub fn state(&self) -> Snapshot {
        self.0.crew.site.tree.shared.snapshot()
    }

    /// Changes a value that the steps of the run share, at once: a step that fails later does not take it back. Gives
    /// the snapshot with the new value.
    ///
    /// # Errors
    ///
    /// [`StateError`] if the step has not declared that it [writes](crate::StepBuilder::writes) the key, or if the value
    /// cannot be JSON.
    pub fn update(&self, key: &str, value: impl Serialize) -> Result<Snapshot, StateError> {
        let crew = &self.0.crew;
        let graph = &crew.graph.inner;
        let more = &graph.steps[self.0.step as usize].settings.more;
        let mut written = more.iter().flat_map(|more| &more.writes);
        if !written.any(|written| written == key) {
            return Err(StateError::Undeclared {
                step: self.path().to_string(),
                key: key.to_owned(),
            });
        }
        let value = serde_json::to_value(value).map_err(|source| StateError::Value {
            key: key.to_owned(),
            source,
        })?;
        let mut around = crew.site.around();
        let reducer = graph.reducers.get(key);
        let reducer =
            reducer.or_else(|| around.find_map(|crew| crew.graph.inner.reducers.get(key)));
        Ok(crew.site.tree.shared.update(key, value, reducer))
    }

    /// Runs a graph within the present run: see [`NestedRun`].
    pub fn run(&self, graph: &Graph) -> NestedRun {
        NestedRun::new(self, graph, Role::Steps)
    }

    /// Which try of the step this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.0.attempts.load(Ordering::Relaxed)
    }

    /// Tells the report how many tries this step's work took, if it does its own retries.
    pub fn record_attempts(&self, attempts: u32) {
        self.0.attempts.store(attempts, Ordering::Relaxed);
    }

    pub(crate) fn broken(&self) -> Option<&StepError> {
        self.0.broken.as_ref()
    }

    pub(crate) fn begin_attempt(&self) {
        self.0.attempts.fetch_add(1, Ordering::Relaxed);
        if let Some(growth) = self.0.growth.get() {
            growth.restart();
        }
    }

    pub(crate) fn crew(&self) -> &Arc<Crew> {
        &self.0.crew
    }

    pub(crate) fn number(&self) -> u32 {
        self.0.step
    }

    /// What it runs within the run.
    pub(crate) fn growth(&self) -> &Growth {
        self.0.growth.get_or_init(Box::default)
    }

    /// The step has ended: gives the reports of the graphs that it ran.
    pub(crate) fn close(&self) -> Vec<FlowReport> {
        // Nobody else has it who could still run something.
        if self.0.growth.get().is_none() && Arc::strong_count(&self.0) == 1 {
            return Vec::new();
        }
        let grown = self.growth().close();
        if grown.has_lent {
            // It did not wait for what it ran. Its worker goes on, and needs a place.
            let lent = self.0.crew.share(self.0.step);
            lent.iter().for_each(|places| places.overdraw());
        }
        grown.reports
    }

    fn name_of(&self, step: u32) -> &str {
        &self.0.crew.graph.inner.steps[step as usize].name
    }
}

impl fmt::Debug for StepContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs: Vec<_> = self.inputs().map(|(name, _)| name).collect();
        f.debug_struct("StepContext")
            .field("name", &self.name())
            .field("inputs", &inputs)
            .finish_non_exhaustive()
    }
}
