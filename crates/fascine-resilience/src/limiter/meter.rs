use crate::limiter::fixed_cycle::FixedCycle;
use crate::limiter::quota::{Quota, Strategy};
use crate::limiter::sliding_window::SlidingWindow;
use crate::limiter::tick::{Tick, nanos};
use crate::limiter::token_bucket::TokenBucket;

/// What counts for one quota.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    capacity: u64,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Bucket(TokenBucket),
    Cycle(FixedCycle),
    Window(SlidingWindow),
}

impl Meter {
    pub(crate) fn new(quota: &Quota) -> Self {
        let (limit, per) = (quota.limit(), nanos(quota.per()));
        let kind = match quota.strategy() {
            Strategy::FixedCycle => Kind::Cycle(FixedCycle::new(limit, per)),
            Strategy::SlidingWindow => Kind::Window(SlidingWindow::new(limit, per)),
            Strategy::TokenBucket { burst } => {
                Kind::Bucket(TokenBucket::new(limit, per, burst.get()))
            }
        };
        Self {
            capacity: quota.capacity(),
            kind,
        }
    }

    /// Counts by other numbers from now on. With another strategy, all that does not fit any more counts as taken now.
    pub(crate) fn change(&mut self, now: Tick, quota: &Quota) {
        let (limit, per) = (quota.limit(), nanos(quota.per()));
        let used = self.capacity.saturating_sub(self.available(now));
        match (&mut self.kind, quota.strategy()) {
            (Kind::Cycle(cycle), Strategy::FixedCycle) => cycle.change(now, limit, per),
            (Kind::Window(window), Strategy::SlidingWindow) => {
                window.expire(now);
                window.change(limit, per);
            }
            (Kind::Bucket(bucket), Strategy::TokenBucket { burst }) => {
                bucket.change(now, limit, per, burst.get());
            }
            _ => {
                *self = Self::new(quota);
                self.charge(now, used);
            }
        }
        self.capacity = quota.capacity();
    }

    /// Whether `amount` can be taken; if it is more than there can be, whether nothing is taken.
    #[inline]
    pub(crate) fn fits(&mut self, now: Tick, amount: u64) -> bool {
        match &mut self.kind {
            Kind::Bucket(bucket) => bucket.fits(now, amount),
            Kind::Cycle(cycle) => cycle.fits(now, amount),
            Kind::Window(window) => window.fits(now, amount),
        }
    }

    /// When `amount` can be taken, if nobody else takes any.
    pub(crate) fn ready_at(&mut self, now: Tick, amount: u64) -> Tick {
        let amount = amount.min(self.capacity);
        if self.fits(now, amount) {
            return now;
        }
        self.foresee(now, amount)
    }

    /// When the last of `total` can be taken at the earliest, whatever it is divided into.
    pub(crate) fn foresee(&mut self, now: Tick, total: u64) -> Tick {
        match &mut self.kind {
            Kind::Bucket(bucket) => bucket.ready_at(now, total),
            Kind::Cycle(cycle) => {
                cycle.fits(now, 0);
                cycle.ready_at(now, total)
            }
            Kind::Window(window) => window.ready_at(now, total),
        }
    }

    /// Takes what [`fits`](Self::fits), and returns what [`give_back`](Self::give_back) needs to know.
    #[inline]
    pub(crate) fn take(&mut self, now: Tick, amount: u64) -> u64 {
        match &mut self.kind {
            Kind::Bucket(bucket) => bucket.take(now, amount),
            Kind::Cycle(cycle) => cycle.take(now, amount),
            Kind::Window(window) if amount > self.capacity => window.borrow(now, amount),
            Kind::Window(window) => window.take(now, amount),
        }
    }

    /// Takes what has been used already, whether it fits or not.
    pub(crate) fn charge(&mut self, now: Tick, amount: u64) {
        if amount > 0 {
            match &mut self.kind {
                Kind::Bucket(bucket) => bucket.take(now, amount),
                Kind::Cycle(cycle) => cycle.take(now, amount),
                Kind::Window(window) => window.take(now, amount),
            };
        }
    }

    pub(crate) fn give_back(&mut self, now: Tick, ticket: u64, amount: u64) {
        match &mut self.kind {
            Kind::Bucket(bucket) => bucket.give_back(now, ticket, amount),
            Kind::Cycle(cycle) => cycle.give_back(now, ticket, amount),
            Kind::Window(window) => {
                window.expire(now);
                window.give_back(ticket, amount);
            }
        }
    }

    /// How much can be taken now.
    pub(crate) fn available(&mut self, now: Tick) -> u64 {
        match &mut self.kind {
            Kind::Bucket(bucket) => bucket.available(now),
            Kind::Cycle(cycle) => cycle.available(now),
            Kind::Window(window) => window.available(now),
        }
    }

    /// Whether it is as good as new.
    pub(crate) fn is_idle(&mut self, now: Tick) -> bool {
        match &mut self.kind {
            Kind::Bucket(bucket) => bucket.is_full(now),
            Kind::Cycle(_) | Kind::Window(_) => self.available(now) == self.capacity,
        }
    }
}
