use std::time::Duration;

use crate::SettingError;

/// Which calls a rate is computed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Over {
    /// The last so many.
    Calls(u32),
    /// Those that ended within the last so long, to a sixteenth of it.
    Time(Duration),
}

/// What a call means that was cancelled, or whose permit was dropped without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnCancel {
    /// It failed.
    Failure,
    /// It failed if it had taken this long already; less says nothing about the service.
    FailureIfOlderThan(Duration),
    /// Nothing.
    Ignore,
}

/// When it opens, and how it closes again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) consecutive_failures: u32,
    pub(super) failure_rate: Option<f64>,
    pub(super) slow: Option<Slow>,
    pub(super) over: Option<Over>,
    pub(super) minimum_calls: u32,
    pub(super) recovery_time: Duration,
    pub(super) recovery_factor: f64,
    pub(super) max_recovery_time: Duration,
    pub(super) half_open_max_calls: u32,
    pub(super) success_threshold: Option<u32>,
    pub(super) half_open_max_wait: Option<Duration>,
    pub(super) probe_lease: Option<Duration>,
    pub(super) on_cancel: OnCancel,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Slow {
    pub(super) rate: f64,
    pub(super) from: Duration,
}

impl Settings {
    pub(super) const DEFAULT: Self = Self {
        consecutive_failures: 5,
        failure_rate: None,
        slow: None,
        over: None,
        minimum_calls: 10,
        recovery_time: Duration::from_secs(30),
        recovery_factor: 1.0,
        max_recovery_time: Duration::from_secs(600),
        half_open_max_calls: 1,
        success_threshold: None,
        half_open_max_wait: None,
        probe_lease: None,
        on_cancel: OnCancel::Ignore,
    };

    /// The first setting that makes no sense.
    pub(super) fn check(&self) -> Result<(), SettingError> {
        let rate = |rate: f64| rate > 0.0 && rate <= 1.0;
        let slow = self.slow.unwrap_or(Slow {
            rate: 1.0,
            from: Duration::MAX,
        });
        let wrong = |field, problem| Err(SettingError::new(field, problem));
        if self.consecutive_failures == 0 {
            return wrong("consecutive_failures", "must be above zero");
        }
        if !rate(self.failure_rate.unwrap_or(1.0)) {
            return wrong("failure_rate", "must be above 0, and 1 at most");
        }
        if !rate(slow.rate) {
            return wrong("slow_call_rate", "must be above 0, and 1 at most");
        }
        if slow.from.is_zero() {
            return wrong("slow_call_rate", "must not call every call slow");
        }
        match self.over {
            Some(Over::Calls(0)) => return wrong("over", "must be more than no calls"),
            Some(Over::Calls(calls)) if calls > MAX_CALLS => {
                return wrong("over", "must be a million calls at most");
            }
            Some(Over::Calls(calls)) if calls < self.minimum_calls => {
                return wrong("minimum_calls", "must not be more than the window holds");
            }
            Some(Over::Time(time)) if time < MIN_WINDOW => {
                return wrong("over", "must be a millisecond at least");
            }
            _ => {}
        }
        if self.minimum_calls == 0 {
            return wrong("minimum_calls", "must be above zero");
        }
        if self.recovery_time.is_zero() {
            return wrong("recovery_time", "must be above zero");
        }
        if !(self.recovery_factor >= 1.0 && self.recovery_factor.is_finite()) {
            return wrong("recovery_growth", "must grow by a factor from 1 on");
        }
        if self.recovery_factor > 1.0 && self.max_recovery_time < self.recovery_time {
            return wrong(
                "recovery_growth",
                "must not grow to less than the recovery time",
            );
        }
        if self.half_open_max_calls == 0 {
            return wrong("half_open_max_calls", "must be above zero");
        }
        match self.success_threshold {
            Some(0) => return wrong("success_threshold", "must be above zero"),
            Some(successes) if successes > self.half_open_max_calls => {
                return wrong(
                    "success_threshold",
                    "must not be more than `half_open_max_calls`",
                );
            }
            _ => {}
        }
        if self.half_open_max_wait.is_some_and(|wait| wait.is_zero()) {
            return wrong("half_open_max_wait", "must be above zero");
        }
        if self.probe_lease.is_some_and(|lease| lease.is_zero()) {
            return wrong("probe_lease", "must be above zero");
        }
        Ok(())
    }

    /// How long it stays open when it has been opened `times` times in a row already.
    pub(super) fn recovery_time(&self, times: u32) -> Duration {
        if self.recovery_factor <= 1.0 {
            return self.recovery_time;
        }
        let times = i32::try_from(times).unwrap_or(i32::MAX);
        let seconds = self.recovery_time.as_secs_f64() * self.recovery_factor.powi(times);
        let max = self.max_recovery_time;
        Duration::try_from_secs_f64(seconds).unwrap_or(max).min(max)
    }

    pub(super) fn lease(&self) -> Duration {
        self.probe_lease
            .unwrap_or(self.recovery_time.max(MIN_LEASE))
    }

    /// Whether a call is to be timed.
    pub(super) fn times_calls(&self) -> bool {
        self.slow.is_some() || matches!(self.on_cancel, OnCancel::FailureIfOlderThan(_))
    }
}

pub(super) const MAX_CALLS: u32 = 1_000_000;
const MIN_WINDOW: Duration = Duration::from_millis(1);
const MIN_LEASE: Duration = Duration::from_secs(60);
