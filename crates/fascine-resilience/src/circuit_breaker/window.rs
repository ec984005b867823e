use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::settings::{Over, Settings, Slow};
use crate::ChangeCause;

/// What is remembered of the calls of a closed circuit, and when it is too much.
#[derive(Debug)]
pub(super) enum Window {
    /// How many failures in a row.
    Consecutive { failures: u32 },
    /// The last calls, two bits each.
    Calls {
        capacity: usize,
        calls: VecDeque<Call>,
        sums: Sums,
    },
    /// The calls of the last so long, in slices of time.
    Time {
        slice: Duration,
        origin: Option<Instant>,
        slices: VecDeque<(u128, Sums)>,
        sums: Sums,
    },
}

/// One call that was not excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) failed: bool,
    pub(super) slow: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    calls: u64,
    failed: u64,
    slow: u64,
}

impl Window {
    pub(super) fn new(settings: &Settings) -> Self {
        match settings.over {
            None => Self::Consecutive { failures: 0 },
            Some(Over::Calls(capacity)) => Self::Calls {
                capacity: capacity as usize,
                calls: VecDeque::new(),
                sums: Sums::default(),
            },
            Some(Over::Time(time)) => Self::Time {
                slice: time / SLICES,
                origin: None,
                slices: VecDeque::new(),
                sums: Sums::default(),
            },
        }
    }

    /// How many successes in a row make a difference before the next failure; none may be left out of a window of
    /// time, which has to know when they were.
    pub(super) fn counted_successes(settings: &Settings) -> u64 {
        match settings.over {
            None => 1,
            Some(Over::Calls(calls)) => u64::from(calls),
            Some(Over::Time(_)) => 0,
        }
    }

    /// Adds successes that nobody had to hear of when they were.
    pub(super) fn add_successes(&mut self, count: u64, now: Instant) {
        match self {
            Self::Consecutive { failures } if count > 0 => *failures = 0,
            _ => {
                for _ in 0..count {
                    self.add(
                        Call {
                            failed: false,
                            slow: false,
                        },
                        now,
                    );
                }
            }
        }
    }

    pub(super) fn add(&mut self, call: Call, now: Instant) {
        match self {
            Self::Consecutive { failures } => {
                *failures = match call.failed {
                    true => failures.saturating_add(1),
                    false => 0,
                }
            }
            Self::Calls {
                capacity,
                calls,
                sums,
            } => {
                if calls.len() == *capacity
                    && let Some(oldest) = calls.pop_front()
                {
                    sums.remove(&Sums::of(oldest));
                }
                calls.push_back(call);
                sums.add(&Sums::of(call));
            }
            Self::Time {
                slice,
                origin,
                slices,
                sums,
            } => {
                let origin = *origin.get_or_insert(now);
                let passed = now.saturating_duration_since(origin);
                let current = passed.as_nanos() / slice.as_nanos().max(1);
                // Another thread may have read a later clock: time does not go back.
                let current = slices
                    .back()
                    .map_or(current, |(last, _)| current.max(*last));
                while let Some((at, old)) = slices.front()
                    && current - at >= u128::from(SLICES)
                {
                    sums.remove(old);
                    slices.pop_front();
                }
                let added = Sums::of(call);
                sums.add(&added);
                match slices.back_mut() {
                    Some((at, last)) if *at == current => last.add(&added),
                    _ => slices.push_back((current, added)),
                }
            }
        }
    }

    /// Why the circuit has to open, if it has to.
    pub(super) fn trips(&self, settings: &Settings) -> Option<ChangeCause> {
        let sums = match self {
            Self::Consecutive { failures } => {
                return (*failures >= settings.consecutive_failures)
                    .then_some(ChangeCause::Failures);
            }
            Self::Calls { sums, .. } | Self::Time { sums, .. } => sums,
        };
        if sums.calls < u64::from(settings.minimum_calls) {
            return None;
        }
        let reaches = |part: u64, rate: f64| part as f64 >= rate * sums.calls as f64;
        if settings
            .failure_rate
            .is_some_and(|rate| reaches(sums.failed, rate))
        {
            return Some(ChangeCause::Failures);
        }
        match settings.slow {
            Some(Slow { rate, .. }) if reaches(sums.slow, rate) => Some(ChangeCause::SlowCalls),
            _ => None,
        }
    }
}

impl Sums {
    fn of(call: Call) -> Self {
        Self {
            calls: 1,
            failed: call.failed.into(),
            slow: call.slow.into(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.failed += other.failed;
        self.slow += other.slow;
    }

    fn remove(&mut self, other: &Self) {
        self.calls -= other.calls;
        self.failed -= other.failed;
        self.slow -= other.slow;
    }
}

const SLICES: u32 = 16;
