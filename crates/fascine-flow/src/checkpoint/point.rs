use std::fmt;

use serde::{Deserialize, Serialize};

use crate::RunId;

/// A moment of a run: after so many records of its journal. It stays what it is, whatever is appended later.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Point {
    pub(crate) run: RunId,
    pub(crate) records: u64,
}

impl Point {
    /// The moment after `records` records of the journal of `run`; 0 is its beginning.
    #[must_use]
    pub fn new(run: RunId, records: u64) -> Self {
        Self { run, records }
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// How many records of the journal come before it.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.run, self.records)
    }
}
