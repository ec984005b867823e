use serde_json::Value;

use super::flows;
use crate::data::field::Field;
use crate::data::operations::Operations;
use crate::data::problem::Problem;
use crate::data::spec::FlowSpec;
use crate::data::spec_error::Complaints;
use crate::data::step_spec::{StepSpec, WorkSpec};
use crate::data::template::Template;

/// Checks that what is named is there, and takes what it is given as far as that is known.
pub(crate) fn check_operations(
    whole: &FlowSpec,
    operations: &Operations,
    complaints: &mut Complaints,
) {
    for (spec, base) in flows(whole) {
        for (key, reducer) in &spec.reducers {
            if operations.reducer(reducer).is_none() {
                let field = base.name("reducers").name(key);
                complaints.unknown(&field, "reducer", reducer, operations.reducer_names());
            }
        }
        for step in &spec.steps {
            let field = base.name("steps").name(&step.name);
            match &step.work {
                WorkSpec::Flow(flow) => check_flow(whole, step, flow, &field, complaints),
                WorkSpec::Operation(name) => {
                    check_operation(operations, step, name, &field, complaints);
                }
            }
        }
    }
}

fn check_operation(
    operations: &Operations,
    step: &StepSpec,
    name: &str,
    field: &Field,
    complaints: &mut Complaints,
) {
    let Some(operation) = operations.find(name) else {
        let field = field.name("operation");
        complaints.unknown(&field, "operation", name, operations.names());
        return;
    };
    let field = field.name("with");
    let with = match &step.with {
        None => None,
        // What a template will be is not known yet.
        Some(with) => match literal(with, &field) {
            Some(literal) => Some(literal),
            None => return,
        },
    };
    if let Err(misfit) = operation.check(with) {
        let problem = Problem::Parameters {
            operation: name.to_owned(),
            message: misfit.inner().to_string(),
        };
        complaints.add(&field.and(misfit.path()), problem);
    }
}

/// The names of parameters are no templates, so that they are known.
fn check_flow(
    whole: &FlowSpec,
    step: &StepSpec,
    name: &str,
    field: &Field,
    complaints: &mut Complaints,
) {
    let Some(flow) = whole.flows.get(name) else {
        let known = whole.flows.keys().map(String::as_str);
        complaints.unknown(&field.name("flow"), "flow", name, known);
        return;
    };
    let field = field.name("with");
    let empty = Value::Object(serde_json::Map::new());
    match step.with.as_ref().unwrap_or(&empty) {
        Value::Object(given) => {
            let given = given.iter().map(|(name, value)| {
                let field = field.name(name);
                let literal = literal(value, &field);
                (name.clone(), (field, literal))
            });
            flow.check_given(given.collect(), &field, complaints);
        }
        Value::String(text) if literal(&text.as_str().into(), &field).is_none() => {}
        _ => {
            let expected = format!("a table of the parameters of flow `{name}`");
            complaints.add(&field, Problem::unfit(expected, "something else"));
        }
    }
}

/// The value, if there are no templates in it.
fn literal(value: &Value, field: &Field) -> Option<Value> {
    Template::new(value, field, &mut Vec::new(), &mut Vec::new()).as_literal()
}
