use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fascine_message::Usage;
use fascine_model::Prices;

mod error;
mod reservation;

pub use error::{BudgetError, InvalidBudget};
pub use reservation::BudgetReservation;

/// What may be spent: requests, tokens, money.
///
/// A clone is the same budget: whoever has one spends from it together, which is how branches share one. Setting a limit
/// makes another budget, of which nothing is spent.
///
/// A request is refused before it is made if what it sends, and the longest answer that it allows by
/// [`max_tokens`](fascine_model::Request::max_tokens), does not fit. What it sends is estimated; what the provider counted
/// takes its place. An answer whose length is not limited may exceed the budget, by that answer.
///
/// # Defaults
///
/// - no limits: it only counts
///
/// # Examples
///
/// ```
/// use fascine_branch::{Branch, Budget};
/// use fascine_model::EchoModel;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let budget = Budget::new().with_requests(2);
/// let branch = Branch::builder(&rt, "chat", EchoModel).budget(budget.clone()).build();
/// let fork = branch.fork("other");
/// branch.communicate("one").await.unwrap();
/// fork.communicate("two").await.unwrap();
/// let refused = branch.communicate("three").await.unwrap_err();
/// assert_eq!(refused.attempts(), 0);
/// assert_eq!(budget.spent().requests, 2);
/// # });
/// ```
#[derive(Clone)]
pub struct Budget {
    limits: Limits,
    spent: Arc<Mutex<Spent>>,
}

#[derive(Clone, Default)]
struct Limits {
    requests: Option<u64>,
    tokens: Option<u64>,
    cost: Option<f64>,
    prices: Option<Arc<dyn Prices>>,
}

/// What was spent of a budget, with what is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Spent {
    /// Requests that were made, repeated ones too; an answer out of a cache is none.
    pub requests: u64,
    /// Tokens, sent and answered.
    pub tokens: u64,
    /// Money, in the currency of the prices; 0 without prices.
    pub cost: f64,
}

impl Budget {
    /// Makes one without limits.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Limits::default())
    }

    /// Limits the requests.
    #[must_use]
    pub fn with_requests(self, max: u64) -> Self {
        Self::of(Limits {
            requests: Some(max),
            ..self.limits
        })
    }

    /// Limits the tokens, sent and answered together.
    #[must_use]
    pub fn with_tokens(self, max: u64) -> Self {
        Self::of(Limits {
            tokens: Some(max),
            ..self.limits
        })
    }

    /// Limits the money. A model whose price is not known is then not asked.
    ///
    /// # Errors
    ///
    /// [`InvalidBudget`] if `max` is negative or no number.
    pub fn with_cost(self, max: f64, prices: impl Prices) -> Result<Self, InvalidBudget> {
        if max.is_nan() || max < 0.0 {
            return Err(InvalidBudget { max });
        }
        Ok(Self::of(Limits {
            cost: Some(max),
            prices: Some(Arc::new(prices)),
            ..self.limits
        }))
    }

    /// What is spent.
    #[must_use]
    pub fn spent(&self) -> Spent {
        *self.lock()
    }

    /// Whether it is worth counting tokens before a request.
    pub(crate) fn needs_estimate(&self) -> bool {
        self.limits.tokens.is_some() || self.limits.cost.is_some()
    }

    /// Takes what a request to `model` is estimated to cost, before it is made.
    ///
    /// # Errors
    ///
    /// [`BudgetError`] if it does not fit; nothing is taken.
    pub fn reserve(&self, model: &str, estimate: Usage) -> Result<BudgetReservation, BudgetError> {
        // Prices are somebody else's: they are asked while nothing is locked.
        let cost = self.cost(model, estimate);
        if self.limits.cost.is_some() && cost.is_none() {
            return Err(BudgetError::UnknownPrice {
                model: model.to_owned(),
            });
        }
        let wanted = Spent {
            requests: 1,
            tokens: estimate.total(),
            cost: cost.unwrap_or(0.0),
        };
        let mut spent = self.lock();
        self.limits.check(*spent, wanted)?;
        spent.add(wanted);
        drop(spent);
        Ok(BudgetReservation::new(self.clone(), wanted))
    }

    fn cost(&self, model: &str, usage: Usage) -> Option<f64> {
        self.limits.prices.as_ref()?.cost(model, usage)
    }

    fn replace(&self, reserved: Spent, spent: Spent) {
        let mut total = self.lock();
        total.requests = total.requests.saturating_sub(reserved.requests);
        total.tokens = total.tokens.saturating_sub(reserved.tokens);
        total.cost = (total.cost - reserved.cost).max(0.0);
        total.add(spent);
    }

    fn of(limits: Limits) -> Self {
        Self {
            limits,
            spent: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Limits {
    fn check(&self, spent: Spent, wanted: Spent) -> Result<(), BudgetError> {
        if let Some(max) = self.requests
            && spent.requests >= max
        {
            return Err(BudgetError::Requests { max });
        }
        if let Some(max) = self.tokens
            && (spent.tokens >= max || spent.tokens.saturating_add(wanted.tokens) > max)
        {
            return Err(BudgetError::Tokens {
                max,
                spent: spent.tokens,
                wanted: wanted.tokens,
            });
        }
        if let Some(max) = self.cost
            && (spent.cost >= max || spent.cost + wanted.cost > max)
        {
            return Err(BudgetError::Cost {
                max,
                spent: spent.cost,
                wanted: wanted.cost,
            });
        }
        Ok(())
    }
}

impl Spent {
    fn add(&mut self, other: Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.cost += other.cost;
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("requests", &self.limits.requests)
            .field("tokens", &self.limits.tokens)
            .field("cost", &self.limits.cost)
            .field("spent", &self.spent())
            .finish_non_exhaustive()
    }
}
