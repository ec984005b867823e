use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::Value;

use crate::changes::Changes;
use crate::checkpoint::{Recorder, Write};
use crate::growth::Growth;
use crate::nested_run::{NestedRun, Plan};
use crate::run_state::Begun;
use crate::step::More;
use crate::worker::Crew;
use crate::{
    Expand, FlowReport, Graph, GrowthError, Output, RunId, StepError, StepId, StepOutput,
    StepResult,
};

/// What a step gets: its name, and what came of the steps before it. A clone is the same context.
#[derive(Clone)]
pub struct StepContext(Arc<Inner>);

struct Inner {
    crew: Arc<Crew>,
    step: u32,
    /// Along the live edges, by the number of the step they come from.
    inputs: Vec<(u32, Input)>,
    attempts: AtomicU32,
    /// How the step ends without being run.
    foregone: Option<Result<Output, StepError>>,
    changes: Mutex<Changes>,
    /// Few steps run graphs.
    growth: OnceLock<Box<Growth>>,
}

/// What a live edge carries: an output, or the error of a step that was told to [continue](crate::OnError::Continue).
pub type Input = Result<Output, Arc<StepError>>;

/// How a step ends that is not run.
pub(crate) struct Foregone {
    pub(crate) result: Result<Output, StepError>,
    pub(crate) attempts: u32,
    pub(crate) writes: Vec<Write>,
}

impl Foregone {
    /// It cannot be known whether it is to run.
    pub(crate) fn broken(error: StepError) -> Box<Self> {
        Box::new(Self {
            result: Err(error),
            attempts: 0,
            writes: Vec::new(),
        })
    }
}

impl StepContext {
    pub(crate) fn new(crew: &Arc<Crew>) -> Self {
        Self(Arc::new(Inner {
            crew: Arc::clone(crew),
            step: 0,
            inputs: Vec::new(),
            attempts: AtomicU32::new(0),
            foregone: None,
            changes: Mutex::default(),
            growth: OnceLock::new(),
        }))
    }

    /// Makes it that of a step that begins, which takes the inputs. Nobody else has it.
    pub(crate) fn of(mut self, begun: Begun, inputs: &mut Vec<(u32, Input)>) -> Self {
        let inner =
            Arc::get_mut(&mut self.0).expect("it is new or cleared, and was not given away");
        inner.step = begun.step;
        std::mem::swap(&mut inner.inputs, inputs);
        if let Some(foregone) = begun.foregone {
            *inner.attempts.get_mut() = foregone.attempts;
            inner.changes = Mutex::new(Changes::made(foregone.writes));
            inner.foregone = Some(foregone.result);
        }
        self
    }

    /// Lets the inputs go, and keeps the rest for another step, unless the step has left it with somebody.
    pub(crate) fn cleared(mut self) -> Option<Self> {
        let inner = Arc::get_mut(&mut self.0)?;
        inner.inputs.clear();
        *inner.attempts.get_mut() = 0;
        inner.foregone = None;
        let changes = inner.changes.get_mut();
        changes.unwrap_or_else(PoisonError::into_inner).clear();
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
        self.input_of(step.number)?.as_ref().ok()?.get()
    }

    /// What came of the step with that name, if an edge from it to this one is live.
    #[must_use]
    pub fn input_named(&self, name: &str) -> Option<&Input> {
        self.input_of(self.0.crew.graph.inner.names().named(name)?)
    }

    fn input_of(&self, step: u32) -> Option<&Input> {
        let inputs = &self.0.inputs;
        let place = inputs.binary_search_by_key(&step, |(from, _)| *from);
        Some(&inputs[place.ok()?].1)
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

    /// The run, if it is [recorded](crate::Flow::with_checkpoint).
    #[must_use]
    pub fn run_id(&self) -> Option<&RunId> {
        self.recorder().map(|recorder| recorder.run())
    }

    /// A text by which others can tell that they did already what this step asks them for: the one that was
    /// [set](crate::StepBuilder::idempotency_key), or else one made of the run and the step, if the run is recorded. It is
    /// the same in every attempt, and when the run is resumed or replayed; one that is made is another one in a fork.
    ///
    /// ```
    /// use fascine_flow::{Flow, GraphBuilder, MemoryCheckpoint, RunId};
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// let mut graph = GraphBuilder::new();
    /// graph.step("pay", |context| async move { Ok(context.idempotency_key()) });
    /// let flow = Flow::new(&rt).with_checkpoint(MemoryCheckpoint::new(), RunId::new("monday")?);
    /// let report = flow.run(&graph.build()?).await;
    /// assert_eq!(report.step("pay").unwrap().json(), Some("monday/pay".into()));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn idempotency_key(&self) -> Option<String> {
        let key = self.more().and_then(|more| more.idempotency_key.as_ref());
        match (key, self.run_id()) {
            (Some(key), _) => Some((key.0)(self)),
            (None, Some(run)) => Some(format!("{run}/{}", self.path())),
            (None, None) => None,
        }
    }

    /// Runs a graph within the present run: see [`NestedRun`].
    pub fn run(&self, graph: &Graph) -> NestedRun {
        NestedRun::new(self, graph, Plan::default())
    }

    /// Runs a function for each of these items, each as a step of its own within the run: see [`Expand`]. The function
    /// gets the item each time that it is tried, so items are cloned.
    pub fn expand<I, F, Fut, O>(&self, items: impl IntoIterator<Item = I>, work: F) -> Expand<I, F>
    where
        F: Fn(Self, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = StepResult<O>> + Send + 'static,
    {
        Expand::new(self, items.into_iter().collect(), Arc::new(work))
    }

    /// What the step got that runs the graph which this one is in. `None` if no step does.
    #[must_use]
    pub fn outer(&self) -> Option<&Self> {
        self.0.crew.site.parent.as_ref()
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

    pub(crate) fn foregone(&self) -> Option<&Result<Output, StepError>> {
        self.0.foregone.as_ref()
    }

    /// Whether it is to be recorded that the step begins: it does something that cannot be taken back.
    pub(crate) fn has_effects(&self) -> bool {
        self.foregone().is_none() && self.more().is_none_or(|more| more.asks.is_none())
    }

    pub(crate) fn recorder(&self) -> Option<&Arc<Recorder>> {
        self.0.crew.recorder()
    }

    pub(crate) fn is_idempotent(&self) -> bool {
        self.more().is_some_and(More::may_rerun)
    }

    /// Whether the run goes on with something in its place when it fails.
    pub(crate) fn handles_failure(&self) -> bool {
        self.more().is_some_and(More::handles_failure)
    }

    pub(crate) fn changes(&self) -> MutexGuard<'_, Changes> {
        self.0
            .changes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn more(&self) -> Option<&More> {
        let step = &self.0.crew.graph.inner.steps[self.0.step as usize];
        step.settings.more.as_deref()
    }

    pub(crate) fn begin_attempt(&self) {
        self.0.attempts.fetch_add(1, Ordering::Relaxed);
        self.forget_changes();
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

    /// Whether there is room for so many steps in graphs that it runs.
    pub(crate) fn check_growth(&self, steps: usize) -> Result<(), GrowthError> {
        self.0.crew.site.tree.check_growth(steps).map_err(|limit| {
            let path = self.path();
            GrowthError::TooManySteps { path, limit }
        })
    }

    /// What it runs within the run.
    pub(crate) fn growth(&self) -> &Growth {
        self.0.growth.get_or_init(Box::default)
    }

    /// Whether a graph that it runs was suspended.
    pub(crate) fn is_suspended(&self) -> bool {
        let growth = self.0.growth.get();
        growth.is_some_and(|growth| growth.is_suspended())
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
