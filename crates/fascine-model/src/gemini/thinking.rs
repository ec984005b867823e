use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::Effort;
use crate::wire::Entries;

/// How a model is asked to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Thinking {
    /// For about so many tokens.
    Budget(u32),
    /// So hard.
    Level(&'static str),
}

impl Thinking {
    pub(super) fn of(effort: &Effort, model: &str) -> Self {
        let (level, budget) = match effort {
            Effort::Budget(budget) => return Self::Budget(*budget),
            // Models that take a level cannot be told not to think.
            Effort::None => ("minimal", 0),
            Effort::Minimal => ("minimal", 1024),
            Effort::Low => ("low", 1024),
            Effort::Medium => ("medium", 8192),
            Effort::High => ("high", 24_576),
        };
        let old = ["gemini-1", "gemini-2"];
        if old.iter().any(|old| model.contains(old)) {
            Self::Budget(budget)
        } else {
            Self::Level(level)
        }
    }
}

/// How to think, and the user's own words on it.
pub(super) struct ThinkingConfig<'a> {
    pub(super) thinking: Thinking,
    pub(super) extra: &'a Map<String, Value>,
}

impl Serialize for ThinkingConfig<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entries = Entries::begin(serializer, self.extra)?;
        if self.thinking != Thinking::Budget(0) {
            entries.put("includeThoughts", &true)?;
        }
        match self.thinking {
            Thinking::Budget(budget) => entries.put("thinkingBudget", &budget)?,
            Thinking::Level(level) => entries.put("thinkingLevel", level)?,
        }
        entries.end()
    }
}
