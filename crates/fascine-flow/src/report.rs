use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::graph::Inner;
use crate::keep::Keep;
use crate::path::is_within;
use crate::{NotCompleted, Output, SkipCause, Snapshot, Status, StepError, StepName};

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
            status => Err(NotCompleted {
                step: self.name.to_string(),
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
    pub steps: Vec<StepName>,
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

/// Steps of a report, and of those nested in it, without the ones inside of steps that are left out.
struct Walk<'a> {
    levels: Vec<std::slice::Iter<'a, StepReport>>,
    reports: Vec<std::slice::Iter<'a, FlowReport>>,
    is_wanted: fn(&StepReport) -> bool,
}

impl<'a> Walk<'a> {
    fn new(report: &'a FlowReport, is_wanted: fn(&StepReport) -> bool) -> Self {
        Self {
            levels: vec![report.steps.iter()],
            reports: Vec::new(),
            is_wanted,
        }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = &'a StepReport;

    fn next(&mut self) -> Option<&'a StepReport> {
        loop {
            if let Some(step) = self.levels.last_mut()?.find(|step| (self.is_wanted)(step)) {
                self.reports.push(step.nested.iter());
                self.levels.push([].iter());
                return Some(step);
            }
            self.levels.pop();
            match self.reports.last_mut()?.next() {
                Some(report) => self.levels.push(report.steps.iter()),
                None => {
                    self.reports.pop();
                }
            }
        }
    }
}

impl CriticalPath {
    fn find(graph: &Inner, steps: &[StepReport]) -> Self {
        // The longest chain that ends with each step, and the step before it in that chain.
        let mut longest: Vec<(Duration, Option<usize>)> = vec![(Duration::ZERO, None); steps.len()];
        // When it was known of each step what comes of it.
        let mut settled = vec![Duration::ZERO; steps.len()];
        let mut last = None;
        for number in &graph.order {
            let step = *number as usize;
            let edges = graph.incoming.of(*number).iter();
            let from = edges.map(|edge| graph.edges[*edge as usize].from);
            let before = from.map(|from| Self::speaks_for(graph, steps, from, *number));
            let started = steps[step].started;
            let mut known = started.unwrap_or_default();
            let mut waited = (Duration::ZERO, None);
            for from in before {
                // A step that began with so many live edges has not waited for the others.
                if started.is_some_and(|started| settled[from] > started) {
                    continue;
                }
                known = known.max(settled[from]);
                if waited.1.is_none() || longest[from].0 > waited.0 {
                    waited = (longest[from].0, Some(from));
                }
            }
            settled[step] = match steps[step].status {
                Status::Aborted => Duration::MAX,
                _ => known.saturating_add(steps[step].elapsed),
            };
            longest[step] = (waited.0.saturating_add(steps[step].elapsed), waited.1);
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

    /// Whom the steps behind a step wait for: if it fails, for what runs in its place, and so on.
    fn speaks_for(graph: &Inner, steps: &[StepReport], from: u32, to: u32) -> usize {
        let mut from = from;
        while steps[from as usize].status == Status::Failed
            && let Some(other) = graph.rescuer(from)
            && other != to
        {
            from = other;
        }
        from as usize
    }
}
