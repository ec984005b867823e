use std::sync::Arc;

use fascine_resilience::{Backoff, Retry};
use fascine_rt::Rt;
use serde_json::Value;

use super::call::{Call, Library};
use super::check;
use super::field::Field;
use super::operations::Operations;
use super::problem::Problem;
use super::scopes::EdgeScope;
use super::spec::FlowSpec;
use super::spec_error::{Complaints, SpecErrors};
use super::step_spec::{EdgeSpec, OnErrorSpec, RetrySpec, StepSpec, WhenSpec, WorkSpec};
use super::step_work::StepWork;
use super::template::{Condition, Item, from_json};
use crate::step_builder::StepBuilder;
use crate::{Each, Graph, GraphBuilder, OnError, Output};

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
        let library = Arc::new(Library {
            rt: rt.clone(),
            operations: operations.clone(),
            flows: self.flows.clone(),
        });
        let building = Building::new(&library, &parameters);
        building.graph(self).build().map_err(|error| {
            let mut complaints = Complaints::new(&self.origin);
            complaints.add(&Field::root().name("steps"), Problem::Graph(error));
            complaints.into_errors()
        })
    }
}

/// The making of a graph out of what was checked.
pub(crate) struct Building<'a> {
    library: &'a Arc<Library>,
    parameters: Item,
}

impl<'a> Building<'a> {
    pub(crate) fn new(library: &'a Arc<Library>, parameters: &Value) -> Self {
        Self {
            library,
            parameters: from_json(parameters),
        }
    }

    pub(crate) fn graph(&self, spec: &FlowSpec) -> GraphBuilder {
        let mut graph = GraphBuilder::new();
        for (name, limit) in &spec.resources {
            graph.resource(name, *limit);
        }
        for (key, reducer) in &spec.reducers {
            if let Some(reduce) = self.library.operations.reducer(reducer) {
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
        graph
    }

    fn step(&self, graph: &mut GraphBuilder, step: &StepSpec) {
        let Some(call) = Call::find(&step.work, self.library) else {
            return;
        };
        let each = self.each(step);
        let is_structural = step.is_structural();
        let work = Arc::new(StepWork::new(step, call, each, &self.parameters));
        let built = graph.step(step.name.as_str(), move |context| {
            let work = Arc::clone(&work);
            async move { work.run(context).await }
        });
        self.set(built, step, is_structural);
    }

    fn set(&self, built: StepBuilder<'_, Value>, step: &StepSpec, is_structural: bool) {
        let mut built = built.join(step.join).priority(step.priority);
        if is_structural {
            built = built.structural();
        }
        if !step.is_many() {
            if let Some(retry) = &step.retry {
                built = built.retry(retry.to_retry(&self.library.rt));
            }
            if let Some(timeout) = step.timeout {
                built = built.timeout(timeout);
            }
            if let Some(resource) = &step.resource {
                built = built.resource(resource);
            }
        }
        if step.idempotent {
            built = built.idempotent();
        }
        if let Some(timeout) = step.total_timeout {
            built = built.total_timeout(timeout);
        }
        if let Some(cost) = step.cost {
            built = built.cost(cost);
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

    /// What holds for each item, or each repetition.
    fn each(&self, step: &StepSpec) -> Each {
        let mut each = Each::concurrent().with_priority(step.priority);
        if let Some(retry) = &step.retry {
            each = each.with_retry(retry.to_retry(&self.library.rt));
        }
        if let Some(timeout) = step.timeout {
            each = each.with_timeout(timeout);
        }
        if let Some(resource) = &step.resource {
            each = each.with_resource(resource);
        }
        for key in &step.writes {
            each = each.with_writes(key);
        }
        each.settings.more().is_idempotent = step.idempotent;
        each
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

impl StepSpec {
    /// Whether it is done more than once.
    fn is_many(&self) -> bool {
        self.for_each.is_some() || self.repeat.is_some()
    }

    /// Whether it does nothing but run others.
    fn is_structural(&self) -> bool {
        let runs_others = self.is_many() || matches!(self.work, WorkSpec::Flow(_));
        runs_others && self.update.is_empty()
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
