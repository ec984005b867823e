use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fascine_message::Usage;

use super::cost::Cost;
use crate::{ModelFailure, Prices};

/// What a service has cost, and what it may.
pub(crate) struct Spending {
    prices: Option<Box<dyn Prices>>,
    max: Option<f64>,
    amounts: Mutex<Amounts>,
}

#[derive(Default)]
struct Amounts {
    spent: f64,
    /// What the calls on their way may cost.
    reserved: f64,
    /// How many have reserved something.
    holders: usize,
}

impl Spending {
    pub(crate) fn new(prices: Option<Box<dyn Prices>>, max: Option<f64>) -> Self {
        Self {
            prices,
            max,
            amounts: Mutex::default(),
        }
    }

    /// Whether there is an amount that must not be passed.
    pub(crate) fn is_bounded(&self) -> bool {
        self.max.is_some()
    }

    /// Refuses what can no longer be paid for, whatever becomes of the calls on their way: what is spent stays spent.
    pub(crate) fn check(&self, model: &str, estimate: &Cost) -> Result<(), ModelFailure> {
        let Some(max) = self.max else {
            return Ok(());
        };
        let spent = self.lock().spent;
        fits(spent, self.estimated(model, estimate), max)
    }

    /// Reserves what a call may cost, if there is so much left that nobody has reserved; gives the amount.
    ///
    /// What is not known to cost anything takes nothing, and is refused only once all is spent.
    pub(crate) fn reserve(&self, model: &str, estimate: &Cost) -> Result<f64, ModelFailure> {
        let Some(max) = self.max else {
            return Ok(0.0);
        };
        let amount = self.estimated(model, estimate);
        let mut amounts = self.lock();
        fits(amounts.spent, amounts.reserved + amount, max)?;
        if amount > 0.0 {
            amounts.reserved += amount;
            amounts.holders += 1;
        }
        Ok(amount)
    }

    /// Gives back what was reserved. What the call did cost is counted before.
    pub(crate) fn release(&self, amount: f64) {
        if amount <= 0.0 {
            return;
        }
        let mut amounts = self.lock();
        amounts.reserved -= amount;
        amounts.holders -= 1;
        if amounts.holders == 0 {
            // Sums of fractions leave a rest.
            amounts.reserved = 0.0;
        }
    }

    fn estimated(&self, model: &str, estimate: &Cost) -> f64 {
        let cost = self.price(model, estimate.as_usage());
        cost.filter(|cost| *cost > 0.0 && cost.is_finite())
            .unwrap_or(0.0)
    }

    /// Counts an answer; what it cost, if that is known.
    pub(crate) fn settle(&self, model: &str, usage: Usage) -> Option<f64> {
        let cost = self.price(model, usage)?;
        // A price that is no number must not make all others none.
        if cost.is_finite() && cost > 0.0 {
            self.lock().spent += cost;
        }
        Some(cost)
    }

    /// What it costs, if that is known.
    pub(crate) fn price(&self, model: &str, usage: Usage) -> Option<f64> {
        self.prices.as_ref()?.cost(model, usage)
    }

    pub(crate) fn spent(&self) -> f64 {
        self.lock().spent
    }

    fn lock(&self) -> MutexGuard<'_, Amounts> {
        self.amounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fits(spent: f64, reserved: f64, max: f64) -> Result<(), ModelFailure> {
    if spent < max && spent + reserved <= max {
        return Ok(());
    }
    Err(ModelFailure::CostExceeded {
        spent,
        reserved,
        max,
    })
}

impl fmt::Debug for Spending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spending")
            .field("spent", &self.spent())
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}
