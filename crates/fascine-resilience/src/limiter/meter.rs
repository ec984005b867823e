use crate::limiter::credit::FIELD_MAX;
use crate::limiter::fixed_cycle::FixedCycle;
use crate::limiter::quota::{Quota, Strategy};
use crate::limiter::sliding_window::SlidingWindow;
use crate::limiter::tick::{Tick, nanos};
use crate::limiter::token_bucket::TokenBucket;

/// What counts for one quota.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    capacity: u64,
    /// What may be spent of it without a look at the clock.
    share: u64,
    /// How much of that is lent.
    lent: u64,
    /// How often the strategy was changed: the tickets of one mean nothing to another.
    changes: u16,
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
            share: share(quota.capacity()),
            lent: 0,
            changes: 0,
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
                self.kind = Self::new(quota).kind;
                self.changes = self.changes.wrapping_add(1);
                self.charge(now, used);
            }
        }
        self.capacity = quota.capacity();
        self.share = share(self.capacity);
    }

    /// Lends as much as may be spent without a look at the clock: it counts as used until it is taken back.
    #[inline]
    pub(crate) fn lend(&mut self, now: Tick) -> u64 {
        if self.share > 0 && self.fits(now, self.share) {
            self.lent = self.share;
        }
        self.lent
    }

    /// Takes back what was lent, of which so much is left; the rest was spent by now, and counts from now on.
    #[inline]
    pub(crate) fn take_back(&mut self, now: Tick, left: u64) {
        let spent = self.lent - left;
        self.lent = 0;
        self.charge(now, spent);
    }

    /// Whether `amount` can be taken; if it is more than there can be, whether nothing is taken.
    #[inline]
    pub(crate) fn fits(&mut self, now: Tick, amount: u64) -> bool {
        let amount = amount.saturating_add(self.lent);
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
        self.foresee(now, amount.saturating_add(self.lent))
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
        let ticket = match &mut self.kind {
            Kind::Bucket(bucket) => bucket.take(now, amount),
            Kind::Cycle(cycle) => cycle.take(now, amount),
            Kind::Window(window) if amount > self.capacity => window.borrow(now, amount),
            Kind::Window(window) => window.take(now, amount),
        };
        ticket & TICKET | u64::from(self.changes) << TICKET.count_ones()
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
        if ticket >> TICKET.count_ones() != u64::from(self.changes) {
            return;
        }
        let ticket = ticket & TICKET;
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

/// A thousandth of what there can be. So much at most counts later than it was used.
fn share(capacity: u64) -> u64 {
    (capacity / 1000).min(FIELD_MAX)
}

/// The part of a ticket that is the strategy's own.
const TICKET: u64 = (1 << 48) - 1;
