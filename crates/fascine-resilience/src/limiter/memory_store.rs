use std::time::Instant;

use crate::limiter::credit::{FIELDS, Packed};
use crate::limiter::meter::Meter;
use crate::limiter::tick::{Epoch, Tick};
use crate::{Quota, QuotaStore};

/// Counts in memory: for all that share one limiter in one process.
///
/// Public for stores that add something to it, and to drive the strategies by hand: it is told what time it is.
///
/// # Examples
///
/// ```
/// use fascine_resilience::{MemoryStore, Quota, QuotaStore, Strategy};
/// use std::num::NonZeroU64;
/// use std::time::{Duration, Instant};
///
/// let second = Duration::from_secs(1);
/// let start = Instant::now();
/// let burst = NonZeroU64::new(100).unwrap();
/// let quotas = [
///     Quota::new("requests", 2, 60 * second)?,
///     Quota::new("tokens", 600, 60 * second)?.with_strategy(Strategy::TokenBucket { burst }),
/// ];
/// let mut store = MemoryStore::new(start, &quotas);
///
/// // Both together, or neither; each leaves a ticket to give it back by.
/// let mut tickets = [0, 0];
/// assert_eq!(store.try_take(start, &[1, 100], &mut tickets), Ok(()));
/// // The bucket fills by ten a second.
/// let refused = store.try_take(start, &[1, 100], &mut [0, 0]);
/// assert_eq!(refused, Err(start + 10 * second));
/// assert_eq!(store.available(start + second, 0), 1);
///
/// store.give_back(start + second, 0, tickets[0], 1);
/// assert_eq!(store.available(start + second, 0), 2);
/// # Ok::<_, fascine_resilience::QuotaError>(())
/// ```
#[derive(Clone, Debug)]
pub struct MemoryStore {
    epoch: Epoch,
    /// The latest time it has been told. Whoever read the clock before that is taken to have read it then: nothing is
    /// ever taken in the past, where it would count for less long.
    latest: Tick,
    meters: Vec<Meter>,
}

impl MemoryStore {
    /// Makes a store in which nothing has been taken. Cycles begin at `now`.
    #[must_use]
    pub fn new(now: Instant, quotas: &[Quota]) -> Self {
        Self {
            epoch: Epoch(now),
            latest: 0,
            meters: quotas.iter().map(Meter::new).collect(),
        }
    }

    #[inline]
    fn tick(&mut self, now: Instant) -> Tick {
        self.latest = self.latest.max(self.epoch.tick(now));
        self.latest
    }
}

impl QuotaStore for MemoryStore {
    #[inline]
    fn try_take(
        &mut self,
        now: Instant,
        amounts: &[u64],
        tickets: &mut [u64],
    ) -> Result<(), Instant> {
        let now = self.tick(now);
        let mut fits = true;
        for (meter, amount) in self.meters.iter_mut().zip(amounts) {
            fits &= *amount == 0 || meter.fits(now, *amount);
        }
        if !fits {
            return Err(self.ready_at(now, amounts));
        }
        let meters = self.meters.iter_mut().zip(amounts).zip(tickets);
        for ((meter, amount), ticket) in meters {
            if *amount > 0 {
                *ticket = meter.take(now, *amount);
            }
        }
        Ok(())
    }

    fn give_back(&mut self, now: Instant, quota: usize, ticket: u64, amount: u64) {
        let now = self.tick(now);
        self.meters[quota].give_back(now, ticket, amount);
    }

    fn charge(&mut self, now: Instant, quota: usize, amount: u64) {
        let now = self.tick(now);
        self.meters[quota].charge(now, amount);
    }

    fn change(&mut self, now: Instant, quota: usize, to: &Quota) {
        let now = self.tick(now);
        self.meters[quota].change(now, to);
    }

    fn available(&mut self, now: Instant, quota: usize) -> u64 {
        let now = self.tick(now);
        self.meters[quota].available(now)
    }

    fn foresee(&mut self, now: Instant, totals: &[u64]) -> Instant {
        // Not to be remembered: it may lie at the end of a pause.
        let now = self.latest.max(self.epoch.tick(now));
        let meters = self.meters.iter_mut().zip(totals);
        let ready = meters.map(|(meter, total)| meter.foresee(now, *total));
        self.epoch.instant(ready.fold(now, Tick::max))
    }

    fn is_idle(&mut self, now: Instant) -> bool {
        let now = self.tick(now);
        self.meters.iter_mut().all(|meter| meter.is_idle(now))
    }
}

impl MemoryStore {
    /// Lends what may be spent without a look at the clock, if that is anything.
    #[inline]
    pub(crate) fn lend(&mut self, now: Instant) -> Option<Packed> {
        if self.meters.len() > FIELDS {
            return None;
        }
        let now = self.tick(now);
        let mut credit = Packed::ZERO;
        let mut any = false;
        for (quota, meter) in self.meters.iter_mut().enumerate() {
            let share = meter.lend(now);
            any |= share > 0;
            credit = credit.plus(quota, share)?;
        }
        any.then_some(credit)
    }

    /// Takes back what was lent; `now` was read after it could no longer be spent.
    #[inline]
    pub(crate) fn take_back(&mut self, now: Instant, left: Packed) {
        let now = self.tick(now);
        for (quota, meter) in self.meters.iter_mut().enumerate() {
            meter.take_back(now, left.field(quota));
        }
    }

    #[cold]
    fn ready_at(&mut self, now: Tick, amounts: &[u64]) -> Instant {
        let wanted = self.meters.iter_mut().zip(amounts);
        let wanted = wanted.filter(|(_, amount)| **amount > 0);
        let ready = wanted.map(|(meter, amount)| meter.ready_at(now, *amount));
        self.epoch.instant(ready.fold(now, Tick::max))
    }
}
