#[cfg(all(test, loom))]
mod model;
#[cfg(all(test, any(loom, shuttle)))]
mod modelled;
#[cfg(all(test, shuttle, not(loom)))]
mod random_model;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use fascine_rt::Rt;

use crate::limiter::acquire::Acquire;
use crate::limiter::builder::RateLimiterBuilder;
use crate::limiter::few::Few;
use crate::limiter::inner::Inner;
use crate::limiter::state::State;
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
        Self {
            inner: Arc::new(Inner::new(rt, names, state)),
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
    #[doc(alias = "until_ready")]
    pub fn acquire(&self, cost: &[(&str, u64)]) -> Acquire {
        Acquire::new(Arc::clone(&self.inner), self.inner.amounts(cost))
    }

    /// Takes a place in the queue now, to be awaited later: [`acquire`](Self::acquire) does so at its first poll.
    ///
    /// [`ready_at`](Acquire::ready_at) says when, as far as it can be foreseen, so that other work can be done until
    /// then. It is no promise that goes by a clock alone: what was granted is had by awaiting it, which is to begin at
    /// that time at the latest, because the first of the queue keeps the time for those behind it. Dropping it gives up
    /// the place, or gives back what was granted.
    ///
    /// # Errors
    ///
    /// As [`acquire`](Self::acquire), at once.
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
    /// let [now, later] = [1, 1].map(|n| limiter.reserve(&[("requests", n)]).unwrap());
    /// assert_eq!(later.ready_at() - rt.now(), second);
    /// now.await.unwrap().commit();
    ///
    /// rt.sleep_until(later.ready_at()).await;
    /// later.await.unwrap().commit();
    /// # Ok::<_, fascine_resilience::QuotaError>(())
    /// # }).unwrap();
    /// ```
    #[doc(alias = "reserve_permission")]
    pub fn reserve(&self, cost: &[(&str, u64)]) -> Result<Acquire, LimitError> {
        self.acquire(cost).enter_now()
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
    #[doc(alias = "check")]
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

    /// Takes what has been used already by somebody who does not ask this limiter, whether it fits or not.
    ///
    /// It holds back those who come after, as settling for more than was reserved does.
    ///
    /// # Errors
    ///
    /// [`LimitError::UnknownQuota`]; nothing is taken then.
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_resilience::{Quota, RateLimiter};
    /// use std::time::Duration;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// let quota = Quota::new("requests", 60, Duration::from_secs(60))?;
    /// let limiter = RateLimiter::new(&rt, [quota])?;
    /// limiter.charge(&[("requests", 50)]).unwrap(); // another process has the same key
    /// assert_eq!(limiter.available("requests"), Some(10));
    /// # Ok::<_, fascine_resilience::QuotaError>(())
    /// # }).unwrap();
    /// ```
    pub fn charge(&self, used: &[(&str, u64)]) -> Result<(), LimitError> {
        let amounts = self.inner.amounts(used)?;
        self.inner.change(|state, now, wakers| {
            for (quota, amount) in amounts.iter().enumerate() {
                if *amount > 0 {
                    state.store.get().charge(now, quota, *amount);
                }
            }
            state.grant(now, wakers, None);
        });
        Ok(())
    }

    /// Whether such a cost can be granted at all, however long it waits.
    ///
    /// # Errors
    ///
    /// [`LimitError::UnknownQuota`] or [`LimitError::TooLarge`].
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_resilience::{Quota, RateLimiter};
    /// use std::time::Duration;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// let limiter = RateLimiter::new(&rt, [Quota::new("tokens", 9, Duration::from_secs(1))?])?;
    /// limiter.try_spend(&[("tokens", 9)]).unwrap();
    /// assert!(limiter.check(&[("tokens", 9)]).is_ok());
    /// assert!(limiter.check(&[("tokens", 10)]).is_err());
    /// # Ok::<_, fascine_resilience::QuotaError>(())
    /// # }).unwrap();
    /// ```
    pub fn check(&self, cost: &[(&str, u64)]) -> Result<(), LimitError> {
        let amounts = self.inner.amounts(cost)?;
        let too_large = self.inner.lock().too_large(&amounts);
        too_large.map_or(Ok(()), Err)
    }

    /// When the first of those that wait is granted, if nobody gives anything back; `None` if nobody waits.
    #[must_use]
    pub fn next_grant(&self) -> Option<Instant> {
        self.inner.lock().first_at()
    }

    /// When the [pause](Self::pause_until) ends; `None` if there is none.
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_resilience::RateLimiter;
    /// use std::time::Duration;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// let limiter = RateLimiter::new(&rt, [])?;
    /// let until = rt.now() + Duration::from_secs(20);
    /// limiter.pause_until(until);
    /// assert_eq!(limiter.paused_until(), Some(until));
    /// # Ok::<_, fascine_resilience::QuotaError>(())
    /// # }).unwrap();
    /// ```
    #[must_use]
    pub fn paused_until(&self) -> Option<Instant> {
        let (state, now) = self.inner.open();
        state.paused_until().filter(|until| *until > now)
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
