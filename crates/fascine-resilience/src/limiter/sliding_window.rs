use std::collections::VecDeque;

use crate::limiter::tick::Tick;

/// A strict sliding window: what was taken counts until `per` has passed, so no stretch of that length ever holds more
/// than the limit.
///
/// A log of what was taken, in which neighbours closer than a thousandth of the window are one entry that counts from
/// the later of them: at most a thousand and one entries, however much is taken, and never more lenient than the exact
/// log. Taking and expiring are O(1) amortised; saying when something fits looks at each entry once.
#[derive(Clone, Debug)]
pub(crate) struct SlidingWindow {
    limit: u64,
    per: Tick,
    /// How far the first and the last of one entry may be apart.
    grain: Tick,
    entries: VecDeque<Entry>,
    used: u64,
    next_id: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    id: u64,
    /// When the first of it was taken.
    opened: Tick,
    /// When the last of it was taken: it counts until `per` after that.
    taken: Tick,
    amount: u64,
}

impl SlidingWindow {
    pub(crate) fn new(limit: u64, per: Tick) -> Self {
        Self {
            limit,
            per,
            grain: per / GRAINS,
            entries: VecDeque::new(),
            used: 0,
            next_id: 0,
        }
    }

    /// Counts by other numbers from now on; what has been forgotten stays so.
    pub(crate) fn change(&mut self, limit: u64, per: Tick) {
        self.limit = limit;
        self.per = per;
        self.grain = per / GRAINS;
    }

    /// Forgets what no longer counts.
    #[inline]
    pub(crate) fn expire(&mut self, now: Tick) {
        while let Some(entry) = self.entries.front()
            && now.saturating_sub(entry.taken) >= self.per
        {
            self.used -= entry.amount;
            self.entries.pop_front();
        }
    }

    /// Whether `amount` fits, or all is free if it never does.
    #[inline]
    pub(crate) fn fits(&mut self, now: Tick, amount: u64) -> bool {
        let room = self.limit.saturating_sub(self.used);
        if amount <= room {
            return true;
        }
        self.expire(now);
        amount.min(self.limit) <= self.limit.saturating_sub(self.used)
    }

    /// The earliest time, from `now` on, at which the last unit of `total` can be taken if nobody else takes any. More
    /// than the limit takes several windows.
    pub(crate) fn ready_at(&self, now: Tick, total: u64) -> Tick {
        if total == 0 {
            return now;
        }
        let windows = (total - 1) / self.limit;
        let last = total - windows * self.limit;
        let mut used = self.used;
        let mut ready = now;
        for entry in &self.entries {
            if used <= self.limit - last {
                break;
            }
            used -= entry.amount;
            ready = now.max(entry.taken.saturating_add(self.per));
        }
        ready.saturating_add(windows.saturating_mul(self.per))
    }

    /// Takes `amount`, whether it fits or not, and returns what [`give_back`](Self::give_back) needs to know.
    ///
    /// It counts from now on, in one window: see [`borrow`](Self::borrow) for more than one can hold.
    #[inline]
    pub(crate) fn take(&mut self, now: Tick, amount: u64) -> u64 {
        self.expire(now);
        self.log(now, amount)
    }

    /// Takes more than one window holds: it counts until as many windows have passed as it fills.
    pub(crate) fn borrow(&mut self, now: Tick, amount: u64) -> u64 {
        self.expire(now);
        let windows = amount.saturating_sub(1) / self.limit;
        let counts_from = now.saturating_add(windows.saturating_mul(self.per));
        self.log(counts_from, amount)
    }

    #[inline]
    fn log(&mut self, now: Tick, amount: u64) -> u64 {
        let amount = amount.min(u64::MAX - self.used);
        self.used += amount;
        if let Some(last) = self.entries.back_mut()
            && now.saturating_sub(last.opened) < self.grain
        {
            last.taken = last.taken.max(now);
            last.amount += amount;
            return last.id;
        }
        // The clock may have stood behind what was borrowed.
        let taken = self.entries.back().map_or(now, |last| now.max(last.taken));
        let id = self.next_id;
        self.next_id += 1;
        self.entries.push_back(Entry {
            id,
            opened: taken,
            taken,
            amount,
        });
        id
    }

    /// Gives back `amount` of what was taken under `id`, if it still counts.
    pub(crate) fn give_back(&mut self, id: u64, amount: u64) {
        if let Ok(at) = self.entries.binary_search_by_key(&id, |entry| entry.id) {
            let given = amount.min(self.entries[at].amount);
            self.entries[at].amount -= given;
            self.used -= given;
        }
    }

    /// How much is free now.
    pub(crate) fn available(&mut self, now: Tick) -> u64 {
        self.expire(now);
        self.limit.saturating_sub(self.used)
    }
}

const GRAINS: u64 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Tick = 1_000_000_000;
    const MS: Tick = 1_000_000;

    #[test]
    fn what_was_taken_counts_for_exactly_the_length_of_the_window() {
        let mut window = SlidingWindow::new(10, SECOND);
        window.take(0, 10);
        assert!(!window.fits(SECOND - 1, 1));
        assert_eq!(window.ready_at(SECOND - 1, 1), SECOND);
        assert!(window.fits(SECOND, 10));
        assert_eq!(window.ready_at(SECOND, 10), SECOND);
    }

    #[test]
    fn more_than_a_window_holds_takes_as_many_windows_as_it_fills() {
        let mut window = SlidingWindow::new(10, SECOND);
        assert_eq!(window.ready_at(0, 31), 3 * SECOND);
        assert!(window.fits(0, 31));
        window.borrow(0, 31);
        assert!(!window.fits(4 * SECOND - 1, 1));
        assert!(window.fits(4 * SECOND, 10));
    }

    #[test]
    fn no_stretch_ever_holds_more_than_the_limit_and_the_log_stays_small() {
        for seed in 0..20 {
            let mut random = fastrand::Rng::with_seed(seed);
            let (limit, per) = (random.u64(1..50), random.u64(1..2000) * MS);
            let mut window = SlidingWindow::new(limit, per);
            let mut now = 0;
            let mut granted: Vec<(Tick, u64)> = Vec::new();
            for _ in 0..5000 {
                now += random.u64(0..20 * MS);
                let amount = random.u64(1..=limit);
                if window.fits(now, amount) {
                    assert_eq!(window.ready_at(now, amount), now);
                    window.take(now, amount);
                    granted.push((now, amount));
                }
                assert!(window.entries.len() <= 1002, "seed {seed}");
            }
            for (index, (begin, _)) in granted.iter().enumerate() {
                let inside = granted[index..]
                    .iter()
                    .take_while(|(at, _)| at - begin < per);
                let sum: u64 = inside.map(|(_, amount)| amount).sum();
                assert!(sum <= limit, "seed {seed}: {sum} of {limit} in one window");
            }
        }
    }

    #[test]
    fn giving_back_frees_what_still_counts_and_nothing_else() {
        let mut window = SlidingWindow::new(10, SECOND);
        let id = window.take(0, 8);
        window.give_back(id, 5);
        assert_eq!(window.used, 3);
        window.give_back(id, 100);
        assert_eq!(window.used, 0);
        window.take(SECOND / 2, 4);
        window.expire(SECOND + SECOND / 5);
        window.give_back(id, 8);
        assert_eq!(window.used, 4);
    }

    #[test]
    fn amounts_beyond_counting_do_not_overflow() {
        let mut window = SlidingWindow::new(u64::MAX, SECOND);
        window.take(0, u64::MAX);
        window.take(0, u64::MAX);
        window.expire(SECOND);
        assert_eq!(window.used, 0);
        let mut window = SlidingWindow::new(1, u64::MAX);
        window.borrow(5, u64::MAX);
        assert_eq!(window.ready_at(6, u64::MAX), u64::MAX);
    }
}
