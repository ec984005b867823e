use std::time::{Duration, Instant};

/// Nanoseconds since a limiter was made: half the work of comparing two `Instant`s, and five centuries long.
pub(crate) type Tick = u64;

/// Where the ticks of a limiter begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Epoch(pub(crate) Instant);

impl Epoch {
    /// The tick that has begun at `at`; the first if it is before the epoch.
    #[inline]
    pub(crate) fn tick(self, at: Instant) -> Tick {
        nanos(at.saturating_duration_since(self.0))
    }

    /// The time of a tick; the last ticks are further away than a clock can count and mean *a century from now on*.
    pub(crate) fn instant(self, tick: Tick) -> Instant {
        let far = || self.0 + FAR;
        if tick == Tick::MAX {
            return far();
        }
        let after = Duration::from_nanos(tick);
        self.0.checked_add(after).unwrap_or_else(far)
    }
}

/// A length in ticks, at least one unless it is zero.
#[inline]
pub(crate) fn nanos(length: Duration) -> Tick {
    let seconds = length.as_secs().checked_mul(1_000_000_000);
    seconds
        .and_then(|nanos| nanos.checked_add(u64::from(length.subsec_nanos())))
        .unwrap_or(Tick::MAX)
}

const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
