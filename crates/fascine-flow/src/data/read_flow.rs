use std::num::NonZeroUsize;

use super::field::Field;
use super::fields::{self, Fields};
use super::node::Node;
use super::parameter_spec::{ParameterKind, ParameterSpec};
use super::problem::Problem;
use super::read_step;
use super::spec::FlowSpec;
use super::spec_error::Complaints;

/// The version of the format that is read and written.
pub(crate) const FORMAT: u32 = 1;

/// Reads what a file says of a flow. What is wrong is left out.
pub(crate) fn read(root: &Node, complaints: &mut Complaints) -> FlowSpec {
    let mut spec = FlowSpec::default();
    let mut fields = Fields::of(root, Field::root(), complaints);
    read_whole(&mut spec, &mut fields);
    read_part(&mut spec, fields);
    spec
}

/// What only the whole has.
fn read_whole(spec: &mut FlowSpec, fields: &mut Fields<'_, '_>) {
    fields.read("format", |node| {
        match fields::integer(node, "1, the only format there is")? {
            FORMAT => Ok(()),
            other => Err(Problem::unfit(
                "1, the only format there is",
                other.to_string(),
            )),
        }
    });
    for (key, node, _) in fields.table("state") {
        spec.state.insert(key.name.clone(), node.to_json());
    }
    for (key, node, field) in fields.table("flows") {
        let mut flow = FlowSpec::default();
        read_part(&mut flow, Fields::of(node, field, fields.complaints()));
        spec.flows.insert(key.name.clone(), flow);
    }
}

fn read_part(spec: &mut FlowSpec, mut fields: Fields<'_, '_>) {
    spec.name = fields.read("name", fields::text);
    spec.version = fields.read("version", fields::text);
    spec.description = fields.read("description", fields::text);
    for (key, node, field) in fields.table("parameters") {
        let parameter = read_parameter(node, field, fields.complaints());
        spec.parameters.insert(key.name.clone(), parameter);
    }
    for (key, node, field) in fields.table("resources") {
        match positive(node) {
            Ok(limit) => {
                spec.resources.insert(key.name.clone(), limit);
            }
            Err(problem) => fields.complaints().add(&field, problem),
        }
    }
    for (key, node, field) in fields.table("reducers") {
        match fields::name(node) {
            Ok(reducer) => {
                spec.reducers.insert(key.name.clone(), reducer);
            }
            Err(problem) => fields.complaints().add(&field, problem),
        }
    }
    match fields.take("steps") {
        Some((node, field)) => {
            for (key, node, field) in fields::table(node, &field, fields.complaints()) {
                let step = read_step::read(&key.name, node, field, fields.complaints());
                spec.steps.push(step);
            }
        }
        None => fields.missing("steps"),
    }
    fields.finish();
}

fn positive(node: &Node) -> Result<NonZeroUsize, Problem> {
    let limit = fields::integer::<usize>(node, "a positive integer")?;
    NonZeroUsize::new(limit).ok_or_else(|| Problem::unfit("a positive integer", "0"))
}

fn read_parameter(node: &Node, field: Field, complaints: &mut Complaints) -> ParameterSpec {
    let mut fields = Fields::of(node, field, complaints);
    let kind = fields.read("type", kind).unwrap_or_default();
    let default = fields.read("default", |node| {
        let value = node.to_json();
        match kind.takes(&value) || value.is_null() {
            true => Ok(value),
            false => Err(Problem::unfit(
                format!("{} to be the type", kind.as_str()),
                node.kind(),
            )),
        }
    });
    let required = fields.read("required", fields::boolean);
    if required == Some(true) && default.is_some() {
        let problem = Problem::unfit("no default, or `required = false`", "both");
        let field = fields.field().name("required");
        fields.complaints().add(&field, problem);
    }
    let description = fields.read("description", fields::text);
    fields.finish();
    ParameterSpec {
        kind,
        default: default.or((required == Some(false)).then_some(serde_json::Value::Null)),
        description,
    }
}

fn kind(node: &Node) -> Result<ParameterKind, Problem> {
    let name = fields::text(node)?;
    let mut kinds = ParameterKind::ALL.into_iter();
    kinds.find(|kind| kind.as_str() == name).ok_or_else(|| {
        let names: Vec<_> = ParameterKind::ALL.map(ParameterKind::as_str).into();
        let (last, others) = names
            .split_last()
            .map_or(("", &[][..]), |(last, others)| (*last, others));
        Problem::unfit(
            format!("{} or {last}", others.join(", ")),
            format!("`{name:.40}`"),
        )
    })
}
