use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fascine_message::Usage;

use crate::{ModelFailure, Prices};

/// What a service has cost, and what it may.
pub(crate) struct Spending {
    prices: Option<Box<dyn Prices>>,
    max: Option<f64>,
    spent: Mutex<f64>,
}

impl Spending {
    pub(crate) fn new(prices: Option<Box<dyn Prices>>, max: Option<f64>) -> Self {
        Self {
            prices,
            max,
            spent: Mutex::new(0.0),
        }
    }

    /// Refuses when all is spent. What is on its way is not counted: it is settled when it is answered.
    pub(crate) fn check(&self) -> Result<(), ModelFailure> {
        let Some(max) = self.max else {
            return Ok(());
        };
        let spent = *self.lock();
        if spent < max {
            return Ok(());
        }
        Err(ModelFailure::CostExceeded { spent, max })
    }

    /// Counts an answer; what it cost, if that is known.
    pub(crate) fn settle(&self, model: &str, usage: Usage) -> Option<f64> {
        let cost = self.price(model, usage)?;
        // A price that is no number must not make all others none.
        if cost.is_finite() && cost > 0.0 {
            *self.lock() += cost;
        }
        Some(cost)
    }

    /// What it costs, if that is known.
    pub(crate) fn price(&self, model: &str, usage: Usage) -> Option<f64> {
        self.prices.as_ref()?.cost(model, usage)
    }

    pub(crate) fn spent(&self) -> f64 {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, f64> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Spending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spending")
            .field("spent", &self.spent())
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}
