use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fascine_rt::Rt;

use super::latencies::Latencies;

/// How long a [`Hedge`](crate::Hedge) waits before it begins another call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HedgeDelay {
    /// Always so long; with zero all calls are begun together.
    Fixed(Duration),
    /// As long as so many percent of the calls took lately: see [`percentile`](Self::percentile).
    #[non_exhaustive]
    Percentile {
        /// From 1 to 99.
        percent: u8,
        /// How many calls must have been seen; there is no hedging before.
        after_calls: u32,
        /// How long what was seen counts: between once and twice this.
        memory: Duration,
    },
}

/// A percentile is a number from 1 to 99.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{percent} is no percentile: it must be from 1 to 99")]
pub struct PercentileError {
    percent: u8,
}

impl HedgeDelay {
    /// Waits as long as `percent` percent of the calls took, in the last 30 to 60 seconds, once 20 were seen.
    ///
    /// The latencies are counted in classes that are at most an eighth wide, and the delay is a class's upper end.
    ///
    /// # Errors
    ///
    /// [`PercentileError`] if `percent` is not from 1 to 99.
    pub const fn percentile(percent: u8) -> Result<Self, PercentileError> {
        if percent < 1 || percent > 99 {
            return Err(PercentileError { percent });
        }
        Ok(Self::Percentile {
            percent,
            after_calls: 20,
            memory: Duration::from_secs(30),
        })
    }
}

/// The delay, and what has been learned for it.
#[derive(Clone, Debug)]
pub(super) enum Delay {
    Fixed(Duration),
    Learned(Arc<Learned>),
}

#[derive(Debug)]
pub(super) struct Learned {
    percent: u8,
    after_calls: u32,
    latencies: Mutex<Option<Latencies>>,
    memory: Duration,
}

impl Delay {
    pub(super) fn new(delay: HedgeDelay) -> Self {
        match delay {
            HedgeDelay::Fixed(delay) => Self::Fixed(delay),
            HedgeDelay::Percentile {
                percent,
                after_calls,
                memory,
            } => Self::Learned(Arc::new(Learned {
                percent,
                after_calls,
                latencies: Mutex::new(None),
                memory,
            })),
        }
    }

    /// The delay as of now, or `None` while too little is known.
    pub(super) fn now(&self, rt: &Rt) -> Option<Duration> {
        match self {
            Self::Fixed(delay) => Some(*delay),
            Self::Learned(learned) => learned.delay(rt.now()),
        }
    }

    /// Begins to time a call; reads the clock only if that teaches something.
    pub(super) fn watch<'a>(&'a self, rt: &'a Rt) -> Watch<'a> {
        match self {
            Self::Fixed(_) => Watch(None),
            Self::Learned(learned) => Watch(Some((learned, rt, rt.now()))),
        }
    }
}

impl Learned {
    fn delay(&self, now: Instant) -> Option<Duration> {
        let mut latencies = self
            .latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let latencies = latencies.as_mut()?;
        latencies.expire(now);
        if latencies.count() < u64::from(self.after_calls) {
            return None;
        }
        latencies.percentile(self.percent)
    }

    fn record(&self, now: Instant, latency: Duration) {
        let mut latencies = self
            .latencies
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let latencies = latencies.get_or_insert_with(|| Latencies::new(now, self.memory));
        latencies.expire(now);
        latencies.record(latency);
    }
}

/// A call that is being timed.
pub(super) struct Watch<'a>(Option<(&'a Learned, &'a Rt, Instant)>);

impl Watch<'_> {
    pub(super) fn record(self) {
        if let Some((learned, rt, started)) = self.0 {
            let now = rt.now();
            learned.record(now, now.saturating_duration_since(started));
        }
    }
}
