use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A strict sliding window: what was taken counts until `per` has passed, so no stretch of that length ever holds more
/// than the limit.
///
/// A log of what was taken, in which neighbours closer than a thousandth of the window are one entry that counts from
/// the later of them: at most a thousand entries, and never more lenient than the exact log.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    limit: u64,
    per: Duration,
    entries: VecDeque<Entry>,
    used: u64,
    next_id: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    id: u64,
    /// When the first of it was taken.
    opened: Instant,
    /// When the last of it was taken: it counts until `per` after that.
    taken: Instant,
    amount: u64,
}

impl Window {
    pub(crate) fn new(limit: u64, per: Duration) -> Self {
        Self {
            limit,
            per,
            entries: VecDeque::new(),
            used: 0,
            next_id: 0,
        }
    }

    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    /// Forgets what no longer counts.
    pub(crate) fn expire(&mut self, now: Instant) {
        while let Some(entry) = self.entries.front()
            && now.saturating_duration_since(entry.taken) >= self.per
        {
            self.used -= entry.amount;
            self.entries.pop_front();
        }
    }

    /// The earliest time, from `now` on, at which `amount` fits if nobody else takes any. `None` if it never does.
    pub(crate) fn ready_at(&self, now: Instant, amount: u64) -> Option<Instant> {
        if amount > self.limit {
            return None;
        }
        let mut used = self.used;
        if used.saturating_add(amount) <= self.limit {
            return Some(now);
        }
        for entry in &self.entries {
            used -= entry.amount;
            if used.saturating_add(amount) <= self.limit {
                return entry.taken.checked_add(self.per).map(|free| free.max(now));
            }
        }
        None
    }

    /// Takes `amount`, whether it fits or not, and returns what [`give_back`](Self::give_back) needs to know.
    pub(crate) fn take(&mut self, now: Instant, amount: u64) -> u64 {
        self.used = self.used.saturating_add(amount);
        if let Some(last) = self.entries.back_mut() {
            // Another thread may have read its clock before the last entry was made.
            let now = now.max(last.taken);
            if now.saturating_duration_since(last.opened) < self.per / GRAINS {
                last.taken = now;
                last.amount = last.amount.saturating_add(amount);
                return last.id;
            }
        }
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
}

const GRAINS: u32 = 1000;

#[cfg(test)]
#[expect(
    clippy::disallowed_methods,
    reason = "std offers no other origin for an Instant"
)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_was_taken_counts_for_exactly_the_length_of_the_window() {
        let start = Instant::now();
        let mut window = Window::new(10, ms(1000));
        window.take(start, 10);
        window.expire(start + ms(999));
        assert_eq!(window.ready_at(start + ms(999), 1), Some(start + ms(1000)));
        window.expire(start + ms(1000));
        assert_eq!(
            window.ready_at(start + ms(1000), 10),
            Some(start + ms(1000))
        );
        assert_eq!(window.ready_at(start, 11), None);
    }

    #[test]
    fn no_stretch_ever_holds_more_than_the_limit_and_the_log_stays_small() {
        for seed in 0..20 {
            let mut random = fastrand::Rng::with_seed(seed);
            let (limit, per) = (random.u64(1..50), ms(random.u64(1..2000)));
            let mut window = Window::new(limit, per);
            let mut now = Instant::now();
            let mut granted: Vec<(Instant, u64)> = Vec::new();
            for _ in 0..5000 {
                now += Duration::from_micros(random.u64(0..20_000));
                window.expire(now);
                let amount = random.u64(1..=limit);
                if window.ready_at(now, amount) == Some(now) {
                    window.take(now, amount);
                    granted.push((now, amount));
                }
                assert!(window.entries.len() <= 1001, "seed {seed}");
            }
            for (index, (begin, _)) in granted.iter().enumerate() {
                let inside = granted[index..]
                    .iter()
                    .take_while(|(at, _)| *at - *begin < per);
                let sum: u64 = inside.map(|(_, amount)| amount).sum();
                assert!(sum <= limit, "seed {seed}: {sum} of {limit} in one window");
            }
        }
    }

    #[test]
    fn giving_back_frees_what_still_counts_and_nothing_else() {
        let start = Instant::now();
        let mut window = Window::new(10, ms(1000));
        let id = window.take(start, 8);
        window.give_back(id, 5);
        assert_eq!(window.used, 3);
        window.give_back(id, 100);
        assert_eq!(window.used, 0);
        window.take(start + ms(500), 4);
        window.expire(start + ms(1200));
        window.give_back(id, 8);
        assert_eq!(window.used, 4);
    }

    #[test]
    fn a_clock_read_that_is_late_only_denies_more() {
        let start = Instant::now();
        let mut window = Window::new(1, ms(1000));
        window.take(start + ms(500), 1);
        window.take(start, 1);
        assert_eq!(window.ready_at(start, 1), Some(start + ms(1500)));
    }
}
