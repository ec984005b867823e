use std::num::NonZeroU64;
use std::time::Duration;

/// A time after the start of a run, or between two of them, in half the room of a [`Duration`]: nanoseconds, up to
/// those of five hundred years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// One more than there are, so that an `Option` takes no room.
    nanos: NonZeroU64,
}

impl Moment {
    pub(crate) const ZERO: Self = Self {
        nanos: NonZeroU64::MIN,
    };

    pub(crate) fn after(start: Duration) -> Self {
        let nanos = u64::try_from(start.as_nanos()).unwrap_or(u64::MAX);
        Self {
            nanos: NonZeroU64::MIN.saturating_add(nanos),
        }
    }

    pub(crate) fn duration(self) -> Duration {
        Duration::from_nanos(self.nanos.get() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_in_five_hundred_years() {
        let years = Duration::from_secs(500 * 366 * 24 * 3600);
        for time in [Duration::ZERO, Duration::from_nanos(1), years] {
            assert_eq!(Moment::after(time).duration(), time);
        }
        assert!(Moment::after(Duration::MAX).duration() > years);
        assert_eq!(size_of::<Option<Moment>>(), 8);
    }
}
