use std::collections::BTreeMap;
use std::task::Waker;
use std::time::{Duration, Instant};

/// A clock that moves only when it is told to, and its timers in the order of their deadlines.
pub(crate) struct Clock {
    base: Instant,
    elapsed: Duration,
    timers: BTreeMap<TimerKey, Waker>,
    next_id: u64,
}

/// A deadline, and a number that keeps timers with equal deadlines apart and in order.
pub(crate) type TimerKey = (Instant, u64);

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "std offers no other origin for an Instant"
    )]
    pub(crate) fn new() -> Self {
        Self {
            base: Instant::now(),
            elapsed: Duration::ZERO,
            timers: BTreeMap::new(),
            next_id: 0,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.base + self.elapsed
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.elapsed
    }

    /// Arms a timer, or gives an armed one a new waker; returns the waker it replaced.
    pub(crate) fn arm(
        &mut self,
        key: &mut Option<TimerKey>,
        deadline: Instant,
        waker: &Waker,
    ) -> Option<Waker> {
        let key = *key.get_or_insert_with(|| {
            self.next_id += 1;
            (deadline, self.next_id)
        });
        self.timers.insert(key, waker.clone())
    }

    pub(crate) fn disarm(&mut self, key: TimerKey) -> Option<Waker> {
        self.timers.remove(&key)
    }

    /// Moves on to the earliest timer and returns the wakers of all that are due by then, in order.
    pub(crate) fn jump(&mut self) -> Vec<Waker> {
        let Some((&(deadline, _), _)) = self.timers.first_key_value() else {
            return Vec::new();
        };
        self.elapsed = self
            .elapsed
            .max(deadline.saturating_duration_since(self.base));
        let later = self.timers.split_off(&(deadline, u64::MAX));
        std::mem::replace(&mut self.timers, later)
            .into_values()
            .collect()
    }
}
