use std::time::Duration;

use serde_json::{Value, json};

use super::lanes::lanes;
use crate::{EdgeView, GraphView, StepView};

impl GraphView {
    /// Writes the run as JSON in the [trace event format], for Perfetto and `chrome://tracing`.
    ///
    /// Each step that began is a complete event (`X`); steps that ran at once are on different threads, of which there
    /// are as few as can be. Edges between them are flow events (`s`, `f`), unless they were not taken. Times are in
    /// microseconds after the start of the run. What never began is listed in `otherData`. Steps that another one ran are
    /// called by their paths and are of the category `nested`.
    ///
    /// [trace event format]: https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU/preview
    #[must_use]
    pub fn to_trace_json(&self) -> String {
        // Edges count the steps of the graph itself, so these stand first.
        let within = self.steps.iter().flat_map(|step| &step.nested);
        let steps: Vec<&StepView> = self.steps.iter().chain(within).collect();
        let lanes = lanes(&steps);
        let count = lanes.iter().flatten().max().map_or(0, |lane| lane + 1);
        let mut events = vec![name("process_name", 0, self.title().to_owned())];
        events.extend((0..count).map(|lane| name("thread_name", lane, format!("lane {lane}"))));
        for (step, lane) in steps.iter().zip(&lanes) {
            if let (Some(lane), Some(started)) = (lane, step.started) {
                events.push(complete(step, started, *lane));
            }
        }
        for (id, edge) in self.edges.iter().enumerate() {
            events.extend(self.flow(edge, id, &lanes).into_iter().flatten());
        }
        let never = steps.iter().filter(|step| step.started.is_none());
        let never: Vec<Value> = never.map(|step| never_began(step)).collect();
        let trace = json!({
            "displayTimeUnit": "ms",
            "otherData": { "neverBegan": never },
            "traceEvents": events,
        });
        trace.to_string()
    }

    /// An arrow from the end of a step to the beginning of the one that waited for it.
    fn flow(&self, edge: &EdgeView, id: usize, lanes: &[Option<usize>]) -> Option<[Value; 2]> {
        let (from, to) = (&self.steps[edge.from], &self.steps[edge.to]);
        let (ended, began) = (from.ended()?, to.started?);
        if edge.taken == Some(false) || ended > began {
            return None;
        }
        // An arrow belongs to what runs on its thread at its time: just before the end.
        let leaves = ended
            .saturating_sub(Duration::from_nanos(1))
            .max(from.started?);
        let event = |phase: &str, at: Duration, step: usize| {
            json!({
                "ph": phase, "name": edge.label.as_deref().unwrap_or("then"), "cat": "edge", "id": id,
                "ts": micros(at), "pid": PROCESS, "tid": lanes[step],
            })
        };
        let mut end = event("f", began, edge.to);
        end["bp"] = "e".into();
        Some([event("s", leaves, edge.from), end])
    }
}

fn name(what: &str, lane: usize, name: String) -> Value {
    json!({ "ph": "M", "name": what, "pid": PROCESS, "tid": lane, "ts": 0, "args": { "name": name } })
}

fn complete(step: &StepView, started: Duration, lane: usize) -> Value {
    json!({
        "ph": "X", "name": step.label(), "cat": if step.depth == 0 { "step" } else { "nested" }, "pid": PROCESS, "tid": lane,
        "ts": micros(started), "dur": micros(step.elapsed),
        "args": {
            "status": step.status.map(|status| status.as_str()),
            "attempts": step.attempts,
            "critical": step.is_critical,
            "errors": step.errors,
        },
    })
}

fn never_began(step: &StepView) -> Value {
    json!({
        "name": step.label(),
        "status": step.status.map(|status| status.as_str()),
        "because": step.skip_cause,
        "errors": step.errors,
    })
}

/// The format counts in microseconds, of which it takes fractions.
fn micros(time: Duration) -> Value {
    let (whole, rest) = (time.as_micros(), time.subsec_nanos() % 1000);
    match u64::try_from(whole) {
        Ok(whole) if rest == 0 => whole.into(),
        _ => (whole as f64 + f64::from(rest) / 1e3).into(),
    }
}

const PROCESS: u32 = 1;
