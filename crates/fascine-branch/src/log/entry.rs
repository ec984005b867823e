use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::log::fields::fields;
use crate::{EventRecord, TurnId};

/// A line of a log: one JSON object.
///
/// | field | what |
/// |---|---|
/// | `at` | when, in milliseconds since the beginning of 1970; left out if the branch has no [clock](crate::Clock) |
/// | `branch` | the name of the branch |
/// | `sequence` | which event of the branch it is |
/// | `turn` | the turn it belongs to, a UUID; left out if there is none |
/// | `kind` | what happened: [`EventKind::as_str`](crate::EventKind::as_str) |
/// | `fields` | what there is to say of it, by its kind |
///
/// | `kind` | `fields`; those in parentheses only [with text](crate::BranchLog::with_text) |
/// |---|---|
/// | `aborted` | |
/// | `chunk` | `type`, `chars` |
/// | `committed` | `status`, and `messages`: of each `id`, `role`, `chars`, `tool_calls`, `tool_results`, (`text`) |
/// | `context_skipped` | `provider`, (`reason`) |
/// | `observer_panicked` | `observer`, (`message`) |
/// | `pruned` | `turns` |
/// | `re_asked` | `attempt`, (`reason`) |
/// | `repaired` | `count`, (`repairs`) |
/// | `summarised` | as `committed` |
/// | `summary_failed` | `turns`, (`reason`) |
/// | `tool_called` | `tool`, `call_id`, `chars`, (`arguments`) |
/// | `tool_ended` | `tool`, `call_id`, `is_error`, `elapsed_ms`, `chars`, (`result`) |
/// | `turn_started` | `message`: as above |
///
/// Arguments and results that are JSON stand there as JSON. More fields may come in later versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LogEntry {
    /// When, in milliseconds since the beginning of 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
    /// The name of the branch.
    pub branch: String,
    /// Which event of the branch it is.
    pub sequence: u64,
    /// The turn it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<TurnId>,
    /// What happened.
    pub kind: String,
    /// What there is to say of it.
    pub fields: Map<String, Value>,
}

impl LogEntry {
    pub(super) fn new(record: &EventRecord, at: Option<u64>, has_text: bool) -> Self {
        Self {
            at,
            branch: record.branch.as_ref().to_owned(),
            sequence: record.sequence,
            turn: record.turn(),
            kind: record.kind().as_str().to_owned(),
            fields: fields(&record.event, has_text),
        }
    }

    /// The line it is; JSON has no line ends but escaped ones.
    pub(super) fn line(&self) -> String {
        // It cannot fail: all keys are texts.
        serde_json::to_string(self).unwrap_or_default()
    }
}
