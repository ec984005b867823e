use std::fmt;
use std::sync::Arc;

use fascine_model::Prices;

use crate::foreign;
use crate::request_usage::{RequestUsage, usage_of};

/// How far one turn may go.
///
/// A turn that has come to a limit either fails or is brought to an answer, as [`OnLimit`] says. What was asked by then
/// was asked: limits of tokens and cost are looked at before every request but the first.
///
/// # Defaults
///
/// - 16 rounds of tool calls, 128 calls in all
/// - no limit of tokens or cost
/// - a turn that comes to a limit fails
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TurnLimits {
    /// How many times the model may ask for tools.
    pub tool_rounds: u32,
    /// How many tools it may have called in all.
    pub tool_calls: u32,
    /// How many tokens, sent and answered, the turn may take.
    pub tokens: Option<u64>,
    /// What it may cost.
    pub cost: Option<CostLimit>,
    /// What becomes of a turn that comes to a limit.
    pub on_limit: OnLimit,
}

/// What something may cost, and what tokens cost.
#[derive(Clone)]
pub struct CostLimit {
    max: f64,
    prices: Arc<dyn Prices>,
}

/// What becomes of a turn that comes to a limit. Complete by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLimit {
    /// The model is told so and asked a last time, with all tools forbidden.
    Answer,
    /// The turn fails with [`BranchError::Limit`](crate::BranchError::Limit).
    #[default]
    Fail,
}

/// The limit that a turn has come to.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitReached {
    /// It costs as much as it may.
    #[error("it has cost {spent}, and {max} is what it may cost")]
    Cost {
        /// What it has cost, in the currency of the prices.
        spent: f64,
        /// What it may cost.
        max: f64,
    },
    /// What it costs is to be limited, and is not known.
    #[error("what model `{model}` costs is not known")]
    CostUnknown {
        /// The model without a price.
        model: String,
    },
    /// It took as many tokens as it may.
    #[error("it has taken {spent} tokens, and {max} are what it may take")]
    Tokens {
        /// What it has taken.
        spent: u64,
        /// What it may take.
        max: u64,
    },
    /// The model wants more tools called than may be.
    #[error("the model wants {asked} tools called in all, and {max} may be")]
    ToolCalls {
        /// How many it wants, those that were called included.
        asked: u64,
        /// How many may be called.
        max: u32,
    },
    /// The model wants tools called once more than it may.
    #[error("the model wants tools called after {max} rounds, the most there may be")]
    ToolRounds {
        /// How many rounds there may be.
        max: u32,
    },
}

impl Default for TurnLimits {
    fn default() -> Self {
        Self {
            tool_rounds: 16,
            tool_calls: 128,
            tokens: None,
            cost: None,
            on_limit: OnLimit::default(),
        }
    }
}

impl TurnLimits {
    /// Sets how many times the model may ask for tools.
    #[must_use]
    pub fn with_tool_rounds(mut self, max: u32) -> Self {
        self.tool_rounds = max;
        self
    }

    /// Sets how many tools it may have called in all.
    #[must_use]
    pub fn with_tool_calls(mut self, max: u32) -> Self {
        self.tool_calls = max;
        self
    }

    /// Sets how many tokens, sent and answered, the turn may take.
    #[must_use]
    pub fn with_tokens(mut self, max: u64) -> Self {
        self.tokens = Some(max);
        self
    }

    /// Sets what it may cost, by these prices. A model that has none is not asked twice.
    #[must_use]
    pub fn with_cost(mut self, max: f64, prices: impl Prices) -> Self {
        let prices = Arc::new(prices);
        self.cost = Some(CostLimit { max, prices });
        self
    }

    /// Sets what becomes of a turn that comes to a limit.
    #[must_use]
    pub fn on_limit(mut self, what: OnLimit) -> Self {
        self.on_limit = what;
        self
    }

    /// Whether another request may be made after these.
    pub(crate) fn check_spent(&self, requests: &[RequestUsage]) -> Result<(), LimitReached> {
        let spent = usage_of(requests).total();
        match self.tokens {
            Some(max) if spent >= max => return Err(LimitReached::Tokens { spent, max }),
            _ => {}
        }
        match &self.cost {
            Some(limit) => limit.check(requests),
            None => Ok(()),
        }
    }

    /// Whether so many more tools may be called, after so many in so many rounds.
    pub(crate) fn check_calls(
        &self,
        rounds: u32,
        called: u32,
        more: usize,
    ) -> Result<(), LimitReached> {
        if rounds >= self.tool_rounds {
            let max = self.tool_rounds;
            return Err(LimitReached::ToolRounds { max });
        }
        let asked = u64::from(called).saturating_add(more as u64);
        if asked > u64::from(self.tool_calls) {
            let max = self.tool_calls;
            return Err(LimitReached::ToolCalls { asked, max });
        }
        Ok(())
    }
}

impl CostLimit {
    fn check(&self, requests: &[RequestUsage]) -> Result<(), LimitReached> {
        let mut spent = 0.0;
        for request in requests {
            let cost = foreign::call(|| self.prices.cost(&request.model, request.usage));
            match cost {
                Ok(Some(cost)) => spent += cost,
                // What cost nothing has no price to be known.
                _ if request.usage.is_empty() => {}
                _ => {
                    let model = request.model.clone();
                    return Err(LimitReached::CostUnknown { model });
                }
            }
        }
        let max = self.max;
        match spent < max {
            true => Ok(()),
            false => Err(LimitReached::Cost { spent, max }),
        }
    }
}

impl fmt::Debug for CostLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CostLimit")
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}
