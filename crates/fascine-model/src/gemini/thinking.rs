use serde::ser::SerializeMap;

use crate::Effort;
use crate::wire::{Object, WriteFields};

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
        let takes_budgets = ["gemini-1", "gemini-2"]
            .iter()
            .any(|old| model.contains(old));
        match takes_budgets {
            true => Self::Budget(budget),
            false => Self::Level(level),
        }
    }
}

impl WriteFields for Thinking {
    fn write<M: SerializeMap>(&self, object: &mut Object<'_, M>) -> Result<(), M::Error> {
        if *self != Self::Budget(0) {
            object.put("includeThoughts", &true)?;
        }
        match self {
            Self::Budget(budget) => object.put("thinkingBudget", budget),
            Self::Level(level) => object.put("thinkingLevel", level),
        }
    }
}
