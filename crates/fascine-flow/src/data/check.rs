mod operations;
mod references;
mod shape;

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(crate) use operations::check_operations;

use super::field::Field;
use super::spec::FlowSpec;
use super::spec_error::Complaints;
use super::step_spec::{OnErrorSpec, StepSpec};

/// Checks all that needs no operations: names, edges, and what templates speak of.
pub(crate) fn check(whole: &FlowSpec, complaints: &mut Complaints) {
    for (spec, base) in flows(whole) {
        let names = Names::new(whole, spec, base);
        shape::check(spec, &names, complaints);
        for step in &spec.steps {
            references::check(spec, &names, step, complaints);
        }
    }
}

/// The whole and the flows in it, and the ways to them.
fn flows(whole: &FlowSpec) -> impl Iterator<Item = (&FlowSpec, Field)> {
    let inner = whole.flows.iter();
    let inner = inner.map(|(name, flow)| (flow, Field::root().name("flows").name(name)));
    [(whole, Field::root())].into_iter().chain(inner)
}

/// What there is in a flow, by names.
pub(crate) struct Names<'s> {
    pub(crate) whole: &'s FlowSpec,
    /// The way to the flow.
    pub(crate) base: Field,
    pub(crate) steps: HashMap<&'s str, usize>,
    /// The keys of the shared state that something sets, in whichever flow.
    pub(crate) state: BTreeSet<&'s str>,
    /// Which steps each step is run in place of.
    pub(crate) rescues: BTreeMap<&'s str, Vec<&'s str>>,
}

impl<'s> Names<'s> {
    fn new(whole: &'s FlowSpec, spec: &'s FlowSpec, base: Field) -> Self {
        let mut names = Self {
            whole,
            base,
            steps: HashMap::with_capacity(spec.steps.len()),
            state: whole.state.keys().map(String::as_str).collect(),
            rescues: BTreeMap::new(),
        };
        for (flow, _) in flows(whole) {
            names
                .state
                .extend(flow.steps.iter().flat_map(StepSpec::keys));
        }
        for (number, step) in spec.steps.iter().enumerate() {
            names.steps.insert(&step.name, number);
            if let OnErrorSpec::FallbackStep(other) = &step.on_error {
                names.rescues.entry(other).or_default().push(&step.name);
            }
        }
        names
    }

    /// The way to a step.
    pub(crate) fn field(&self, step: &StepSpec) -> Field {
        self.base.name("steps").name(&step.name)
    }
}

impl StepSpec {
    /// The keys of the shared state that it changes.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.writes
            .iter()
            .chain(self.update.keys())
            .map(String::as_str)
    }
}
