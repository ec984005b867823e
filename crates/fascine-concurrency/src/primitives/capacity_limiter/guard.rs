use std::sync::Arc;

use super::state::Loan;
use super::{Borrower, CapacityLimiter};

/// Tokens of a [`CapacityLimiter`]; dropping it gives them back.
#[derive(Debug)]
#[must_use = "dropping it gives the tokens back"]
pub struct CapacityGuard<'a> {
    limiter: &'a CapacityLimiter,
    loan: Loan,
    kept: bool,
}

impl<'a> CapacityGuard<'a> {
    pub(super) fn new(limiter: &'a CapacityLimiter, loan: Loan) -> Self {
        Self {
            limiter,
            loan,
            kept: false,
        }
    }

    /// Returns how many tokens it holds.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.loan.weight()
    }

    /// Returns on whose behalf it holds them, if on somebody's in particular.
    #[must_use]
    pub fn borrower(&self) -> Option<Borrower> {
        self.loan.borrower()
    }

    /// Keeps the tokens borrowed when the guard is gone, until
    /// [`release_on_behalf_of`](CapacityLimiter::release_on_behalf_of).
    ///
    /// Without a borrower they never come back.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::{Borrower, CapacityLimiter};
    /// let limiter = CapacityLimiter::new(1);
    /// let customer = Borrower::from(7);
    /// limiter.try_acquire_on_behalf_of(customer).unwrap().forget();
    /// assert_eq!(limiter.borrowed(), 1);
    /// limiter.release_on_behalf_of(customer).unwrap();
    /// assert_eq!(limiter.borrowed(), 0);
    /// ```
    pub fn forget(mut self) {
        self.kept = true;
    }

    /// Makes it a guard that borrows nothing.
    pub(super) fn into_arc(mut self, limiter: &Arc<CapacityLimiter>) -> CapacityGuardArc {
        self.kept = true;
        CapacityGuardArc {
            limiter: Arc::clone(limiter),
            loan: self.loan,
            kept: false,
        }
    }
}

impl Drop for CapacityGuard<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.limiter.give_back(self.loan);
        }
    }
}

/// Tokens of a [`CapacityLimiter`] that is in an [`Arc`]; dropping it gives them back.
#[derive(Debug)]
#[must_use = "dropping it gives the tokens back"]
pub struct CapacityGuardArc {
    limiter: Arc<CapacityLimiter>,
    loan: Loan,
    kept: bool,
}

impl CapacityGuardArc {
    /// Returns how many tokens it holds.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.loan.weight()
    }

    /// Returns on whose behalf it holds them, if on somebody's in particular.
    #[must_use]
    pub fn borrower(&self) -> Option<Borrower> {
        self.loan.borrower()
    }

    /// Keeps the tokens borrowed when the guard is gone; see [`CapacityGuard::forget`].
    pub fn forget(mut self) {
        self.kept = true;
    }
}

impl Drop for CapacityGuardArc {
    fn drop(&mut self) {
        if !self.kept {
            self.limiter.give_back(self.loan);
        }
    }
}
