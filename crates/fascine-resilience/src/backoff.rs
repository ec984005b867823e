use std::time::Duration;

/// How long to wait before each retry.
///
/// The delay never exceeds the maximum, jitter included.
///
/// # Defaults
///
/// - factor 2, where delays are multiplied
/// - maximum 60 s
/// - [`Jitter::Full`]
/// - a seed from the process's own randomness
///
/// # Examples
///
/// ```
/// use fascine_resilience::{Backoff, Jitter};
/// use std::time::Duration;
///
/// let backoff = Backoff::fibonacci(Duration::from_secs(1))
///     .with_max(Duration::from_secs(6))
///     .with_jitter(Jitter::None);
/// let delays: Vec<u64> = backoff.delays(0).take(6).map(|delay| delay.as_secs()).collect();
/// assert_eq!(delays, [1, 1, 2, 3, 5, 6]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    base: Duration,
    growth: Growth,
    max: Duration,
    jitter: Jitter,
    seed: u64,
}

#[derive(Clone, Copy, Debug)]
enum Growth {
    Exponential(f64),
    Fibonacci,
    Linear,
}

/// How delays are spread, so that callers that failed together do not come back together.
///
/// After "Exponential Backoff And Jitter", Marc Brooker, AWS Architecture Blog, 2015.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Jitter {
    /// Anywhere between the first delay and three times the last one: it grows by chance, whatever the growth.
    Decorrelated,
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
        Self::growing(base, Growth::Exponential(2.0))
    }

    /// Delays that are all the same.
    #[must_use]
    pub fn constant(delay: Duration) -> Self {
        Self::growing(delay, Growth::Exponential(1.0)).with_max(delay)
    }

    /// Delays that are the sum of the two before: `base`, `base`, twice that, three times, five times.
    #[must_use]
    pub fn fibonacci(base: Duration) -> Self {
        Self::growing(base, Growth::Fibonacci)
    }

    /// Delays that grow by `base` each time: `base`, twice that, three times that.
    #[must_use]
    pub fn linear(base: Duration) -> Self {
        Self::growing(base, Growth::Linear)
    }

    fn growing(base: Duration, growth: Growth) -> Self {
        Self {
            base,
            growth,
            max: Duration::from_secs(60),
            jitter: Jitter::Full,
            seed: fastrand::u64(..),
        }
    }

    /// Sets what each delay is multiplied by to give the next; less than 1, or not a number, counts as 1.
    ///
    /// It changes nothing where delays are not multiplied: [`linear`](Self::linear), [`fibonacci`](Self::fibonacci).
    #[must_use]
    pub fn with_factor(mut self, factor: f64) -> Self {
        if let Growth::Exponential(by) = &mut self.growth {
            *by = if factor >= 1.0 { factor } else { 1.0 };
        }
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
        let base = self.base.as_secs_f64();
        Delays {
            backoff: *self,
            next: base,
            after: base,
            last: base,
            random: fastrand::Rng::with_seed(seed),
        }
    }
}

/// The delays of one call, made by [`Backoff::delays`].
#[derive(Clone, Debug)]
pub struct Delays {
    backoff: Backoff,
    /// The next delay without jitter and maximum, in seconds; far out it is infinite.
    next: f64,
    /// The one after it, which Fibonacci's needs.
    after: f64,
    /// The last one that was given out, in seconds.
    last: f64,
    random: fastrand::Rng,
}

impl Iterator for Delays {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let max = self.backoff.max;
        let base = self.backoff.base.as_secs_f64();
        let whole = self.next.min(max.as_secs_f64());
        match self.backoff.growth {
            // Nothing times infinity is no number: a base of zero stays zero.
            Growth::Exponential(factor) if self.next > 0.0 => self.next *= factor,
            Growth::Exponential(_) => {}
            Growth::Fibonacci => (self.next, self.after) = (self.after, self.next + self.after),
            Growth::Linear => self.next += base,
        }
        let delay = match self.backoff.jitter {
            Jitter::Decorrelated => {
                let spread = (3.0 * self.last - base).max(0.0);
                (base + spread * self.random.f64()).min(max.as_secs_f64())
            }
            Jitter::Equal => whole * (0.5 + 0.5 * self.random.f64()),
            Jitter::Full => whole * self.random.f64(),
            Jitter::None => whole,
        };
        self.last = delay;
        // The maximum may be too large for the conversion, and rounding may have passed it.
        Some(Duration::try_from_secs_f64(delay).unwrap_or(max).min(max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_delay_exceeds_the_maximum_however_long_it_goes_on() {
        let bases = [Duration::ZERO, Duration::from_nanos(1), Duration::MAX];
        let makers = [
            Backoff::exponential,
            Backoff::fibonacci,
            Backoff::linear,
            Backoff::constant,
        ];
        for (jitter, make) in [
            Jitter::Decorrelated,
            Jitter::Equal,
            Jitter::Full,
            Jitter::None,
        ]
        .into_iter()
        .flat_map(|jitter| makers.map(|make| (jitter, make)))
        {
            for (base, max) in bases
                .into_iter()
                .flat_map(|base| bases.map(|max| (base, max)))
            {
                let backoff = make(base)
                    .with_factor(f64::INFINITY)
                    .with_max(max)
                    .with_jitter(jitter);
                assert!(backoff.delays(1).take(3000).all(|delay| delay <= max));
            }
        }
    }
}
