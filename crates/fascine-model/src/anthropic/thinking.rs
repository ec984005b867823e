use serde::Serialize;

use crate::{Effort, ModelFailure, Request};

/// How a model is asked to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Thinking {
    /// As it sees fit; how hard it tries is said elsewhere.
    Adaptive {
        #[serde(skip)]
        effort: &'static str,
    },
    /// At most so many tokens.
    Enabled { budget_tokens: u32 },
}

impl Thinking {
    /// What a request comes to; `None` for not at all, which is what happens unless it is asked for.
    pub(super) fn of(request: &Request, model: &str) -> Result<Option<Self>, ModelFailure> {
        let adaptive = is_adaptive(model);
        let (effort, budget) = match &request.effort {
            None | Some(Effort::None | Effort::Budget(0)) => return Ok(None),
            Some(Effort::Minimal) => ("low", 1024),
            Some(Effort::Low) => ("low", 2048),
            Some(Effort::Medium) => ("medium", 8192),
            Some(Effort::High) => ("high", 24_576),
            Some(Effort::Budget(budget)) => return Self::budget(*budget).map(Some),
        };
        if adaptive {
            return Ok(Some(Self::Adaptive { effort }));
        }
        // A short answer leaves room for a smaller budget.
        let room = request.max_tokens.map_or(budget, |max| max / 2);
        Self::budget(budget.min(room.max(LEAST_BUDGET))).map(Some)
    }

    fn budget(budget_tokens: u32) -> Result<Self, ModelFailure> {
        if budget_tokens < LEAST_BUDGET {
            let reason = format!("is a budget of fewer than {LEAST_BUDGET} tokens");
            return Err(ModelFailure::invalid("effort", reason));
        }
        Ok(Self::Enabled { budget_tokens })
    }

    pub(super) fn budget_tokens(self) -> u32 {
        match self {
            Self::Adaptive { .. } => 0,
            Self::Enabled { budget_tokens } => budget_tokens,
        }
    }

    pub(super) fn effort(self) -> Option<&'static str> {
        match self {
            Self::Adaptive { effort } => Some(effort),
            Self::Enabled { .. } => None,
        }
    }
}

/// What the API accepts.
const LEAST_BUDGET: u32 = 1024;

/// Whether a model decides by itself how long it thinks: so do all since 4.6, and the newest do nothing else.
fn is_adaptive(model: &str) -> bool {
    // `claude-3-7-sonnet-20250219`, `claude-sonnet-4-20250514`, `claude-opus-4-6`: a long number is a date.
    let words = model.split(['-', '.', '@', ':', '/']);
    let numbers = words.filter_map(|word| word.parse::<u32>().ok());
    let mut version = numbers.take_while(|number| *number < 1000);
    match (version.next(), version.next()) {
        (Some(major), minor) => (major, minor.unwrap_or(0)) >= (4, 6),
        (None, _) => !["claude-instant", "claude-v"]
            .iter()
            .any(|old| model.contains(old)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_since_four_six_think_adaptively() {
        for (model, adaptive) in [
            ("claude-3-7-sonnet-20250219", false),
            ("claude-sonnet-4-20250514", false),
            ("claude-opus-4-1-20250805", false),
            ("claude-haiku-4-5@20251001", false),
            ("claude-opus-4-6", true),
            ("anthropic/claude-sonnet-4.6", true),
            ("claude-fable-5", true),
            ("claude-some-preview", true),
        ] {
            assert_eq!(is_adaptive(model), adaptive, "{model}");
        }
    }
}
