use std::num::NonZeroU32;

use super::field::Field;
use super::fields::{self, Fields};
use super::node::{Data, Node};
use super::problem::Problem;
use super::spec_error::Complaints;
use super::step_spec::{
    EdgeSpec, OnErrorSpec, RepeatSpec, RetrySpec, StepSpec, WhenSpec, WorkSpec,
};
use crate::Join;

/// Reads what a file says of a step.
pub(crate) fn read(name: &str, node: &Node, field: Field, complaints: &mut Complaints) -> StepSpec {
    if name.is_empty() {
        complaints.add(&field, Problem::unfit("a name", "empty text"));
    }
    let mut step = StepSpec::new(name, "");
    let mut fields = Fields::of(node, field, complaints);
    let flow = fields.read("flow", fields::name);
    step.work = match flow {
        Some(flow) => {
            if fields.read("operation", fields::name).is_some() {
                let problem = Problem::unfit("`operation` or `flow`", "both");
                let field = fields.field().name("flow");
                fields.complaints().add(&field, problem);
            }
            WorkSpec::Flow(flow)
        }
        None => WorkSpec::Operation(
            fields
                .require("operation", fields::name)
                .unwrap_or_default(),
        ),
    };
    step.with = fields.read("with", |node| Ok(node.to_json()));
    step.for_each = fields.read("for_each", |node| match &node.data {
        Data::List(_) | Data::Text(_) => Ok(node.to_json()),
        _ => Err(Problem::unfit("a list, or a template of one", node.kind())),
    });
    if let Some((node, field)) = fields.take("repeat") {
        step.repeat = read_repeat(node, field, fields.complaints());
    }
    for (node, field) in fields.list("after", "[\"load\"]") {
        step.after
            .extend(read_edge(node, field, fields.complaints()));
    }
    step.join = fields.read("join", join).unwrap_or_default();
    if let Some((node, field)) = fields.take("retry") {
        step.retry = read_retry(node, field, fields.complaints());
    }
    step.timeout = fields.read("timeout", fields::duration);
    step.total_timeout = fields.read("total_timeout", fields::duration);
    if let Some((node, field)) = fields.take("on_error") {
        step.on_error = read_on_error(node, field, fields.complaints());
    }
    let priority = "an integer of 32 bits";
    step.priority = fields
        .read("priority", |node| fields::integer(node, priority))
        .unwrap_or_default();
    step.cost = fields.read("cost", |node| fields::integer(node, "an integer from 0"));
    step.resource = fields.read("resource", fields::name);
    step.idempotent = fields.read("idempotent", fields::boolean) == Some(true);
    for (node, field) in fields.list("writes", "[\"total\"]") {
        match fields::name(node) {
            Ok(key) => step.writes.push(key),
            Err(problem) => fields.complaints().add(&field, problem),
        }
    }
    for (key, node, _) in fields.table("update") {
        step.update.insert(key.name.clone(), node.to_json());
    }
    fields.finish();
    step
}

/// The name of a step, or a table.
fn read_edge(node: &Node, field: Field, complaints: &mut Complaints) -> Option<EdgeSpec> {
    if let Data::Text(_) = &node.data {
        return match fields::name(node) {
            Ok(step) => Some(EdgeSpec::new(step)),
            Err(problem) => {
                complaints.add(&field, problem);
                None
            }
        };
    }
    if !matches!(node.data, Data::Map(_)) {
        let expected = "the name of a step, or a table with `step` and `when`";
        complaints.add(&field, Problem::unfit(expected, node.kind()));
        return None;
    }
    let mut fields = Fields::of(node, field, complaints);
    let step = fields.require("step", fields::name);
    let when = fields.read("when", fields::text);
    let otherwise = fields.read("otherwise", fields::boolean) == Some(true);
    let label = fields.read("label", fields::text);
    if when.is_some() && otherwise {
        let problem = Problem::unfit("`when` or `otherwise`", "both");
        let field = fields.field().name("otherwise");
        fields.complaints().add(&field, problem);
    }
    fields.finish();
    let when = match when {
        Some(expression) => WhenSpec::Expression(expression),
        None if otherwise => WhenSpec::Otherwise,
        None => WhenSpec::Always,
    };
    Some(EdgeSpec {
        step: step?,
        when,
        label,
    })
}

pub(crate) const JOINS: [(&str, Join); 5] = [
    ("all", Join::All),
    ("all_succeeded", Join::AllSucceeded),
    ("always", Join::Always),
    ("any", Join::Any),
    ("none_failed", Join::NoneFailed),
];

fn join(node: &Node) -> Result<Join, Problem> {
    let expected = "all, all_succeeded, always, any, none_failed or { at_least = 2 }";
    match &node.data {
        Data::Text(name) => {
            let mut joins = JOINS.into_iter();
            let found = joins.find(|(known, _)| known == name);
            let found = found.map(|(_, join)| join);
            found.ok_or_else(|| Problem::unfit(expected, format!("`{name:.40}`")))
        }
        Data::Map(entries) => match &**entries {
            [(key, node)] if key.name == "at_least" => positive(node).map(Join::AtLeast),
            _ => Err(Problem::unfit(expected, "another table")),
        },
        _ => Err(Problem::unfit(expected, node.kind())),
    }
}

fn positive(node: &Node) -> Result<NonZeroU32, Problem> {
    let number = fields::integer::<u32>(node, "a positive integer")?;
    NonZeroU32::new(number).ok_or_else(|| Problem::unfit("a positive integer", "0"))
}

fn read_retry(node: &Node, field: Field, complaints: &mut Complaints) -> Option<RetrySpec> {
    let mut fields = Fields::of(node, field, complaints);
    let attempts = fields.require("attempts", positive);
    let backoff = fields.read("backoff", fields::duration);
    let max_backoff = fields.read("max_backoff", fields::duration);
    let max_elapsed = fields.read("max_elapsed", fields::duration);
    fields.finish();
    Some(RetrySpec {
        attempts: attempts?,
        backoff,
        max_backoff,
        max_elapsed,
    })
}

fn read_repeat(node: &Node, field: Field, complaints: &mut Complaints) -> Option<RepeatSpec> {
    let mut fields = Fields::of(node, field, complaints);
    let at_most = fields.require("at_most", positive);
    let until = fields.require("until", fields::text);
    let or_last = fields.read("or_last", fields::boolean);
    fields.finish();
    let mut repeat = RepeatSpec::new(at_most?, until?);
    repeat.or_last = or_last.unwrap_or_default();
    Some(repeat)
}

fn read_on_error(node: &Node, field: Field, complaints: &mut Complaints) -> OnErrorSpec {
    let expected =
        "continue, fail_fast, skip_dependents, { fallback = .. } or { fallback_step = \"..\" }";
    let problem = match &node.data {
        Data::Text(name) => match &**name {
            "continue" => return OnErrorSpec::Continue,
            "fail_fast" => return OnErrorSpec::FailFast,
            "skip_dependents" => return OnErrorSpec::SkipDependents,
            name => Problem::unfit(expected, format!("`{name:.40}`")),
        },
        Data::Map(entries) => match &**entries {
            [(key, node)] if key.name == "fallback" => {
                return OnErrorSpec::Fallback(node.to_json());
            }
            [(key, node)] if key.name == "fallback_step" => match fields::name(node) {
                Ok(step) => return OnErrorSpec::FallbackStep(step),
                Err(problem) => {
                    complaints.add(&field.name("fallback_step"), problem);
                    return OnErrorSpec::default();
                }
            },
            _ => Problem::unfit(expected, "another table"),
        },
        _ => Problem::unfit(expected, node.kind()),
    };
    complaints.add(&field, problem);
    OnErrorSpec::default()
}
