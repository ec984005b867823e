use std::collections::BTreeMap;
use std::sync::Arc;

use fascine_resilience::{Backoff, Retry};
use fascine_rt::Rt;
use serde_json::{Map, Value};

use super::check;
use super::field::Field;
use super::operations::Operations;
use super::problem::Problem;
use super::scopes::EdgeScope;
use super::spec::FlowSpec;
use super::spec_error::{Complaints, SpecErrors};
use super::step_spec::{EdgeSpec, OnErrorSpec, RetrySpec, StepSpec, WhenSpec};
use super::step_work::StepWork;
use super::template::{Condition, Item, from_json};
use crate::step_builder::StepBuilder;
use crate::{Graph, GraphBuilder, GraphError, OnError, Output};

impl FlowSpec {
    /// Checks everything but the parameters, without building anything.
    ///
    /// # Errors
    ///
    /// [`SpecErrors`] lists all that is wrong.
    pub fn check(&self, operations: &Operations) -> Result<(), SpecErrors> {
        let mut complaints = Complaints::new(&self.origin);
        check::check(self, &mut complaints);
        check::check_operations(self, operations, &mut complaints);
        complaints.or(())
    }

    /// Checks everything and makes the graph, for these values of the [parameters](FlowSpec::parameters). The timers of
    /// retries are those of `rt`. What the steps give is JSON.
    ///
    /// # Errors
    ///
    /// [`SpecErrors`] lists all that is wrong: parameters that are missing, of another type, or not known among it.
    pub fn build(
        &self,
        rt: &Rt,
        operations: &Operations,
        parameters: impl IntoIterator<Item = (impl Into<String>, Value)>,
    ) -> Result<Graph, SpecErrors> {
        let mut complaints = Complaints::new(&self.origin);
        check::check(self, &mut complaints);
        check::check_operations(self, operations, &mut complaints);
        let given = parameters.into_iter();
        let given = given.map(|(name, value)| (name.into(), value)).collect();
        let parameters = self.bind(given, &mut complaints);
        complaints.or(())?;
        let building = Building {
            rt,
            operations,
            parameters: from_json(&parameters),
        };
        building.graph(self).map_err(|error| {
            let mut complaints = Complaints::new(&self.origin);
            complaints.add(&Field::root().name("steps"), Problem::Graph(error));
            complaints.into_errors()
        })
    }

    /// The values of all parameters, those that were not given among them.
    fn bind(&self, mut given: BTreeMap<String, Value>, complaints: &mut Complaints) -> Value {
        let mut values = Map::new();
        for (name, parameter) in &self.parameters {
            let field = Field::root().name("parameters").name(name);
            let (value, is_default) = match (given.remove(name), &parameter.default) {
                (Some(value), _) => (value, false),
                (None, Some(default)) => (default.clone(), true),
                (None, None) => {
                    let (name, kind) = (name.clone(), parameter.kind);
                    complaints.add(&field, Problem::MissingParameter { name, kind });
                    continue;
                }
            };
            if !is_default && !parameter.kind.takes(&value) {
                let expected = format!("a value of the type {}", parameter.kind.as_str());
                complaints.add(&field, Problem::unfit(expected, format!("{value:.40}")));
            }
            values.insert(name.clone(), value);
        }
        for name in given.keys() {
            let known = self.parameters.keys().map(String::as_str);
            complaints.unknown(&Field::root().name("parameters"), "parameter", name, known);
        }
        Value::Object(values)
    }
}

/// The making of a graph out of what was checked.
struct Building<'a> {
    rt: &'a Rt,
    operations: &'a Operations,
    parameters: Item,
}

impl Building<'_> {
    fn graph(&self, spec: &FlowSpec) -> Result<Graph, GraphError> {
        let mut graph = GraphBuilder::new();
        for (name, limit) in &spec.resources {
            graph.resource(name, *limit);
        }
        for (key, reducer) in &spec.reducers {
            if let Some(reduce) = self.operations.reducer(reducer) {
                graph.try_reducer(key, move |before, new| reduce(before, new));
            }
        }
        for step in &spec.steps {
            self.step(&mut graph, step);
        }
        for step in &spec.steps {
            for edge in &step.after {
                self.edge(&mut graph, edge, step);
            }
        }
        graph.build()
    }

    fn step(&self, graph: &mut GraphBuilder, step: &StepSpec) {
        let Some(operation) = self.operations.find(&step.operation) else {
            return;
        };
        let work = Arc::new(StepWork::new(step, operation, &self.parameters));
        let built = graph.step(step.name.as_str(), move |context| {
            let work = Arc::clone(&work);
            async move { work.run(context).await }
        });
        self.set(built, step);
    }

    fn set(&self, built: StepBuilder<'_, Value>, step: &StepSpec) {
        let mut built = built.join(step.join).priority(step.priority);
        if let Some(retry) = &step.retry {
            built = built.retry(retry.to_retry(self.rt));
        }
        if let Some(timeout) = step.timeout {
            built = built.timeout(timeout);
        }
        if let Some(cost) = step.cost {
            built = built.cost(cost);
        }
        if let Some(resource) = &step.resource {
            built = built.resource(resource);
        }
        for key in step.keys() {
            built = built.writes(key);
        }
        built.on_error(match &step.on_error {
            OnErrorSpec::Continue => OnError::Continue,
            OnErrorSpec::FailFast => OnError::FailFast,
            OnErrorSpec::Fallback(value) => OnError::Fallback(Output::new(value.clone())),
            OnErrorSpec::FallbackStep(other) => OnError::FallbackStep(other.into()),
            OnErrorSpec::SkipDependents => OnError::SkipDependents,
        });
    }

    fn edge(&self, graph: &mut GraphBuilder, edge: &EdgeSpec, to: &StepSpec) {
        let mut built = graph.edge(&edge.step, &to.name);
        if let Some(label) = &edge.label {
            built = built.label(label.as_str());
        }
        match &edge.when {
            WhenSpec::Always => {}
            WhenSpec::Otherwise => drop(built.otherwise()),
            WhenSpec::Expression(expression) => {
                let Ok((condition, references)) = Condition::new(expression) else {
                    return;
                };
                let scope = EdgeScope::new(&self.parameters, &references);
                built.try_when(move |seen| Ok(condition.is_met(&scope.of(seen)?)?));
            }
        }
    }
}

impl RetrySpec {
    fn to_retry(&self, rt: &Rt) -> Retry {
        let mut retry = Retry::new(rt).with_attempts(self.attempts);
        if self.backoff.is_some() || self.max_backoff.is_some() {
            let mut backoff = Backoff::exponential(self.backoff.unwrap_or(BACKOFF));
            if let Some(max) = self.max_backoff {
                backoff = backoff.with_max(max);
            }
            retry = retry.with_backoff(backoff);
        }
        if let Some(max) = self.max_elapsed {
            retry = retry.with_max_elapsed(max);
        }
        retry
    }
}

/// The first wait of [`Retry`], if nothing is said.
const BACKOFF: std::time::Duration = std::time::Duration::from_millis(500);
