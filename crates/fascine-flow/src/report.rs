use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::graph::Inner;
use crate::{CheckpointError, NotCompleted, Output, SkipCause, Snapshot, Status, StepError};

/// What a run did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FlowReport {
    /// Every step, in the order they were added to the graph.
    pub steps: Vec<StepReport>,
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
    /// Why the run could not be [recorded](crate::Flow::with_checkpoint) further. From then on no step began.
    pub checkpoint_error: Option<Arc<CheckpointError>>,
}

/// How one step ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StepReport {
    /// Its name.
    pub name: String,
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
}

impl StepReport {
    /// Of a step of a run that never began.
    pub(crate) fn aborted(name: String) -> Self {
        Self {
            name,
            status: Status::Aborted,
            attempts: 0,
            started: None,
            elapsed: Duration::ZERO,
            error: None,
            skip_cause: None,
            output: None,
            was_recorded: false,
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
            status => Err(NotCompleted {
                step: self.name.clone(),
                status,
                elapsed: self.elapsed,
                source: self.error.clone(),
            }),
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

/// The chain of steps, each waiting for the one before it, that took longest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CriticalPath {
    /// Their names.
    pub steps: Vec<String>,
    /// How long they ran, together.
    pub duration: Duration,
}

impl FlowReport {
    pub(crate) fn new(graph: &Inner, steps: Vec<StepReport>, wall: Duration) -> Self {
        let critical_path = CriticalPath::find(graph, &steps);
        Self {
            steps,
            wall,
            critical_path,
            errors: Vec::new(),
            error_count: 0,
            state: Snapshot::default(),
            timed_out: false,
            checkpoint_error: None,
        }
    }

    /// The report of the step with that name.
    #[must_use]
    pub fn step(&self, name: &str) -> Option<&StepReport> {
        self.steps.iter().find(|step| step.name == name)
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
        let failed = self
            .errors
            .first()
            .and_then(|error| self.step(error.step()));
        let wanting = failed.or_else(|| self.to_rerun().next());
        match wanting {
            Some(step) => step.assert_completed().map(|_| self),
            None => Ok(self),
        }
    }

    /// The steps that a run which takes up where this one stopped would have to run: those that failed or were cut off,
    /// and those that were not reached because of that. What a condition did not lead to is not among them.
    pub fn to_rerun(&self) -> impl Iterator<Item = &StepReport> {
        self.steps.iter().filter(|step| !step.is_done())
    }
}

impl CriticalPath {
    fn find(graph: &Inner, steps: &[StepReport]) -> Self {
        // The longest chain that ends with each step, and the step before it in that chain.
        let mut longest: Vec<(Duration, Option<usize>)> = vec![(Duration::ZERO, None); steps.len()];
        let mut last = None;
        for step in &graph.order {
            let edges = graph.incoming.of(*step).iter();
            let before = edges.map(|edge| graph.edges[*edge as usize].from);
            // A step that failed and has a fallback step is done when that one is.
            let before = before.map(|from| match graph.rescuer(from) {
                Some(other) if other != *step && steps[other as usize].started.is_some() => other,
                _ => from,
            });
            let before = before.map(|from| from as usize);
            let before = before.max_by_key(|from| longest[*from].0);
            let step = *step as usize;
            let waited = before.map_or(Duration::ZERO, |from| longest[from].0);
            longest[step] = (waited.saturating_add(steps[step].elapsed), before);
            if last.is_none_or(|last: usize| longest[step].0 > longest[last].0) {
                last = Some(step);
            }
        }
        let duration = last.map_or(Duration::ZERO, |last| longest[last].0);
        let mut path = Vec::new();
        while let Some(step) = last {
            // Steps that were skipped take no time, but what is behind them may have waited for what is before.
            if steps[step].started.is_some() {
                path.push(steps[step].name.clone());
            }
            last = longest[step].1;
        }
        path.reverse();
        Self {
            steps: path,
            duration,
        }
    }
}
