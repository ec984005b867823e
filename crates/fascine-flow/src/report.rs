use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::critical_path::CriticalPath;
use crate::graph::Inner;
use crate::keep::Keep;
use crate::path::is_within;
use crate::walk::Walk;
use crate::{
    CheckpointError, EdgeStatus, NotCompleted, OpenQuestion, Output, SkipCause, Snapshot, Status,
    StepError, StepName,
};

/// What a run did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FlowReport {
    /// Every step, in the order they were added to the graph.
    pub steps: Vec<StepReport>,
    /// When it began, after the start of the run that it is nested in.
    pub(crate) begun: Duration,
    /// What came of every edge, in the order of [`Graph::edges`](crate::Graph::edges).
    pub edges: Vec<EdgeStatus>,
    /// From the start of the run to its end.
    pub wall: Duration,
    /// What the run could not have been shorter than, with any number of places.
    pub critical_path: CriticalPath,
    /// The errors of the steps, in the order they failed: the first hundred of them.
    pub errors: Vec<Arc<StepError>>,
    /// How many steps failed, those among them whose errors are no longer in the list.
    pub error_count: u64,
    /// What the steps shared, at the end.
    pub state: Snapshot,
    /// Whether the run was cut off because its [time](crate::Flow::with_timeout) was over.
    pub timed_out: bool,
    /// Whether the run was [suspended](crate::Suspender) before all was done.
    pub suspended: bool,
    /// What the suspended run left without an answer, in the order it was asked.
    pub questions: Vec<Arc<OpenQuestion>>,
    /// Why the run could not be [recorded](crate::Flow::with_checkpoint) further. From then on no step began.
    pub checkpoint_error: Option<Arc<CheckpointError>>,
}

/// How one step ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StepReport {
    /// Its name.
    pub name: StepName,
    /// Its path: the name, or `parent/name` and `parent[3]/name` if another step has run it.
    pub path: Arc<str>,
    /// How it ended.
    pub status: Status,
    /// How many tries its work took; 0 if it never began.
    pub attempts: u32,
    /// When it began, after the start of the run.
    pub started: Option<Duration>,
    /// How long it ran.
    pub elapsed: Duration,
    /// Why it failed.
    pub error: Option<Arc<StepError>>,
    /// Why it was skipped.
    pub skip_cause: Option<SkipCause>,
    /// What it gave, if it was kept.
    pub output: Option<Output>,
    /// Whether this run took its result from an earlier one, and did not run it.
    pub was_recorded: bool,
    /// What came of the graphs that it ran, at its last try, in the order in which they ended.
    pub nested: Vec<FlowReport>,
}

impl StepReport {
    /// Of a step of a run that never began.
    pub(crate) fn aborted(name: StepName, path: Arc<str>) -> Self {
        Self {
            name,
            path,
            status: Status::Aborted,
            attempts: 0,
            started: None,
            elapsed: Duration::ZERO,
            error: None,
            skip_cause: None,
            output: None,
            was_recorded: false,
            nested: Vec::new(),
        }
    }

    /// What it gave, as JSON, if it was kept and can be JSON.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        self.output.as_ref()?.to_json().ok()
    }

    /// Returns the report itself if the step has completed.
    ///
    /// # Errors
    ///
    /// [`NotCompleted`] says what the step is instead, and its source why it failed.
    pub fn assert_completed(&self) -> Result<&Self, NotCompleted> {
        match self.status {
            Status::Completed => Ok(self),
            _ => Err(self.not_completed()),
        }
    }

    /// What it is instead of completed.
    pub(crate) fn not_completed(&self) -> NotCompleted {
        NotCompleted {
            step: self.path.to_string(),
            status: self.status,
            elapsed: self.elapsed,
            source: self.error.clone(),
        }
    }

    /// Whether it did all that it was to do: if a condition did not lead to it, that is nothing.
    fn is_done(&self) -> bool {
        match self.status {
            Status::Completed => true,
            Status::Skipped => self.skip_cause == Some(SkipCause::Condition),
            _ => false,
        }
    }
}

impl FlowReport {
    pub(crate) fn new(
        graph: &Inner,
        steps: Vec<StepReport>,
        begun: Duration,
        wall: Duration,
    ) -> Self {
        let critical_path = CriticalPath::find(graph, &steps);
        Self {
            steps,
            edges: Vec::new(),
            begun,
            wall,
            critical_path,
            errors: Vec::new(),
            error_count: 0,
            state: Snapshot::default(),
            timed_out: false,
            suspended: false,
            questions: Vec::new(),
            checkpoint_error: None,
        }
    }

    /// The report of the step with that path, or else with that name.
    ///
    /// A step that another one ran has the path `parent/name`, or `parent[3]/name`. A `/`, `[` or `\` in a name has a `\`
    /// before it there.
    #[must_use]
    pub fn step(&self, path: &str) -> Option<&StepReport> {
        let named = || self.steps.iter().find(|step| step.name == path);
        self.at(path).or_else(named)
    }

    fn at(&self, path: &str) -> Option<&StepReport> {
        let found = self.steps.iter().find(|step| *step.path == *path);
        let mut outer = self.steps.iter().filter(|step| is_within(path, &step.path));
        found.or_else(|| {
            outer.find_map(|step| step.nested.iter().find_map(|report| report.at(path)))
        })
    }

    /// The steps that ended with that status.
    pub fn with_status(&self, status: Status) -> impl Iterator<Item = &StepReport> {
        self.steps.iter().filter(move |step| step.status == status)
    }

    /// Returns whether every step completed, or was skipped by a condition.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.steps.iter().all(StepReport::is_done)
    }

    /// Returns the report itself if every step completed, or was skipped by a condition.
    ///
    /// # Errors
    ///
    /// [`NotCompleted`] of the step that failed first, or else of the first that did not complete.
    pub fn assert_completed(&self) -> Result<&Self, NotCompleted> {
        if self.is_success() {
            return Ok(self);
        }
        // A step may have completed although what it ran did not.
        let failed = self
            .errors
            .iter()
            .find_map(|error| self.to_rerun().find(|step| *step.path == *error.step()));
        let wanting = failed.or_else(|| self.to_rerun().next());
        match wanting {
            Some(step) => step.assert_completed().map(|_| self),
            None => Ok(self),
        }
    }

    /// The steps that a run which takes up where this one stopped would have to run: those that failed or were cut off,
    /// and those that were not reached because of that. What a condition did not lead to is not among them. Behind a step
    /// come those among the ones that it ran.
    pub fn to_rerun(&self) -> impl Iterator<Item = &StepReport> {
        Walk::new(self, |step| !step.is_done())
    }

    /// Every step, each followed by those that it ran.
    pub fn all_steps(&self) -> impl Iterator<Item = &StepReport> {
        Walk::new(self, |_| true)
    }

    /// What the report of the whole run has of it: few outputs of nested steps.
    pub(crate) fn kept(&self, keep: &Keep) -> Self {
        let mut kept = self.clone();
        for step in &mut kept.steps {
            step.output.take_if(|_| !keep.keeps_nested(&step.path));
        }
        kept
    }
}
