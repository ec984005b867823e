use std::io::{self, Write};
use std::iter;
use std::time::Duration;

use fascine::flow::{FlowReport, FlowSpec, StepReport};
use serde::Serialize;
use serde_json::Value;

use crate::program::why_not;

/// What a run of a flow from a file did: the JSON document of `--json`, and the source of the text.
#[derive(Debug, Serialize)]
pub(crate) struct FlowSummary {
    /// What the flow is called.
    name: Option<String>,
    /// The runtime it ran on.
    runtime: &'static str,
    /// From the start of the run to its end.
    wall_ms: f64,
    /// The longest chain of steps that had to wait for each other.
    critical_path_ms: f64,
    /// Every step, in the order of the file, each followed by those that it ran.
    steps: Vec<Step>,
    /// What the steps shared, at the end.
    state: Value,
}

#[derive(Debug, Serialize)]
struct Step {
    /// Whether another step has run it; the text leaves it out.
    #[serde(skip)]
    is_nested: bool,
    name: String,
    /// The name, or `parent/name` and `parent[3]/name` if another step has run it.
    path: String,
    status: &'static str,
    attempts: u32,
    elapsed_ms: f64,
    error: Option<String>,
    /// What it gave; only of steps whose outputs no other step reads.
    output: Option<Value>,
}

impl FlowSummary {
    pub(crate) fn new(spec: &FlowSpec, runtime: &'static str, report: &FlowReport) -> Self {
        let state = report.state.iter();
        Self {
            name: spec.name.clone(),
            runtime,
            wall_ms: ms(report.wall),
            critical_path_ms: ms(report.critical_path.duration),
            steps: report.steps.iter().flat_map(steps).collect(),
            state: state
                .map(|(key, value)| (key.to_owned(), value.clone()))
                .collect(),
        }
    }

    pub(crate) fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        writeln!(out)
    }

    pub(crate) fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out)?;
        for step in self.steps.iter().filter(|step| !step.is_nested) {
            match (&step.error, &step.output) {
                (Some(error), _) => writeln!(out, "{}: {error}", step.path)?,
                (None, Some(Value::String(text))) => writeln!(out, "{}: {text}", step.path)?,
                (None, Some(output)) => writeln!(out, "{}: {output}", step.path)?,
                (None, None) => {}
            }
        }
        writeln!(out, "\nwall time  {:.0} ms", self.wall_ms)
    }
}

/// A step, and those that it ran.
fn steps(step: &StepReport) -> impl Iterator<Item = Step> {
    let nested = step.nested.iter().flat_map(FlowReport::all_steps);
    let nested = nested.map(|step| Step::new(step, true));
    iter::once(Step::new(step, false)).chain(nested)
}

impl Step {
    fn new(step: &StepReport, is_nested: bool) -> Self {
        Self {
            is_nested,
            name: step.name.to_string(),
            path: step.path.to_string(),
            status: step.status.as_str(),
            attempts: step.attempts,
            elapsed_ms: ms(step.elapsed),
            error: why_not(step),
            output: step.json(),
        }
    }
}

fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
