use std::fmt;

use serde_json::Value;

use crate::RepairKind;
use crate::repair::report::Report;

/// What was read, and what had to be done for it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Repaired {
    /// The value. Several documents are an array of theirs.
    pub value: Value,
    /// How many documents there were: more than one only where the text did not put them into an array itself.
    pub documents: usize,
    /// What was done, in the order of the text; none for valid JSON.
    pub repairs: Vec<Repair>,
    /// How many more repairs were done than are listed.
    pub unlisted: usize,
    /// How many steps it took; none for valid JSON.
    pub steps: u64,
    pub(crate) cut_off: bool,
}

impl Repaired {
    pub(super) fn new(value: Value, documents: usize, report: Report, steps: u64) -> Self {
        Self {
            value,
            documents,
            repairs: report.list,
            unlisted: report.unlisted,
            steps,
            cut_off: report.cut_off,
        }
    }

    /// Whether the text was valid JSON.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.repairs.is_empty() && self.unlisted == 0
    }

    /// Whether the text broke off before its JSON was complete.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.cut_off
    }
}

/// One repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repair {
    /// Where, in bytes from the beginning of the text.
    pub at: usize,
    /// What was done.
    pub kind: RepairKind,
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.kind, self.at)
    }
}
