use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

use super::duration;
use super::node::{Data, Key, Node, Place};
use super::parameter_spec::{ParameterKind, ParameterSpec};
use super::read_flow::FORMAT;
use super::read_step::JOINS;
use super::spec::FlowSpec;
use super::step_spec::{
    EdgeSpec, OnErrorSpec, RepeatSpec, RetrySpec, StepSpec, WhenSpec, WorkSpec,
};
use crate::Join;

/// A flow as it would stand in a file. What is as it is anyhow is left out.
pub(crate) fn write(spec: &FlowSpec) -> Node {
    let mut fields = Entries::default();
    fields.add("format", FORMAT);
    add_flow(&mut fields, spec);
    let flows = spec.flows.iter().map(|(name, flow)| {
        let mut fields = Entries::default();
        add_flow(&mut fields, flow);
        (name, fields.into())
    });
    fields.add_table("flows", flows);
    fields.into()
}

fn add_flow(fields: &mut Entries, spec: &FlowSpec) {
    fields.add_some("name", spec.name.as_deref());
    fields.add_some("version", spec.version.as_deref());
    fields.add_some("description", spec.description.as_deref());
    let parameters = spec.parameters.iter();
    fields.add_table(
        "parameters",
        parameters.map(|(name, parameter)| (name, parameter.into())),
    );
    let resources = spec.resources.iter();
    fields.add_table(
        "resources",
        resources.map(|(name, limit)| (name, limit.get().into())),
    );
    fields.add_table(
        "state",
        spec.state.iter().map(|(key, value)| (key, value.into())),
    );
    let reducers = spec.reducers.iter();
    fields.add_table(
        "reducers",
        reducers.map(|(key, name)| (key, name.as_str().into())),
    );
    let steps = spec.steps.iter().map(|step| (&step.name, step.into()));
    fields.add("steps", Entries::all(steps));
}

impl From<&ParameterSpec> for Node {
    fn from(parameter: &ParameterSpec) -> Self {
        let mut fields = Entries::default();
        if parameter.kind != ParameterKind::Any {
            fields.add("type", parameter.kind.as_str());
        }
        match &parameter.default {
            Some(Value::Null) => fields.add("required", false),
            default => fields.add_some("default", default.as_ref()),
        }
        fields.add_some("description", parameter.description.as_deref());
        fields.into()
    }
}

impl From<&StepSpec> for Node {
    fn from(step: &StepSpec) -> Self {
        let mut fields = Entries::default();
        match &step.work {
            WorkSpec::Flow(flow) => fields.add("flow", flow.as_str()),
            WorkSpec::Operation(operation) => fields.add("operation", operation.as_str()),
        }
        fields.add_list("after", &step.after);
        if step.join != Join::default() {
            fields.add("join", step.join);
        }
        fields.add_some("timeout", step.timeout.map(duration::write).as_deref());
        fields.add_some(
            "total_timeout",
            step.total_timeout.map(duration::write).as_deref(),
        );
        if step.priority != 0 {
            fields.add("priority", step.priority);
        }
        fields.add_some("cost", step.cost);
        fields.add_some("resource", step.resource.as_deref());
        if step.idempotent {
            fields.add("idempotent", true);
        }
        fields.add_list("writes", step.writes.iter().map(String::as_str));
        match &step.on_error {
            OnErrorSpec::SkipDependents => {}
            on_error => fields.add("on_error", on_error),
        }
        fields.add_some("retry", step.retry.as_ref());
        fields.add_some("repeat", step.repeat.as_ref());
        fields.add_some("for_each", step.for_each.as_ref());
        fields.add_some("with", step.with.as_ref());
        fields.add_table(
            "update",
            step.update.iter().map(|(key, value)| (key, value.into())),
        );
        fields.into()
    }
}

impl From<&EdgeSpec> for Node {
    fn from(edge: &EdgeSpec) -> Self {
        if edge.when == WhenSpec::Always && edge.label.is_none() {
            return edge.step.as_str().into();
        }
        let mut fields = Entries::default();
        fields.add("step", edge.step.as_str());
        match &edge.when {
            WhenSpec::Always => {}
            WhenSpec::Expression(expression) => fields.add("when", expression.as_str()),
            WhenSpec::Otherwise => fields.add("otherwise", true),
        }
        fields.add_some("label", edge.label.as_deref());
        fields.into()
    }
}

impl From<&RetrySpec> for Node {
    fn from(retry: &RetrySpec) -> Self {
        let mut fields = Entries::default();
        fields.add("attempts", retry.attempts.get());
        fields.add_some("backoff", retry.backoff.map(duration::write).as_deref());
        fields.add_some(
            "max_backoff",
            retry.max_backoff.map(duration::write).as_deref(),
        );
        fields.add_some(
            "max_elapsed",
            retry.max_elapsed.map(duration::write).as_deref(),
        );
        fields.into()
    }
}

impl From<&RepeatSpec> for Node {
    fn from(repeat: &RepeatSpec) -> Self {
        let mut fields = Entries::default();
        fields.add("at_most", repeat.at_most.get());
        fields.add("until", repeat.until.as_str());
        if repeat.or_last {
            fields.add("or_last", true);
        }
        fields.into()
    }
}

impl From<Join> for Node {
    fn from(join: Join) -> Self {
        if let Join::AtLeast(wanted) = join {
            let mut fields = Entries::default();
            fields.add("at_least", wanted.get());
            return fields.into();
        }
        let name = JOINS.iter().find(|(_, known)| *known == join);
        name.map_or("none_failed", |(name, _)| *name).into()
    }
}

impl From<&OnErrorSpec> for Node {
    fn from(on_error: &OnErrorSpec) -> Self {
        let mut fields = Entries::default();
        match on_error {
            OnErrorSpec::Continue => return "continue".into(),
            OnErrorSpec::FailFast => return "fail_fast".into(),
            OnErrorSpec::Fallback(value) => fields.add("fallback", value),
            OnErrorSpec::FallbackStep(step) => fields.add("fallback_step", step.as_str()),
            OnErrorSpec::SkipDependents => return "skip_dependents".into(),
        }
        fields.into()
    }
}

/// The fields of a table, in order.
#[derive(Default)]
struct Entries(Vec<(Key, Node)>);

impl Entries {
    fn all<'k>(entries: impl Iterator<Item = (&'k String, Node)>) -> Self {
        Self(entries.map(|(name, node)| (key(name), node)).collect())
    }

    fn add(&mut self, name: &str, value: impl Into<Node>) {
        self.0.push((key(name), value.into()));
    }

    fn add_some(&mut self, name: &str, value: Option<impl Into<Node>>) {
        if let Some(value) = value {
            self.add(name, value);
        }
    }

    fn add_list(&mut self, name: &str, items: impl IntoIterator<Item = impl Into<Node>>) {
        let items: Vec<Node> = items.into_iter().map(Into::into).collect();
        if !items.is_empty() {
            self.add(name, Data::List(items));
        }
    }

    fn add_table<'k>(&mut self, name: &str, entries: impl Iterator<Item = (&'k String, Node)>) {
        let entries = Self::all(entries);
        if !entries.0.is_empty() {
            self.add(name, entries);
        }
    }
}

fn key(name: &str) -> Key {
    Key {
        at: Place::START,
        name: name.to_owned(),
    }
}

impl From<Entries> for Node {
    fn from(entries: Entries) -> Self {
        Data::Map(entries.0).into()
    }
}

impl From<Data> for Node {
    fn from(data: Data) -> Self {
        Self {
            at: Place::START,
            data,
        }
    }
}

impl From<&Value> for Node {
    fn from(value: &Value) -> Self {
        match value {
            Value::Array(items) => Data::List(items.iter().map(Self::from).collect()).into(),
            Value::Bool(value) => Data::Bool(*value).into(),
            Value::Null => Data::Null.into(),
            Value::Number(number) => Data::Number(number.clone()).into(),
            Value::Object(entries) => {
                let entries = entries.iter();
                Entries::all(entries.map(|(name, value)| (name, value.into()))).into()
            }
            Value::String(text) => text.as_str().into(),
        }
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Self {
        Data::Text(text.to_owned()).into()
    }
}

impl From<bool> for Node {
    fn from(value: bool) -> Self {
        Data::Bool(value).into()
    }
}

impl From<i32> for Node {
    fn from(number: i32) -> Self {
        Data::Number(number.into()).into()
    }
}

impl From<u32> for Node {
    fn from(number: u32) -> Self {
        Data::Number(number.into()).into()
    }
}

impl From<usize> for Node {
    fn from(number: usize) -> Self {
        Data::Number(number.into()).into()
    }
}

/// In the order in which the fields stand.
impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.data {
            Data::Bool(value) => serializer.serialize_bool(*value),
            Data::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                items
                    .iter()
                    .try_for_each(|item| list.serialize_element(item))?;
                list.end()
            }
            Data::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(&key.name, value)?;
                }
                map.end()
            }
            Data::Null => serializer.serialize_unit(),
            Data::Number(number) => number.serialize(serializer),
            Data::Text(text) => serializer.serialize_str(text),
        }
    }
}
