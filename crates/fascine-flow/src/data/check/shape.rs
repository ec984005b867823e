use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Names;
use crate::data::problem::Problem;
use crate::data::spec::FlowSpec;
use crate::data::spec_error::Complaints;
use crate::data::step_spec::{OnErrorSpec, StepSpec};
use crate::{GraphBuilder, GraphError, Join};

/// Checks what the steps are called and how they hang together.
pub(super) fn check(spec: &FlowSpec, names: &Names<'_>, complaints: &mut Complaints) {
    check_parameters(spec, names, complaints);
    if !std::ptr::eq(spec, names.whole) {
        check_inner(spec, names, complaints);
    }
    check_names(spec, names, complaints);
    for step in &spec.steps {
        check_edges(step, names, complaints);
        check_join(step, names, complaints);
        check_resource(spec, step, names, complaints);
        check_fallback(step, names, complaints);
        if step.for_each.is_some() && step.repeat.is_some() {
            let problem = Problem::unfit("`for_each` or `repeat`", "both");
            complaints.add(&names.field(step).name("repeat"), problem);
        }
    }
    check_writers(spec, names, complaints);
    check_cycles(spec, names, complaints);
}

/// A file cannot say that; a program can.
fn check_inner(spec: &FlowSpec, names: &Names<'_>, complaints: &mut Complaints) {
    let whole = "nothing: that is the whole's";
    if !spec.state.is_empty() {
        complaints.add(&names.base.name("state"), Problem::unfit(whole, "a state"));
    }
    if !spec.flows.is_empty() {
        complaints.add(&names.base.name("flows"), Problem::unfit(whole, "flows"));
    }
}

fn check_parameters(spec: &FlowSpec, names: &Names<'_>, complaints: &mut Complaints) {
    for (name, parameter) in &spec.parameters {
        let default = parameter.default.as_ref().filter(|value| !value.is_null());
        let kind = parameter.kind;
        if default.is_some_and(|default| !kind.takes(default)) {
            let field = names.base.name("parameters").name(name).name("default");
            let expected = format!("a value of the type {}", kind.as_str());
            complaints.add(&field, Problem::unfit(expected, "another"));
        }
    }
}

/// Of steps that came from a file it is known already.
fn check_names(spec: &FlowSpec, names: &Names<'_>, complaints: &mut Complaints) {
    if names.whole.origin.root.is_some() {
        return;
    }
    let mut known = BTreeSet::new();
    for step in &spec.steps {
        if step.name.is_empty() {
            complaints.add(&names.field(step), Problem::unfit("a name", "empty text"));
        }
        if !known.insert(&step.name) {
            let problem = Problem::Duplicate {
                name: step.name.clone(),
                first: None,
            };
            complaints.add(&names.field(step), problem);
        }
    }
}

fn check_edges(step: &StepSpec, names: &Names<'_>, complaints: &mut Complaints) {
    let mut known = BTreeSet::new();
    for (number, edge) in step.after.iter().enumerate() {
        let field = names.field(step).name("after").item(number);
        if !names.steps.contains_key(&*edge.step) {
            complaints.unknown(&field, "step", &edge.step, names.steps.keys().copied());
        }
        if !known.insert(&edge.step) {
            let problem = Problem::Duplicate {
                name: edge.step.clone(),
                first: None,
            };
            complaints.add(&field, problem);
        }
    }
}

fn check_join(step: &StepSpec, names: &Names<'_>, complaints: &mut Complaints) {
    let Join::AtLeast(wanted) = step.join else {
        return;
    };
    let rescues = names.rescues.get(&*step.name).map_or(0, Vec::len);
    let edges = step.after.len() + rescues;
    if wanted.get() as usize > edges {
        let found = wanted.to_string();
        let problem = Problem::unfit(
            format!("at most {edges}, as so many edges lead here"),
            found,
        );
        complaints.add(&names.field(step).name("join"), problem);
    }
}

fn check_resource(
    spec: &FlowSpec,
    step: &StepSpec,
    names: &Names<'_>,
    complaints: &mut Complaints,
) {
    if let Some(resource) = &step.resource
        && !spec.resources.contains_key(resource)
        && !names.whole.resources.contains_key(resource)
    {
        let known = spec.resources.keys().chain(names.whole.resources.keys());
        let known = known.map(String::as_str);
        complaints.unknown(
            &names.field(step).name("resource"),
            "resource",
            resource,
            known,
        );
    }
}

fn check_fallback(step: &StepSpec, names: &Names<'_>, complaints: &mut Complaints) {
    let OnErrorSpec::FallbackStep(other) = &step.on_error else {
        return;
    };
    let field = names.field(step).name("on_error").name("fallback_step");
    if !names.steps.contains_key(&**other) {
        complaints.unknown(&field, "step", other, names.steps.keys().copied());
    }
    let others = names.rescues.get(&**other).map_or(&[][..], Vec::as_slice);
    if others.len() > 1 && others[0] != step.name {
        let step = other.clone();
        complaints.add(
            &field,
            Problem::Graph(GraphError::DuplicateFallback { step }),
        );
    }
}

/// A key that several steps change has a reducer.
fn check_writers(spec: &FlowSpec, names: &Names<'_>, complaints: &mut Complaints) {
    let mut writers = BTreeMap::new();
    for step in &spec.steps {
        for key in step.keys().collect::<BTreeSet<_>>() {
            let first = *writers.entry(key).or_insert(&step.name);
            let is_reduced = |flow: &FlowSpec| flow.reducers.contains_key(key);
            if first != &step.name && !is_reduced(spec) && !is_reduced(names.whole) {
                let problem = Problem::Graph(GraphError::SharedKey {
                    key: key.to_owned(),
                    steps: [first.clone(), step.name.clone()],
                });
                let name = match step.update.contains_key(key) {
                    true => "update",
                    false => "writes",
                };
                complaints.add(&names.field(step).name(name), problem);
            }
        }
    }
}

/// Builds a graph of the edges alone, as far as they are right.
fn check_cycles(spec: &FlowSpec, names: &Names<'_>, complaints: &mut Complaints) {
    let mut graph = GraphBuilder::new();
    for number in 0..spec.steps.len() {
        graph.step(number.to_string(), |_| async { Ok(Value::Null) });
    }
    for (to, step) in spec.steps.iter().enumerate() {
        let mut sources: BTreeSet<&usize> = BTreeSet::new();
        for edge in &step.after {
            sources.extend(names.steps.get(&*edge.step));
        }
        for other in names.rescues.get(&*step.name).into_iter().flatten() {
            sources.extend(names.steps.get(other));
        }
        for from in sources {
            graph.edge(from.to_string(), to.to_string());
        }
    }
    if let Err(GraphError::Cycle { path }) = graph.build() {
        let name = |number: &String| {
            let step = number
                .parse()
                .ok()
                .and_then(|number: usize| spec.steps.get(number));
            step.map_or_else(String::new, |step| step.name.clone())
        };
        let path: Vec<String> = path.iter().map(name).collect();
        let [.., before, last] = &path[..] else {
            return;
        };
        let steps = names.base.name("steps");
        let waits = spec.steps.iter().find(|step| step.name == *last);
        let field = match waits {
            Some(step) if step.after.iter().any(|edge| edge.step == *before) => {
                steps.name(last).name("after")
            }
            // It is the one that is run in its place.
            _ => steps.name(before).name("on_error"),
        };
        complaints.add(&field, Problem::Graph(GraphError::Cycle { path }));
    }
}
