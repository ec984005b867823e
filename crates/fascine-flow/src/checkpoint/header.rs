use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fingerprint::{self, StepPrint};
use super::{Fingerprint, Point};
use crate::{Graph, Snapshot};

/// What the journal of a run begins with: which graph is run, and what its steps share at the beginning. To a store it
/// is something to be serialised, as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    pub(crate) format: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    pub(crate) fingerprint: Fingerprint,
    /// The hashes of the steps, as a text: read only if the graph is another one.
    pub(crate) steps: String,
    pub(crate) state: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) forked_from: Option<Point>,
}

impl Header {
    pub(crate) fn new(graph: &Graph) -> Self {
        let prints = graph.prints();
        Self {
            format: FORMAT,
            version: graph.inner.version.clone(),
            fingerprint: prints.whole,
            steps: fingerprint::to_text(&prints.steps),
            state: BTreeMap::new(),
            forked_from: None,
        }
    }

    pub(crate) fn with_state(mut self, state: &Snapshot) -> Self {
        let state = state.iter();
        let state = state.map(|(key, value)| (key.to_owned(), value.clone()));
        self.state = state.collect();
        self
    }

    /// The fingerprint of the graph.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Where the run was forked off, if it was.
    #[must_use]
    pub fn forked_from(&self) -> Option<&Point> {
        self.forked_from.as_ref()
    }

    pub(crate) fn state(&self) -> Snapshot {
        let values = self.state.iter();
        Snapshot::new(values.map(|(key, value)| (key.as_str(), value.clone())))
    }

    /// What the graph was made of; nothing if that cannot be read.
    pub(crate) fn steps(&self) -> Option<BTreeMap<String, StepPrint>> {
        fingerprint::from_text(&self.steps)
    }
}

/// The format of headers and records.
pub(crate) const FORMAT: u32 = 1;
