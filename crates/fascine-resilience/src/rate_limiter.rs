use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use fascine_rt::Rt;

use crate::acquire::Acquire;
use crate::window::Window;
use crate::{LimitError, Quota, QuotaError, Reservation};

/// Keeps callers within several quotas at once.
///
/// A caller asks for an amount of each currency and gets all of it together or waits, first come, first served.
/// What it gets is a [`Reservation`], which counts for the quota's whole time from the moment it was granted, is
/// settled when the true cost is known, and gives everything back if it is dropped.
///
/// No stretch of time as long as a quota's ever holds more than its limit, other than by settling for more than was
/// reserved: that debt holds back those who come after.
///
/// Nobody polls: only the first in the queue has a timer, and the others sleep until it is their turn. Clones are the
/// same limiter.
///
/// # Defaults
///
/// - 1000 may wait
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
        Self::with_queue_capacity(rt, quotas, 1000)
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
        let mut names: Vec<String> = Vec::new();
        let mut windows = Vec::new();
        for quota in quotas {
            let name = quota.name().to_owned();
            if names.contains(&name) {
                return Err(QuotaError::Duplicate { name });
            }
            names.push(name);
            windows.push(Window::new(quota.limit(), quota.per()));
        }
        let state = State {
            windows,
            paused_until: None,
            queue: BTreeMap::new(),
            next_waiter: 0,
        };
        let inner = Inner {
            rt: rt.clone(),
            names,
            capacity,
            state: Mutex::new(state),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Waits until every amount fits, and takes them together. Currencies that are not named cost nothing.
    ///
    /// # Errors
    ///
    /// At once: [`LimitError::UnknownQuota`], [`LimitError::TooLarge`], [`LimitError::QueueFull`], and
    /// [`LimitError::Deadline`] when the wait, as far as it can be foreseen, would end after the ambient deadline.
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
    pub fn try_acquire(&self, cost: &[(&str, u64)]) -> Result<Reservation, LimitError> {
        let amounts = self.inner.amounts(cost)?;
        let now = self.inner.rt.now();
        let mut state = self.inner.lock();
        match state.foresee(now, &amounts) {
            at if at <= now && state.queue.is_empty() => {
                let taken = state.take(now, &amounts);
                drop(state);
                Ok(Reservation::new(Arc::clone(&self.inner), taken))
            }
            at => Err(LimitError::WouldWait {
                wait: at.saturating_duration_since(now),
            }),
        }
    }

    /// Grants nothing before `until`: what a server's `Retry-After` asks for. A later pause wins over an earlier one.
    pub fn pause_until(&self, until: Instant) {
        let mut state = self.inner.lock();
        state.paused_until = state.paused_until.max(Some(until));
    }

    /// How many callers wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inner.lock().queue.len()
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("quotas", &self.inner.names)
            .field("waiting", &self.waiting())
            .finish_non_exhaustive()
    }
}

/// What the limiter, its reservations and its waiters share.
///
/// No waker is woken or dropped while the lock is held.
pub(crate) struct Inner {
    pub(crate) rt: Rt,
    names: Vec<String>,
    pub(crate) capacity: usize,
    state: Mutex<State>,
}

impl Inner {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The position of a quota.
    pub(crate) fn index(&self, quota: &str) -> Option<usize> {
        self.names.iter().position(|name| name == quota)
    }

    /// The amount of each quota, in their order.
    fn amounts(&self, cost: &[(&str, u64)]) -> Result<Vec<u64>, LimitError> {
        let mut amounts = vec![0_u64; self.names.len()];
        for (quota, amount) in cost {
            let index = self.index(quota).ok_or_else(|| LimitError::UnknownQuota {
                quota: (*quota).to_owned(),
            })?;
            amounts[index] = amounts[index].saturating_add(*amount);
        }
        let state = self.lock();
        for (index, window) in state.windows.iter().enumerate() {
            if amounts[index] > window.limit() {
                return Err(LimitError::TooLarge {
                    quota: self.names[index].clone(),
                    amount: amounts[index],
                    limit: window.limit(),
                });
            }
        }
        drop(state);
        Ok(amounts)
    }
}

/// The synchronous heart: windows, and the queue in the order of arrival.
pub(crate) struct State {
    pub(crate) windows: Vec<Window>,
    pub(crate) paused_until: Option<Instant>,
    pub(crate) queue: BTreeMap<u64, Waiter>,
    pub(crate) next_waiter: u64,
}

pub(crate) struct Waiter {
    pub(crate) amounts: Vec<u64>,
    pub(crate) waker: Option<Waker>,
}

impl State {
    /// When the amounts fit if the caller is the next to get them.
    pub(crate) fn ready_at(&mut self, now: Instant, amounts: &[u64]) -> Instant {
        let mut ready = self.paused_until.map_or(now, |until| until.max(now));
        for (window, amount) in self.windows.iter_mut().zip(amounts) {
            window.expire(now);
            // Amounts were checked against the limit, so there is such a time, unless the clock ends before it.
            ready = ready.max(window.ready_at(now, *amount).unwrap_or(now + FAR));
        }
        ready
    }

    /// When the amounts would fit behind everybody who waits, if nobody gives anything back.
    pub(crate) fn foresee(&mut self, now: Instant, amounts: &[u64]) -> Instant {
        if self.queue.is_empty() {
            return self.ready_at(now, amounts);
        }
        let mut future = Self {
            windows: self.windows.clone(),
            paused_until: self.paused_until,
            queue: BTreeMap::new(),
            next_waiter: 0,
        };
        let mut now = now;
        for waiter in self.queue.values() {
            now = future.ready_at(now, &waiter.amounts);
            future.take(now, &waiter.amounts);
        }
        future.ready_at(now, amounts)
    }

    /// Takes the amounts; returns for each quota the amount and the window's name for it.
    pub(crate) fn take(&mut self, now: Instant, amounts: &[u64]) -> Vec<Taken> {
        let windows = self.windows.iter_mut().zip(amounts);
        windows
            .map(|(window, amount)| Taken {
                id: window.take(now, *amount),
                amount: *amount,
            })
            .collect()
    }

    /// The waker of the first in the queue, to be woken outside the lock.
    pub(crate) fn first_waker(&mut self) -> Option<Waker> {
        self.queue
            .first_entry()
            .and_then(|mut first| first.get_mut().waker.take())
    }
}

/// What was taken of one quota.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) id: u64,
    pub(crate) amount: u64,
}

const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
