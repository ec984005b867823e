use crate::limiter::tick::Tick;

/// A counter that is zero again when a cycle ends.
#[derive(Clone, Debug)]
pub(crate) struct FixedCycle {
    limit: u64,
    per: Tick,
    /// When the cycle began.
    began: Tick,
    used: u64,
    /// How many have begun.
    cycle: u64,
}

impl FixedCycle {
    pub(crate) fn new(limit: u64, per: Tick) -> Self {
        Self {
            limit,
            per,
            began: 0,
            used: 0,
            cycle: 0,
        }
    }

    /// Counts by other numbers from now on, in a cycle that began when the current one did.
    pub(crate) fn change(&mut self, now: Tick, limit: u64, per: Tick) {
        self.turn(now);
        self.limit = limit;
        self.per = per;
    }

    /// Begins the cycle that `now` is in.
    #[inline]
    fn turn(&mut self, now: Tick) {
        let passed = now.saturating_sub(self.began);
        if passed < self.per {
            return;
        }
        let cycles = passed / self.per;
        self.began += cycles * self.per;
        self.cycle += cycles;
        // What was used beyond the limit was borrowed from the cycles that followed.
        self.used = self.used.saturating_sub(cycles.saturating_mul(self.limit));
    }

    /// Whether `amount` fits, or nothing is used if it never does.
    #[inline]
    pub(crate) fn fits(&mut self, now: Tick, amount: u64) -> bool {
        self.turn(now);
        amount.min(self.limit) <= self.limit.saturating_sub(self.used)
    }

    /// The earliest time, from `now` on, at which the last unit of `total` can be taken if nobody else takes any.
    ///
    /// To be asked when `now` is in the current cycle.
    pub(crate) fn ready_at(&self, now: Tick, total: u64) -> Tick {
        let all = u128::from(self.used) + u128::from(total);
        if total == 0 || all <= u128::from(self.limit) {
            return now;
        }
        let cycles = (all - 1) / u128::from(self.limit);
        let cycles = Tick::try_from(cycles).unwrap_or(Tick::MAX);
        let begins = self.began.saturating_add(cycles.saturating_mul(self.per));
        begins.max(now)
    }

    /// Takes `amount`, whether it fits or not, and returns what [`give_back`](Self::give_back) needs to know.
    #[inline]
    pub(crate) fn take(&mut self, now: Tick, amount: u64) -> u64 {
        self.turn(now);
        self.used = self.used.saturating_add(amount);
        self.cycle
    }

    /// Gives back what was taken in that cycle, if it has not ended.
    pub(crate) fn give_back(&mut self, now: Tick, cycle: u64, amount: u64) {
        self.turn(now);
        if cycle == self.cycle {
            self.used = self.used.saturating_sub(amount);
        }
    }

    /// How much is free now.
    pub(crate) fn available(&mut self, now: Tick) -> u64 {
        self.turn(now);
        self.limit.saturating_sub(self.used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_comes_back_at_the_end_of_the_cycle() {
        let mut cycle = FixedCycle::new(5, 100);
        cycle.take(90, 5);
        assert!(!cycle.fits(99, 1));
        assert_eq!(cycle.ready_at(99, 5), 100);
        assert!(cycle.fits(100, 5));
        assert_eq!(cycle.ready_at(100, 11), 300);
    }

    #[test]
    fn what_was_borrowed_is_paid_by_the_cycles_that_follow() {
        let mut cycle = FixedCycle::new(5, 100);
        assert!(cycle.fits(0, 12));
        cycle.take(0, 12);
        assert_eq!(cycle.ready_at(0, 3), 200);
        assert!(!cycle.fits(199, 1));
        assert!(cycle.fits(200, 3));
        assert!(!cycle.fits(200, 4));
    }

    #[test]
    fn only_the_current_cycle_takes_anything_back() {
        let mut cycle = FixedCycle::new(5, 100);
        let first = cycle.take(0, 5);
        cycle.give_back(50, first, 2);
        assert_eq!(cycle.available(50), 2);
        cycle.take(100, 5);
        cycle.give_back(100, first, 3);
        assert_eq!(cycle.available(100), 0);
    }
}
