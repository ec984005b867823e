use std::time::Duration;

/// How long to wait before each retry.
///
/// The delay never exceeds the maximum, jitter included.
///
/// # Defaults
///
/// - factor 2
/// - maximum 60 s
/// - [`Jitter::Full`]
/// - a seed from the process's own randomness
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    base: Duration,
    factor: f64,
    max: Duration,
    jitter: Jitter,
    seed: u64,
}

/// How delays are spread, so that callers that failed together do not come back together.
///
/// After "Exponential Backoff And Jitter", Marc Brooker, AWS Architecture Blog, 2015.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Jitter {
    /// Anywhere between half the delay and the whole of it.
    Equal,
    /// Anywhere between nothing and the whole delay.
    Full,
    /// The delay itself.
    None,
}

impl Backoff {
    /// Delays that grow by the same factor each time, beginning with `base`.
    #[must_use]
    pub fn exponential(base: Duration) -> Self {
        Self {
            base,
            factor: 2.0,
            max: Duration::from_secs(60),
            jitter: Jitter::Full,
            seed: fastrand::u64(..),
        }
    }

    /// Delays that are all the same.
    #[must_use]
    pub fn constant(delay: Duration) -> Self {
        Self::exponential(delay).with_factor(1.0).with_max(delay)
    }

    /// Sets what each delay is multiplied by to give the next; less than 1, or not a number, counts as 1.
    #[must_use]
    pub fn with_factor(mut self, factor: f64) -> Self {
        self.factor = if factor >= 1.0 { factor } else { 1.0 };
        self
    }

    /// Sets what no delay exceeds.
    #[must_use]
    pub const fn with_max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    /// Sets how delays are spread.
    #[must_use]
    pub const fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets where the jitter comes from: the same seed gives the same delays.
    #[must_use]
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The delays of one call: the first item is the wait before the first retry. It never ends.
    ///
    /// Different values of `call` give independent jitter.
    #[must_use]
    pub fn delays(&self, call: u64) -> Delays {
        let seed = self.seed ^ call.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Delays {
            backoff: *self,
            retry: 0,
            random: fastrand::Rng::with_seed(seed),
        }
    }
}

/// The delays of one call, made by [`Backoff::delays`].
#[derive(Clone, Debug)]
pub struct Delays {
    backoff: Backoff,
    retry: i32,
    random: fastrand::Rng,
}

impl Iterator for Delays {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let Backoff {
            base,
            factor,
            max,
            jitter,
            ..
        } = self.backoff;
        // Far out this is infinite, or not a number for a base of zero: `min` takes the maximum for both.
        let seconds = (base.as_secs_f64() * factor.powi(self.retry)).min(max.as_secs_f64());
        self.retry = self.retry.saturating_add(1);
        let spread = match jitter {
            Jitter::Equal => 0.5 + 0.5 * self.random.f64(),
            Jitter::Full => self.random.f64(),
            Jitter::None => 1.0,
        };
        let delay = if base.is_zero() {
            0.0
        } else {
            seconds * spread
        };
        // The maximum may be too large for the conversion, and rounding may have passed it.
        Some(Duration::try_from_secs_f64(delay).unwrap_or(max).min(max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_jitter_delays_double_up_to_the_maximum() {
        let backoff = Backoff::exponential(Duration::from_millis(100))
            .with_max(Duration::from_secs(1))
            .with_jitter(Jitter::None);
        let delays: Vec<_> = backoff
            .delays(0)
            .take(6)
            .map(|delay| delay.as_millis())
            .collect();
        assert_eq!(delays, [100, 200, 400, 800, 1000, 1000]);
    }

    #[test]
    fn no_delay_exceeds_the_maximum_with_any_jitter_however_long_it_goes_on() {
        for (seed, jitter) in [Jitter::Equal, Jitter::Full, Jitter::None]
            .into_iter()
            .enumerate()
        {
            for base in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
                for max in [Duration::ZERO, Duration::from_secs(3), Duration::MAX] {
                    let backoff = Backoff::exponential(base)
                        .with_factor(1e9)
                        .with_max(max)
                        .with_jitter(jitter)
                        .with_seed(seed as u64);
                    let mut delays = backoff.delays(1);
                    delays.retry = i32::MAX - 5;
                    assert!(delays.take(10).all(|delay| delay <= max));
                    assert!(backoff.delays(2).take(100).all(|delay| delay <= max));
                }
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_delays_and_another_call_gives_others() {
        let backoff = Backoff::exponential(Duration::from_secs(1)).with_seed(7);
        let take = |call| backoff.delays(call).take(5).collect::<Vec<_>>();
        assert_eq!(take(1), take(1));
        assert_ne!(take(1), take(2));
    }

    #[test]
    fn a_factor_that_makes_no_sense_counts_as_one() {
        for factor in [f64::NAN, -3.0, 0.0, 0.5] {
            let backoff = Backoff::exponential(Duration::from_secs(1))
                .with_factor(factor)
                .with_jitter(Jitter::None);
            assert!(
                backoff
                    .delays(0)
                    .take(4)
                    .all(|delay| delay == Duration::from_secs(1))
            );
        }
    }
}
