use std::fmt;
use std::sync::Arc;

use crate::primitives::wakers::Wakers;
use crate::sync::{Mutex, const_fn, lock};

mod borrow;
mod borrower;
mod error;
mod guard;
#[cfg(all(test, loom))]
mod model;
mod state;

pub use borrower::Borrower;
pub use error::CapacityError;
pub use guard::{CapacityGuard, CapacityGuardArc};

use borrow::Borrow;
use state::{Loan, State, Wish};

/// Limits how much is borrowed at the same time; how much that is may change while it is in use.
///
/// This is the limiter of AnyIO and Trio. It lends tokens, in the order of the calls, to whoever asks, or to a
/// [`Borrower`] that is named: such a one holds or waits for one loan at a time, so that nothing is limited twice by
/// mistake, and what it holds can be given back by somebody else. A task that borrows in a loop never passes one that
/// waits.
///
/// Lowering the [total](Self::set_total), to zero if you like, takes nothing away: until enough came back, nobody is
/// admitted. Raising it admits those that wait.
///
/// If the number of permits is fixed, or only grows, a [`Semaphore`](crate::Semaphore) takes no lock unless
/// somebody waits, and can be closed.
///
/// # Units
///
/// Tokens are whatever you count. A loan of no tokens is always granted at once.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::{Borrower, CapacityError, CapacityLimiter};
/// # fascine_testing::TestRuntime::run(|_| async {
/// let limiter = CapacityLimiter::new(2);
/// let one = limiter.acquire().await;
///
/// let customer = Borrower::from(7);
/// let two = limiter.acquire_on_behalf_of(customer).await?;
/// let again = limiter.acquire_on_behalf_of(customer).await;
/// assert_eq!(again.unwrap_err(), CapacityError::AlreadyHolds { borrower: customer });
///
/// limiter.set_total(1);
/// drop(one);
/// assert!(limiter.try_acquire().is_err());
/// drop(two);
/// assert!(limiter.try_acquire().is_ok());
/// # Ok::<_, CapacityError>(())
/// # }).unwrap();
/// ```
pub struct CapacityLimiter {
    state: Mutex<State>,
}

/// How a [`CapacityLimiter`] looked at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CapacityStatistics {
    /// How much may be borrowed.
    pub total: usize,
    /// How much is borrowed; more than the total if that was lowered.
    pub borrowed: usize,
    /// How many futures wait.
    pub waiting: usize,
    /// The named borrowers that hold something, sorted.
    pub borrowers: Vec<Borrower>,
}

impl CapacityLimiter {
    const_fn! {
        /// Makes a limiter with so many tokens; zero is allowed, and `usize::MAX` is no limit.
        #[must_use]
        pub const fn new(total: usize) -> Self {
            Self {
                state: Mutex::new(State::new(total)),
            }
        }
    }

    /// Waits for a token.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the queue. A token that it was granted but has not returned yet goes to
    /// the next one.
    pub async fn acquire(&self) -> CapacityGuard<'_> {
        self.acquire_many(1).await
    }

    /// Waits for so many tokens at once; also for more than the total, which may be raised.
    ///
    /// # Cancel safety
    ///
    /// As [`acquire`](Self::acquire). Those that waited behind it and want less are admitted at once.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::CapacityLimiter;
    /// # fascine_testing::TestRuntime::run(|_| async {
    /// let limiter = CapacityLimiter::new(10);
    /// let eight = limiter.acquire_many(8).await;
    /// assert_eq!((limiter.borrowed(), limiter.available()), (8, 2));
    /// # drop(eight);
    /// # });
    /// ```
    pub async fn acquire_many(&self, weight: usize) -> CapacityGuard<'_> {
        match Borrow::new(self, Wish::of_nobody(weight)).await {
            Ok(guard) => guard,
            Err(error) => unreachable!("nobody in particular is refused nothing: {error}"),
        }
    }

    /// Waits for a token for this borrower.
    ///
    /// # Errors
    ///
    /// [`CapacityError::AlreadyHolds`] and [`CapacityError::AlreadyWaits`], at once, if the borrower does.
    ///
    /// # Cancel safety
    ///
    /// As [`acquire`](Self::acquire); the borrower may ask again.
    pub async fn acquire_on_behalf_of(
        &self,
        borrower: Borrower,
    ) -> Result<CapacityGuard<'_>, CapacityError> {
        self.acquire_many_on_behalf_of(borrower, 1).await
    }

    /// Waits for so many tokens at once for this borrower.
    ///
    /// # Errors
    ///
    /// As [`acquire_on_behalf_of`](Self::acquire_on_behalf_of).
    ///
    /// # Cancel safety
    ///
    /// As [`acquire_many`](Self::acquire_many).
    pub async fn acquire_many_on_behalf_of(
        &self,
        borrower: Borrower,
        weight: usize,
    ) -> Result<CapacityGuard<'_>, CapacityError> {
        Borrow::new(self, Wish::of(borrower, weight)).await
    }

    /// Waits for so many tokens at once, whose guard borrows nothing; otherwise as [`acquire_many`](Self::acquire_many).
    ///
    /// # Cancel safety
    ///
    /// As [`acquire_many`](Self::acquire_many).
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::CapacityLimiter;
    /// # use std::sync::Arc;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let limiter = Arc::new(CapacityLimiter::new(1));
    /// let token = limiter.acquire_many_arc(1).await;
    /// let task = rt.spawn(async move { token.weight() });
    /// assert_eq!(task.await.unwrap(), 1);
    /// assert_eq!(limiter.borrowed(), 0);
    /// # });
    /// ```
    pub async fn acquire_many_arc(self: &Arc<Self>, weight: usize) -> CapacityGuardArc {
        self.acquire_many(weight).await.into_arc(self)
    }

    /// Waits for so many tokens at once for this borrower; the guard borrows nothing.
    ///
    /// # Errors
    ///
    /// As [`acquire_on_behalf_of`](Self::acquire_on_behalf_of).
    ///
    /// # Cancel safety
    ///
    /// As [`acquire_many`](Self::acquire_many).
    pub async fn acquire_many_on_behalf_of_arc(
        self: &Arc<Self>,
        borrower: Borrower,
        weight: usize,
    ) -> Result<CapacityGuardArc, CapacityError> {
        let guard = self.acquire_many_on_behalf_of(borrower, weight).await?;
        Ok(guard.into_arc(self))
    }

    /// Takes a token if one is there and nobody waits.
    ///
    /// # Errors
    ///
    /// [`CapacityError::Unavailable`] if not.
    pub fn try_acquire(&self) -> Result<CapacityGuard<'_>, CapacityError> {
        self.try_acquire_many(1)
    }

    /// Takes so many tokens if they are there and nobody waits.
    ///
    /// # Errors
    ///
    /// [`CapacityError::Unavailable`] if not.
    pub fn try_acquire_many(&self, weight: usize) -> Result<CapacityGuard<'_>, CapacityError> {
        self.try_borrow(Wish::of_nobody(weight))
    }

    /// Borrows so many tokens, with a guard that borrows nothing, if they are there and nobody waits.
    ///
    /// # Errors
    ///
    /// As [`try_acquire_many`](Self::try_acquire_many).
    pub fn try_acquire_many_arc(
        self: &Arc<Self>,
        weight: usize,
    ) -> Result<CapacityGuardArc, CapacityError> {
        let guard = self.try_acquire_many(weight)?;
        Ok(guard.into_arc(self))
    }

    /// Takes a token for this borrower if one is there and nobody waits.
    ///
    /// # Errors
    ///
    /// [`CapacityError::Unavailable`] if not; and as [`acquire_on_behalf_of`](Self::acquire_on_behalf_of).
    pub fn try_acquire_on_behalf_of(
        &self,
        borrower: Borrower,
    ) -> Result<CapacityGuard<'_>, CapacityError> {
        self.try_acquire_many_on_behalf_of(borrower, 1)
    }

    /// Takes so many tokens for this borrower if they are there and nobody waits.
    ///
    /// # Errors
    ///
    /// As [`try_acquire_on_behalf_of`](Self::try_acquire_on_behalf_of).
    pub fn try_acquire_many_on_behalf_of(
        &self,
        borrower: Borrower,
        weight: usize,
    ) -> Result<CapacityGuard<'_>, CapacityError> {
        self.try_borrow(Wish::of(borrower, weight))
    }

    /// Gives back what this borrower holds; if its guard is still there, that does nothing any more.
    ///
    /// # Errors
    ///
    /// [`CapacityError::HoldsNone`] if it holds nothing.
    pub fn release_on_behalf_of(&self, borrower: Borrower) -> Result<(), CapacityError> {
        self.change(|state, wakers| state.give_back_for(borrower, wakers))
    }

    /// Changes how much may be borrowed, from now on.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::CapacityLimiter;
    /// # fascine_testing::TestRuntime::run(|_| async {
    /// static REQUESTS: CapacityLimiter = CapacityLimiter::new(0);
    ///
    /// assert!(REQUESTS.try_acquire().is_err());
    /// REQUESTS.set_total(1);
    /// let token = REQUESTS.acquire().await;
    /// assert_eq!(token.weight(), 1);
    /// # });
    /// ```
    pub fn set_total(&self, total: usize) {
        self.change(|state, wakers| state.set_total(total, wakers));
    }

    /// Returns how much may be borrowed.
    #[must_use]
    pub fn total(&self) -> usize {
        lock(&self.state).total()
    }

    /// Returns how much is borrowed; more than the total if that was lowered.
    #[must_use]
    pub fn borrowed(&self) -> usize {
        lock(&self.state).borrowed()
    }

    /// Returns how much is left of the total; zero if more than that is borrowed.
    ///
    /// If somebody waits for more than this, it is not to be had all the same.
    #[must_use]
    pub fn available(&self) -> usize {
        let state = lock(&self.state);
        state.total().saturating_sub(state.borrowed())
    }

    /// Returns how it looks, for dashboards and tests.
    #[must_use]
    pub fn statistics(&self) -> CapacityStatistics {
        lock(&self.state).statistics()
    }

    fn try_borrow(&self, wish: Wish) -> Result<CapacityGuard<'_>, CapacityError> {
        let loan = lock(&self.state).borrow(wish)?;
        Ok(CapacityGuard::new(self, loan))
    }

    fn give_back(&self, loan: Loan) {
        self.change(|state, wakers| state.give_back(loan, wakers));
    }

    /// Changes something under the lock, and wakes after it those that this admits.
    fn change<T>(&self, change: impl FnOnce(&mut State, &mut Wakers) -> T) -> T {
        let mut wakers = Wakers::default();
        let changed = change(&mut lock(&self.state), &mut wakers);
        wakers.wake();
        changed
    }
}

impl fmt::Debug for CapacityLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statistics = self.statistics();
        f.debug_struct("CapacityLimiter")
            .field("total", &statistics.total)
            .field("borrowed", &statistics.borrowed)
            .field("waiting", &statistics.waiting)
            .finish_non_exhaustive()
    }
}
