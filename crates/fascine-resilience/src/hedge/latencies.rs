use std::fmt;
use std::time::{Duration, Instant};

/// How long calls took lately, in classes: exact up to 16 µs, and at most an eighth wide above.
///
/// Two generations are kept, as in tower's rotating histogram, and the older one is dropped when the younger is as old
/// as the memory goes.
pub(super) struct Latencies {
    young: Box<[u32; CLASSES]>,
    old: Box<[u32; CLASSES]>,
    since: Instant,
    memory: Duration,
}

impl Latencies {
    pub(super) fn new(now: Instant, memory: Duration) -> Self {
        Self {
            young: Box::new([0; CLASSES]),
            old: Box::new([0; CLASSES]),
            since: now,
            memory,
        }
    }

    /// Forgets what is too old; a `now` that goes back forgets nothing.
    pub(super) fn expire(&mut self, now: Instant) {
        let age = now.saturating_duration_since(self.since);
        if age < self.memory {
            return;
        }
        std::mem::swap(&mut self.young, &mut self.old);
        self.young.fill(0);
        if age / 2 >= self.memory {
            self.old.fill(0);
        }
        self.since = now;
    }

    pub(super) fn record(&mut self, latency: Duration) {
        let count = &mut self.young[class_of(latency)];
        *count = count.saturating_add(1);
    }

    pub(super) fn count(&self) -> u64 {
        self.counts().sum()
    }

    /// A time within which so many percent of the calls ended; `None` if there were none.
    pub(super) fn percentile(&self, percent: u8) -> Option<Duration> {
        let wanted = (self.count() * u64::from(percent)).div_ceil(100);
        let mut seen = 0;
        let class = self.counts().position(|count| {
            seen += count;
            count > 0 && seen >= wanted
        });
        class.map(upper_end)
    }

    fn counts(&self) -> impl Iterator<Item = u64> {
        let both = self.young.iter().zip(self.old.iter());
        both.map(|(young, old)| u64::from(*young) + u64::from(*old))
    }
}

impl fmt::Debug for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latencies")
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

/// Microseconds below 16 have a class each; every power of two above has eight.
fn class_of(latency: Duration) -> usize {
    let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
    if micros < 16 {
        return usize::from(micros as u8);
    }
    let power = micros.ilog2();
    let eighth = (micros >> (power - 3)) & 7;
    let class = 16 + (power - 4) * 8 + eighth as u32;
    (class as usize).min(CLASSES - 1)
}

/// The smallest time that is longer than all of a class.
fn upper_end(class: usize) -> Duration {
    if class < 16 {
        return Duration::from_micros(class as u64 + 1);
    }
    let (power, eighth) = ((class - 16) / 8 + 4, (class - 16) % 8);
    Duration::from_micros((8 + eighth as u64 + 1) << (power - 3))
}

/// Up to 2⁴⁰ µs, twelve days.
const CLASSES: usize = 16 + (40 - 4) * 8;

#[cfg(test)]
mod tests {
    use fascine_testing::TestRuntime;

    use super::*;

    #[test]
    fn every_latency_is_below_the_end_of_its_class_and_no_eighth_further() {
        let mut micros = 1_u64;
        while micros < 1 << 40 {
            let end = upper_end(class_of(Duration::from_micros(micros)));
            let end = u64::try_from(end.as_micros()).unwrap();
            assert!(
                micros < end && end <= micros + micros / 8 + 1,
                "{micros} {end}"
            );
            micros += micros / 7 + 1;
        }
        assert_eq!(class_of(Duration::MAX), CLASSES - 1);
    }

    #[test]
    fn what_is_old_is_forgotten_and_a_clock_that_goes_back_is_not_believed() {
        let (start, memory) = (TestRuntime::new().rt().now(), Duration::from_secs(10));
        let mut latencies = Latencies::new(start, memory);
        latencies.record(Duration::from_micros(5));
        latencies.expire(start + memory);
        assert_eq!(latencies.percentile(99), Some(Duration::from_micros(6)));
        latencies.expire(start);
        assert_eq!(latencies.count(), 1);
        latencies.expire(start + 2 * memory);
        assert_eq!((latencies.count(), latencies.percentile(50)), (0, None));
        latencies.record(Duration::ZERO);
        latencies.expire(start + 9 * memory);
        assert_eq!(latencies.count(), 0);
    }
}
