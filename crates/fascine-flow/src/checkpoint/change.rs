use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::fingerprint::StepPrint;
use super::resume_error::list;
use super::{Done, Header, RecordedResult};
use crate::Graph;
use crate::path::{Prefix, outermost};

/// How a graph differs from the one that was run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GraphChange {
    /// Steps that are new.
    pub added: Vec<String>,
    /// Steps that are no more.
    pub removed: Vec<String>,
    /// Steps that are different, or have other edges.
    pub changed: Vec<String>,
    /// Whether the [version](crate::GraphBuilder::version) is another one.
    pub version: bool,
}

impl GraphChange {
    /// Of a graph with this header and these steps, to another one.
    pub(super) fn between(
        header: &Header,
        old: &BTreeMap<String, StepPrint>,
        graph: &Graph,
    ) -> Self {
        let new = &graph.prints().steps;
        let missing = |from: &BTreeMap<String, StepPrint>, other: &BTreeMap<String, StepPrint>| {
            let names = from.keys().filter(|name| !other.contains_key(*name));
            names.cloned().collect()
        };
        let differs = |(name, print): &(&String, &StepPrint)| {
            old.get(*name).is_some_and(|before| before != *print)
        };
        Self {
            added: missing(new, old),
            removed: missing(old, new),
            changed: new
                .iter()
                .filter(differs)
                .map(|(name, _)| name.clone())
                .collect(),
            version: header.version != graph.inner.version,
        }
    }
}

impl fmt::Display for GraphChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            ("added", &self.added),
            ("removed", &self.removed),
            ("changed", &self.changed),
        ];
        let names = names.into_iter().filter(|(_, names)| !names.is_empty());
        let mut parts: Vec<_> = names
            .map(|(what, names)| format!("{what} {}", list(names)))
            .collect();
        if self.version {
            parts.push("another version".to_owned());
        }
        f.write_str(&parts.join("; "))
    }
}

/// What is to become of a recorded run whose graph has changed.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum OnChange {
    /// It is not taken up: an error says what has changed.
    #[default]
    Refuse,
    /// A step keeps its result if it is as it was, and all steps before it are; the others run, also those that had
    /// ended. With another [version](crate::GraphBuilder::version) no step is as it was.
    KeepUnchanged,
    /// A function decides about each recorded step: made by [`migrate`](Self::migrate).
    Migrate(Migration),
}

impl OnChange {
    /// Lets a function say what is left of each step that was started or has ended: which step it is now, and what it
    /// gave. Without an answer nothing is left of it, and the step runs.
    pub fn migrate(
        migrate: impl Fn(MigratedStep) -> Option<MigratedStep> + Send + Sync + 'static,
    ) -> Self {
        Self::Migrate(Migration(Arc::new(migrate)))
    }
}

impl fmt::Debug for OnChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refuse => "Refuse",
            Self::KeepUnchanged => "KeepUnchanged",
            Self::Migrate(_) => "Migrate",
        })
    }
}

/// A function that makes the records of one graph those of another.
#[derive(Clone)]
pub struct Migration(Arc<dyn Fn(MigratedStep) -> Option<MigratedStep> + Send + Sync>);

impl fmt::Debug for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Migration")
    }
}

/// A step of a recorded run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MigratedStep {
    /// Its path.
    pub path: String,
    /// What it gave; nothing if it failed, or if that is not known.
    pub output: Option<Value>,
}

impl Migration {
    /// The path that a step has now.
    pub(super) fn path(&self, path: &str) -> Option<String> {
        let step = MigratedStep {
            path: path.to_owned(),
            output: None,
        };
        (self.0)(step).map(|step| step.path)
    }

    pub(super) fn done(&self, done: &Done) -> Option<Done> {
        let RecordedResult::Output(text) = &done.result else {
            let step = self.path(&done.step)?.into();
            return Some(Done {
                step,
                decisions: None,
                ..done.clone()
            });
        };
        let step = (self.0)(MigratedStep {
            path: done.step.to_string(),
            output: serde_json::from_str(text.get()).ok(),
        })?;
        let text = serde_json::value::to_raw_value(&step.output?).ok()?;
        Some(Done {
            step: step.path.into(),
            result: RecordedResult::Output(text),
            decisions: None,
            ..done.clone()
        })
    }
}

/// Which steps are as they were, and all steps before them.
pub(super) fn unchanged(
    header: &Header,
    old: &BTreeMap<String, StepPrint>,
    graph: &Graph,
) -> Unchanged {
    let inner = &graph.inner;
    let mut steps = BTreeMap::new();
    let is_other_version = header.version != inner.version;
    let mut same = vec![false; inner.steps.len()];
    for step in &inner.order {
        let name = &inner.steps[*step as usize].name;
        let (before, now) = (old.get(&**name), &graph.prints().steps[&**name]);
        let mut sources = inner.incoming.of(*step).iter();
        let is_same = !is_other_version
            && before.is_some_and(|before| before.own == now.own)
            && sources.all(|edge| same[inner.edges[*edge as usize].from as usize]);
        same[*step as usize] = is_same;
        if is_same {
            let edges_are_same = before.is_some_and(|before| before.out == now.out);
            steps.insert(Prefix::None.path(name), edges_are_same);
        }
    }
    Unchanged(steps)
}

/// By their paths; and whether the edges out of them are the same too.
pub(super) struct Unchanged(BTreeMap<Arc<str>, bool>);

impl Unchanged {
    pub(super) fn has(&self, path: &str) -> bool {
        self.0.contains_key(outermost(path))
    }

    pub(super) fn done(&self, done: &Done) -> Option<Done> {
        let outermost = outermost(&done.step);
        let edges_are_same = *self.0.get(outermost)?;
        let mut done = done.clone();
        if !edges_are_same && outermost == &*done.step {
            done.decisions = None;
        }
        Some(done)
    }
}
