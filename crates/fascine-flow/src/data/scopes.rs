use std::collections::BTreeSet;
use std::error::Error;

use serde_json::Value;

use super::template::{Item, Reference, Scope, from_json};
use crate::{Output, Seen, Snapshot, StepContext, StepError};

/// What the templates of a step speak of: only that is handed to them.
#[derive(Debug)]
pub(crate) struct StepScope {
    parameters: Item,
    steps: BTreeSet<String>,
    errors: BTreeSet<String>,
    state: Keys,
}

impl StepScope {
    pub(crate) fn new<'r>(
        parameters: &Item,
        references: impl Iterator<Item = &'r Reference> + Clone,
    ) -> Self {
        let named = |root: &'static str| {
            let of_root = references.clone().filter(move |found| found.root == root);
            of_root.filter_map(|found| found.name.clone()).collect()
        };
        Self {
            parameters: parameters.clone(),
            steps: named("steps"),
            errors: named("errors"),
            state: Keys::new(references.clone()),
        }
    }

    pub(crate) fn of(&self, context: &StepContext) -> Result<Scope, serde_json::Error> {
        let (mut steps, mut errors) = (Vec::new(), Vec::new());
        for (name, input) in context.inputs() {
            match input {
                Ok(output) if self.steps.contains(name) => {
                    steps.push((name.to_owned(), item(output)?));
                }
                Err(error) if self.errors.contains(name) => {
                    errors.push((name.to_owned(), Item::from(told(error))));
                }
                _ => {}
            }
        }
        Ok(Scope::default()
            .with("params", self.parameters.clone())
            .with("steps", Item::from_pairs(steps))
            .with("errors", Item::from_pairs(errors))
            .with("state", self.state.of(&context.state())))
    }
}

/// What the condition of an edge speaks of.
#[derive(Debug)]
pub(crate) struct EdgeScope {
    parameters: Item,
    state: Keys,
}

impl EdgeScope {
    pub(crate) fn new(parameters: &Item, references: &[Reference]) -> Self {
        Self {
            parameters: parameters.clone(),
            state: Keys::new(references.iter()),
        }
    }

    pub(crate) fn of(&self, seen: &Seen) -> Result<Scope, serde_json::Error> {
        let scope = Scope::default()
            .with("params", self.parameters.clone())
            .with("state", self.state.of(&seen.state));
        Ok(match &seen.outcome {
            Ok(output) => scope.with("output", item(output)?),
            Err(error) => scope.with("error", Item::from(told(error))),
        })
    }
}

/// The keys of the shared state that are spoken of.
#[derive(Debug)]
enum Keys {
    All,
    Named(BTreeSet<String>),
}

impl Keys {
    fn new<'r>(references: impl Iterator<Item = &'r Reference>) -> Self {
        let of_state = references.filter(|found| found.root == "state");
        let names = of_state.map(|found| found.name.clone());
        names.collect::<Option<_>>().map_or(Self::All, Self::Named)
    }

    fn of(&self, state: &Snapshot) -> Item {
        let values = state.iter().filter(|(key, _)| match self {
            Self::All => true,
            Self::Named(names) => names.contains(*key),
        });
        Item::from_pairs(values.map(|(key, value)| (key.to_owned(), from_json(value))))
    }
}

fn item(output: &Output) -> Result<Item, serde_json::Error> {
    match output.get::<Value>() {
        Some(value) => Ok(from_json(&value)),
        None => Ok(from_json(&output.to_json()?)),
    }
}

/// An error with all its causes.
fn told(error: &StepError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
