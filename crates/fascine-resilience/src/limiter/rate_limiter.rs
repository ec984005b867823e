#[cfg(all(test, any(loom, shuttle)))]
mod hand;
#[cfg(all(test, loom))]
mod model;
#[cfg(all(test, shuttle, not(loom)))]
mod random_model;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use fascine_rt::Rt;

use crate::limiter::acquire::Acquire;
use crate::limiter::builder::RateLimiterBuilder;
use crate::limiter::credit::{Credit, Packed};
use crate::limiter::few::Few;
use crate::limiter::state::State;
use crate::limiter::wakers::Wakers;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::{LimitError, Quota, QuotaError, Reservation};

/// Keeps callers within several quotas at once.
///
/// A caller asks for an amount of each currency and gets all of it together or waits, first come, first served.
/// What it gets is a [`Reservation`], which counts for the quota's whole time from the moment it was granted, is
/// settled when the true cost is known, and gives everything back if it is dropped.
///
/// No quota is exceeded, in the sense of its [`Strategy`](crate::Strategy), other than by settling for more than was
/// reserved: that debt holds back those who come after.
///
/// Nobody polls: only the first in the queue has a timer, and the others sleep until it is their turn. Whoever makes
/// room grants it to those that wait, before anybody else can take it. Clones are the same limiter: share one among all
/// that spend from the same account.
///
/// The first in the queue keeps the time for the others: a future that waits must be polled when it is woken, or
/// dropped.
///
/// Not for limits on how many calls run at once, whatever they cost: that is a
/// [`Semaphore`](fascine_concurrency::Semaphore).
///
/// # Defaults
///
/// - 1000 may wait
/// - nobody passes a waiter, other than by priority, and that at most 100 times
/// - a pause is an hour at most
///
/// # Examples
///
/// ```
/// use fascine_resilience::{Quota, RateLimiter};
/// use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let minute = Duration::from_secs(60);
/// let limiter = RateLimiter::new(
///     &rt,
///     [Quota::new("requests", 60, minute)?, Quota::new("tokens", 90_000, minute)?],
/// )?;
/// let reserved = limiter.acquire(&[("requests", 1), ("tokens", 2_000)]).await.unwrap();
/// // The call is made, and its answer says what it cost.
/// reserved.settle(&[("tokens", 1_234)]).unwrap();
/// assert_eq!(limiter.available("tokens"), Some(88_766));
/// # Ok::<_, fascine_resilience::QuotaError>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct RateLimiter {
    inner: Arc<Inner>,
}

impl RateLimiter {
    /// Makes a limiter that holds all of these quotas together.
    ///
    /// # Errors
    ///
    /// [`QuotaError::Duplicate`] when two have the same name.
    pub fn new(rt: &Rt, quotas: impl IntoIterator<Item = Quota>) -> Result<Self, QuotaError> {
        Self::builder(rt).with_quotas(quotas).build()
    }

    /// Makes a limiter where at most `capacity` callers may wait; with 0 none waits.
    ///
    /// # Errors
    ///
    /// [`QuotaError::Duplicate`] when two quotas have the same name.
    pub fn with_queue_capacity(
        rt: &Rt,
        quotas: impl IntoIterator<Item = Quota>,
        capacity: usize,
    ) -> Result<Self, QuotaError> {
        let builder = Self::builder(rt).with_quotas(quotas);
        builder.with_queue_capacity(capacity).build()
    }

    /// Begins a limiter that differs from the defaults.
    pub fn builder(rt: &Rt) -> RateLimiterBuilder {
        RateLimiterBuilder::new(rt)
    }

    pub(crate) fn from_parts(rt: Rt, names: Box<[String]>, state: State) -> Self {
        let inner = Inner {
            credit: Credit::none(),
            crowded: AtomicBool::new(false),
            state: Mutex::new(state),
            names,
            rt,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Waits until every amount fits, and takes them together. Currencies that are not named cost nothing.
    ///
    /// # Errors
    ///
    /// At once: [`LimitError::UnknownQuota`], [`LimitError::TooLarge`], [`LimitError::QueueFull`], and
    /// [`LimitError::Deadline`] when the wait, as far as it can be foreseen, would end after the ambient deadline.
    /// While it waits: [`LimitError::TooLarge`] when a quota is changed, and [`LimitError::Deadline`] as soon as that
    /// is certain, if nobody gives anything back.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the queue and lets the next one up; nothing is taken.
    pub fn acquire(&self, cost: &[(&str, u64)]) -> Acquire {
        Acquire::new(Arc::clone(&self.inner), self.inner.amounts(cost))
    }

    /// Takes every amount now, or nothing. Never overtakes those who wait.
    ///
    /// # Errors
    ///
    /// [`LimitError::WouldWait`], [`LimitError::UnknownQuota`] or [`LimitError::TooLarge`].
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_resilience::{Quota, RateLimiter};
    /// use std::time::Duration;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// let second = Duration::from_secs(1);
    /// let limiter = RateLimiter::new(&rt, [Quota::new("requests", 1, second)?])?;
    /// limiter.try_acquire(&[("requests", 1)]).unwrap().commit();
    /// let refused = limiter.try_acquire(&[("requests", 1)]).unwrap_err();
    /// assert_eq!(refused.retry_after(), Some(second));
    /// # Ok::<_, fascine_resilience::QuotaError>(())
    /// # }).unwrap();
    /// ```
    #[inline]
    pub fn try_acquire(&self, cost: &[(&str, u64)]) -> Result<Reservation, LimitError> {
        let amounts = self.inner.amounts(cost)?;
        let mut tickets = Few::zeros(amounts.len());
        self.inner.try_take(&amounts, &mut tickets)?;
        Ok(Reservation::new(Arc::clone(&self.inner), amounts, tickets))
    }

    /// Takes every amount now and for good, or nothing: [`try_acquire`](Self::try_acquire) and
    /// [`commit`](Reservation::commit) in one, for a cost that is known and a call that is certain.
    ///
    /// # Errors
    ///
    /// [`LimitError::WouldWait`], [`LimitError::UnknownQuota`] or [`LimitError::TooLarge`].
    #[inline]
    pub fn try_spend(&self, cost: &[(&str, u64)]) -> Result<(), LimitError> {
        if self.inner.spend_credit(cost) {
            return Ok(());
        }
        self.inner.spend(cost)
    }

    /// Grants nothing before `until`: what a server's `Retry-After` asks for. A later pause wins over an earlier one.
    ///
    /// It ends after an hour at most, or what [`with_max_pause`](RateLimiterBuilder::with_max_pause) says: a server
    /// that asks for thirty years is wrong.
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_resilience::{Quota, RateLimiter};
    /// use std::time::Duration;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// let limiter = RateLimiter::new(&rt, [Quota::new("requests", 9, Duration::from_secs(1))?])?;
    /// let until = rt.now() + Duration::from_secs(20);
    /// limiter.pause_until(until);
    /// limiter.acquire(&[("requests", 1)]).await.unwrap().commit();
    /// assert_eq!(rt.now(), until);
    /// # Ok::<_, fascine_resilience::QuotaError>(())
    /// # }).unwrap();
    /// ```
    pub fn pause_until(&self, until: Instant) {
        let (mut state, now) = self.inner.open();
        state.pause(now, until);
    }

    /// Ends a pause.
    pub fn resume(&self) {
        self.inner
            .change(|state, now, wakers| state.resume(now, wakers));
    }

    /// Changes the quota of the same name, for all that wait and come. What was taken stays taken.
    ///
    /// A waiter that asked for more than there can be from now on gets [`LimitError::TooLarge`].
    ///
    /// # Errors
    ///
    /// [`QuotaError::Unknown`] when there is none of that name.
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_resilience::{Quota, RateLimiter};
    /// use std::time::Duration;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// let minute = Duration::from_secs(60);
    /// let limiter = RateLimiter::new(&rt, [Quota::new("requests", 60, minute)?])?;
    /// limiter.try_spend(&[("requests", 50)]).unwrap();
    /// limiter.change_quota(Quota::new("requests", 100, minute)?)?;
    /// assert_eq!(limiter.available("requests"), Some(50));
    /// # Ok::<_, fascine_resilience::QuotaError>(())
    /// # }).unwrap();
    /// ```
    pub fn change_quota(&self, quota: Quota) -> Result<(), QuotaError> {
        let Some(index) = self.inner.index(quota.name()) else {
            let name = quota.name().to_owned();
            return Err(QuotaError::Unknown { name });
        };
        self.inner
            .change(|state, now, wakers| state.change(now, index, quota, wakers));
        Ok(())
    }

    /// Looks again whether somebody who waits fits in: for a [`QuotaStore`](crate::QuotaStore) that was changed from
    /// elsewhere.
    pub fn recheck(&self) {
        self.inner
            .change(|state, now, wakers| state.grant(now, wakers, None));
    }

    /// How much of a currency is free now, whoever waits for it; `None` if there is no quota of that name.
    #[must_use]
    pub fn available(&self, quota: &str) -> Option<u64> {
        let index = self.inner.index(quota)?;
        let (mut state, now) = self.inner.open();
        Some(state.store.get().available(now, index))
    }

    /// The quotas, as they are now.
    #[must_use]
    pub fn quotas(&self) -> Vec<Quota> {
        self.inner.lock().quotas.clone()
    }

    /// How many callers wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inner.lock().waiting()
    }

    /// Whether nobody else has it, nobody waits, and nothing that was taken still counts.
    pub(crate) fn is_idle(&self) -> bool {
        if Arc::strong_count(&self.inner) > 1 {
            return false;
        }
        let (mut state, now) = self.inner.open();
        state.is_idle(now)
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("quotas", &self.quotas())
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}

/// What the limiter, its reservations and its waiters share.
///
/// No waker is woken, cloned or dropped while the lock is held.
pub(crate) struct Inner {
    credit: Credit,
    /// Whether somebody waited lately: whoever comes then need not try without a waker first. A guess, and so not part
    /// of the models.
    crowded: AtomicBool,
    state: Mutex<State>,
    names: Box<[String]>,
    pub(crate) rt: Rt,
}

impl Inner {
    /// For what has nothing to do with what was taken.
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Locks the state, with all that has been spent on credit in it, and reads the clock.
    #[inline]
    fn open(&self) -> (MutexGuard<'_, State>, Instant) {
        let left = self.credit.take_back();
        let now = self.rt.now();
        let mut state = lock(&self.state);
        if let Some(left) = left {
            state.take_back(now, left);
        }
        (state, now)
    }

    /// Changes something, and wakes those who gain by it.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut State, Instant, &mut Wakers) -> T,
    ) -> T {
        let mut wakers = Wakers::default();
        let (mut state, now) = self.open();
        let changed = change(&mut state, now, &mut wakers);
        self.crowded.store(state.waiting() > 0, Ordering::Relaxed);
        drop(state);
        wakers.wake();
        changed
    }

    #[inline]
    pub(crate) fn is_crowded(&self) -> bool {
        self.crowded.load(Ordering::Relaxed)
    }

    /// The position of a quota.
    #[inline]
    pub(crate) fn index(&self, quota: &str) -> Option<usize> {
        self.names.iter().position(|name| name == quota)
    }

    /// The amount of each quota, in their order.
    #[inline]
    fn amounts(&self, cost: &[(&str, u64)]) -> Result<Few, LimitError> {
        let mut amounts = Few::zeros(self.names.len());
        for (quota, amount) in cost {
            let Some(index) = self.index(quota) else {
                return Err(unknown(quota));
            };
            amounts[index] = amounts[index].saturating_add(*amount);
        }
        Ok(amounts)
    }

    #[inline]
    fn spend_credit(&self, cost: &[(&str, u64)]) -> bool {
        let mut packed = Packed::ZERO;
        for (quota, amount) in cost {
            let index = self.index(quota);
            match index.and_then(|index| packed.plus(index, *amount)) {
                Some(more) => packed = more,
                None => return false,
            }
        }
        self.credit.spend(packed)
    }

    fn spend(&self, cost: &[(&str, u64)]) -> Result<(), LimitError> {
        let amounts = self.amounts(cost)?;
        let mut tickets = Few::zeros(amounts.len());
        let (mut state, now) = self.open();
        if state.try_take(now, &amounts, &mut tickets) {
            if let Some(credit) = state.lend(now) {
                self.credit.lend(credit);
            }
            return Ok(());
        }
        drop(state);
        self.try_take_again(&amounts, &mut tickets)
    }

    /// Takes all amounts if they fit and nobody waits.
    #[inline]
    pub(crate) fn take(&self, amounts: &Few, tickets: &mut Few) -> bool {
        let (mut state, now) = self.open();
        state.try_take(now, amounts, tickets)
    }

    #[inline]
    fn try_take(&self, amounts: &Few, tickets: &mut Few) -> Result<(), LimitError> {
        match self.take(amounts, tickets) {
            true => Ok(()),
            false => self.try_take_again(amounts, tickets),
        }
    }

    /// Somebody waits whose time has come, or there is a reason to be told.
    #[cold]
    fn try_take_again(&self, amounts: &Few, tickets: &mut Few) -> Result<(), LimitError> {
        let mut wakers = Wakers::default();
        let (mut state, now) = self.open();
        state.grant_what_is_due(now, &mut wakers, None);
        let taken = match state.try_take(now, amounts, tickets) {
            true => Ok(()),
            false => Err(state.why_not(now, amounts)),
        };
        drop(state);
        wakers.wake();
        taken
    }
}

#[cold]
pub(crate) fn unknown(quota: &str) -> LimitError {
    LimitError::UnknownQuota {
        quota: quota.to_owned(),
    }
}
