use std::collections::VecDeque;

use crate::limiter::tick::Tick;

/// A bucket that fills up evenly: any stretch of time holds at most the burst and what flows in meanwhile.
///
/// What is missing is counted in parts of a unit such that each tick brings `limit` of them and a unit is `per` of
/// them: sums and products of integers, with no division and nothing rounded away on the way to a decision.
#[derive(Clone, Debug)]
pub(crate) struct TokenBucket {
    limit: u64,
    per: Tick,
    burst: u64,
    /// Parts that are missing from a full bucket; more than the burst when something was borrowed.
    missing: u128,
    /// When that was so.
    at: Tick,
    lows: Lows,
}

impl TokenBucket {
    pub(crate) fn new(limit: u64, per: Tick, burst: u64) -> Self {
        Self {
            limit,
            per,
            burst,
            missing: 0,
            at: 0,
            lows: Lows::default(),
        }
    }

    /// Fills at another rate from now on; the units that are missing stay missing.
    pub(crate) fn change(&mut self, now: Tick, limit: u64, per: Tick, burst: u64) {
        self.fill(now);
        if per != self.per {
            let units = self.missing / u128::from(self.per) + 1;
            self.missing = match self.missing {
                0 => 0,
                _ => units.saturating_mul(u128::from(per)),
            };
            // They are counted in parts of another size; nothing is given back of what was taken before.
            self.lows.forget();
        }
        self.limit = limit;
        self.per = per;
        self.burst = burst;
    }

    #[inline]
    fn fill(&mut self, now: Tick) {
        if let Some(passed) = now.checked_sub(self.at) {
            let filled = u128::from(passed) * u128::from(self.limit);
            self.missing = self.missing.saturating_sub(filled);
            self.at = now;
        }
    }

    #[inline]
    fn parts(&self, units: u64) -> u128 {
        u128::from(units) * u128::from(self.per)
    }

    /// Whether `amount` fits, or the bucket is full if it never does.
    #[inline]
    pub(crate) fn fits(&mut self, now: Tick, amount: u64) -> bool {
        self.fill(now);
        let room = self.parts(self.burst).saturating_sub(self.missing);
        self.parts(amount.min(self.burst)) <= room
    }

    /// The earliest time, from `now` on, at which the last unit of `total` can be taken if nobody else takes any.
    pub(crate) fn ready_at(&self, now: Tick, total: u64) -> Tick {
        let passed = u128::from(now.saturating_sub(self.at)) * u128::from(self.limit);
        let missing = self.missing.saturating_sub(passed);
        let (full, wanted) = (self.parts(self.burst), self.parts(total));
        // In this order no sum is cut off at what can be counted, which would make a long wait a short one.
        let over = match missing.checked_sub(full) {
            Some(borrowed) => borrowed.saturating_add(wanted),
            None => wanted.saturating_sub(full - missing),
        };
        let wait = over.div_ceil(u128::from(self.limit));
        now.saturating_add(Tick::try_from(wait).unwrap_or(Tick::MAX))
    }

    /// Takes `amount`, whether it fits or not, and returns what [`give_back`](Self::give_back) needs to know.
    #[inline]
    pub(crate) fn take(&mut self, now: Tick, amount: u64) -> u64 {
        self.fill(now);
        let taken = self.lows.before_taking(self.missing);
        self.missing = self.missing.saturating_add(self.parts(amount));
        taken
    }

    /// Gives back as much of `amount` as would be in the bucket if it had never been taken.
    ///
    /// A bucket that has been full since has given it back already: what came back twice would let more than the burst
    /// pass.
    pub(crate) fn give_back(&mut self, now: Tick, taken: u64, amount: u64) {
        self.fill(now);
        let lowest = self.lows.since(taken).min(self.missing);
        let given = self.parts(amount).min(lowest);
        self.missing -= given;
        self.lows.lower_by(given);
    }

    /// How much is free now.
    pub(crate) fn available(&mut self, now: Tick) -> u64 {
        self.fill(now);
        let room = self.parts(self.burst).saturating_sub(self.missing);
        u64::try_from(room / u128::from(self.per)).unwrap_or(u64::MAX)
    }

    pub(crate) fn is_full(&mut self, now: Tick) -> bool {
        self.fill(now);
        self.missing == 0
    }
}

/// The least that was missing since each of the takes.
///
/// A take that is undone lowers what is missing only until the bucket would have overflowed without it: by no more than
/// the least that has been missing since. Kept are the lows that no later low undercuts: ever higher, the later; when
/// there are too many, neighbours become one that is as low as the lower and as late as the later.
#[derive(Clone, Debug, Default)]
struct Lows {
    /// The number of the take before which the low was, and what was missing.
    lows: VecDeque<(u64, u128)>,
    takes: u64,
}

impl Lows {
    /// Counts a take, and returns its number.
    #[inline]
    fn before_taking(&mut self, missing: u128) -> u64 {
        while let Some((_, low)) = self.lows.back()
            && *low >= missing
        {
            self.lows.pop_back();
        }
        if self.lows.len() == KEPT {
            self.merge();
        }
        self.takes += 1;
        self.lows.push_back((self.takes, missing));
        self.takes
    }

    /// Halves what is kept: who took in between is given back less.
    #[cold]
    fn merge(&mut self) {
        for pair in 0..KEPT / 2 {
            let (take, _) = self.lows[2 * pair + 1];
            let (_, low) = self.lows[2 * pair];
            self.lows[pair] = (take, low);
        }
        self.lows.truncate(KEPT / 2);
    }

    /// The least that was missing after the take of that number and before the last one.
    fn since(&self, taken: u64) -> u128 {
        let later = self.lows.partition_point(|(take, _)| *take <= taken);
        self.lows.get(later).map_or(u128::MAX, |(_, low)| *low)
    }

    fn lower_by(&mut self, parts: u128) {
        for (_, low) in &mut self.lows {
            *low = low.saturating_sub(parts);
        }
    }

    fn forget(&mut self) {
        self.lows.clear();
        self.takes += 1;
        self.lows.push_back((self.takes, 0));
    }
}

const KEPT: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Tick = 1_000_000_000;

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let mut bucket = TokenBucket::new(10, SECOND, 3);
        bucket.take(0, 3);
        assert!(!bucket.fits(SECOND / 10 - 1, 1));
        assert!(bucket.fits(SECOND / 10, 1));
        assert_eq!(bucket.ready_at(SECOND / 10, 3), 3 * SECOND / 10);
    }

    #[test]
    fn rates_that_do_not_divide_a_second_do_not_drift() {
        let mut bucket = TokenBucket::new(7, SECOND, 2);
        let mut now = 0;
        for _ in 0..700_000 {
            now = bucket.ready_at(now, 1);
            bucket.take(now, 1);
        }
        // Two pass at once, and then seven in each of a hundred thousand seconds, but for the tick of the last.
        let last = 100_000 * SECOND - 2 * SECOND / 7;
        assert!(now.abs_diff(last) <= 1, "{now}");
    }

    #[test]
    fn what_has_flowed_in_since_is_not_given_back_again() {
        let mut bucket = TokenBucket::new(10, SECOND, 10);
        let first = bucket.take(0, 10);
        bucket.take(SECOND, 10);
        bucket.give_back(SECOND, first, 10);
        assert_eq!(bucket.available(SECOND), 0);
    }

    #[test]
    fn what_was_never_taken_is_as_if_it_had_never_been() {
        for seed in 0..200 {
            let mut random = fastrand::Rng::with_seed(seed);
            let (limit, burst) = (random.u64(1..20), random.u64(1..20));
            let mut with = TokenBucket::new(limit, SECOND, burst);
            let mut without = TokenBucket::new(limit, SECOND, burst);
            let mut now = 0;
            let undone = with.take(now, 3);
            for _ in 0..random.usize(0..40) {
                now += random.u64(0..SECOND / limit);
                let amount = random.u64(1..4);
                if with.fits(now, amount) {
                    with.take(now, amount);
                    without.take(now, amount);
                }
            }
            with.give_back(now, undone, 3);
            without.fill(now);
            // Never more lenient, and exact as long as the lows are.
            assert!(with.missing >= without.missing, "seed {seed}");
            if with.lows.takes < 30 {
                assert_eq!(with.missing, without.missing, "seed {seed}");
            }
        }
    }

    #[test]
    fn a_change_of_rate_keeps_what_is_missing() {
        let mut bucket = TokenBucket::new(10, SECOND, 10);
        bucket.take(0, 10);
        bucket.change(0, 10, 2 * SECOND, 10);
        assert!(!bucket.fits(SECOND / 5 - 1, 1));
        assert!(bucket.fits(2 * SECOND / 5, 1));
    }

    #[test]
    fn amounts_beyond_counting_do_not_overflow() {
        let mut bucket = TokenBucket::new(u64::MAX, Tick::MAX, u64::MAX);
        bucket.take(0, u64::MAX);
        let second = bucket.take(0, u64::MAX);
        assert!(!bucket.fits(1, u64::MAX));
        // Two buckets of the largest size fill up in twice the time there is.
        assert_eq!(bucket.ready_at(1, u64::MAX), Tick::MAX);
        bucket.give_back(1, second, u64::MAX);
        assert_eq!(
            TokenBucket::new(1, Tick::MAX, 1).ready_at(7, u64::MAX),
            Tick::MAX
        );
    }
}
