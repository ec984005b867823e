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
pub(crate) fn check(spec: &FlowSpec, complaints: &mut Complaints) {
    let names = Names::new(spec);
    shape::check(spec, &names, complaints);
    for step in &spec.steps {
        references::check(spec, &names, step, complaints);
    }
}

/// What there is in a flow, by names.
pub(crate) struct Names<'s> {
    pub(crate) steps: HashMap<&'s str, usize>,
    /// The keys of the shared state that something sets.
    pub(crate) state: BTreeSet<&'s str>,
    /// Which steps each step is run in place of.
    pub(crate) rescues: BTreeMap<&'s str, Vec<&'s str>>,
}

impl<'s> Names<'s> {
    pub(crate) fn new(spec: &'s FlowSpec) -> Self {
        let mut names = Self {
            steps: HashMap::with_capacity(spec.steps.len()),
            state: spec.state.keys().map(String::as_str).collect(),
            rescues: BTreeMap::new(),
        };
        for (number, step) in spec.steps.iter().enumerate() {
            names.steps.insert(&step.name, number);
            names.state.extend(step.keys());
            if let OnErrorSpec::FallbackStep(other) = &step.on_error {
                names.rescues.entry(other).or_default().push(&step.name);
            }
        }
        names
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

    /// The way to it.
    pub(crate) fn field(&self) -> Field {
        Field::root().name("steps").name(&self.name)
    }
}
