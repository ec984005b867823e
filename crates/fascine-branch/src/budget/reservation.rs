use fascine_message::Usage;

use crate::budget::{Budget, Spent};

/// What a request that is on its way has taken from a budget.
///
/// One that is dropped stays as it was estimated: nobody knows what became of the request.
#[derive(Debug)]
#[must_use = "settle it when it is known what the request cost"]
pub struct BudgetReservation {
    budget: Budget,
    reserved: Spent,
}

impl BudgetReservation {
    pub(super) fn new(budget: Budget, reserved: Spent) -> Self {
        Self { budget, reserved }
    }

    /// Puts what the call cost in the place of what was estimated: so many requests, and this usage of `model`.
    ///
    /// A call that took no request gives everything back. If the provider did not say what it used, the estimate stays.
    pub fn settle(self, model: &str, attempts: u32, usage: Usage) {
        let requests = u64::from(attempts);
        let spent = if attempts == 0 {
            Spent::default()
        } else if usage.is_empty() {
            Spent {
                requests,
                ..self.reserved
            }
        } else {
            Spent {
                requests,
                tokens: usage.total(),
                // Answers name the dated model, which a table of one's own may not know.
                cost: self.budget.cost(model, usage).unwrap_or(self.reserved.cost),
            }
        };
        self.budget.replace(self.reserved, spent);
    }

    /// Counts the requests of a call that failed; what they used is not known, and taken for nothing.
    pub fn fail(self, attempts: u32) {
        let spent = Spent {
            requests: u64::from(attempts),
            ..Spent::default()
        };
        self.budget.replace(self.reserved, spent);
    }
}
