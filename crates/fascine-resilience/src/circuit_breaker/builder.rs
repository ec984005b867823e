use std::sync::Arc;
use std::time::{Duration, Instant};

use fascine_rt::Rt;

use super::settings::{Settings, Slow};
use crate::{CircuitBreaker, CircuitMachine, OnCancel, Over, SettingError};

/// The settings of a [`CircuitBreaker`], or, without a runtime, of a [`CircuitMachine`].
///
/// # Defaults
///
/// - it opens after 5 failures in a row
/// - once a rate is set: over the last 100 calls, 10 of them at least
/// - it stays open for 30 s, each time
/// - half-open it lets 1 call through, whose success closes it and whose failure opens it
/// - it may be half-open for as long as its probes take
/// - a probe that tells nothing counts as failed after 60 s, or the recovery time if that is longer
/// - a cancelled call says nothing
///
/// # Examples
///
/// ```
/// use fascine_resilience::{CircuitBreaker, OnCancel, Over};
/// use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let second = Duration::from_secs(1);
/// let in_a_row = CircuitBreaker::builder(&rt, "search")
///     .consecutive_failures(3)
///     .recovery_time(10 * second)
///     .build()?;
/// let by_rates = CircuitBreaker::builder(&rt, "search")
///     .failure_rate(0.5)
///     .slow_call_rate(0.8, 2 * second)
///     .over(Over::Time(60 * second))
///     .minimum_calls(20)
///     .recovery_time(10 * second)
///     .recovery_growth(2.0, 300 * second)
///     .half_open_max_calls(5)
///     .success_threshold(4)
///     .half_open_max_wait(120 * second)
///     .probe_lease(90 * second)
///     .on_cancel(OnCancel::FailureIfOlderThan(5 * second))
///     .build()?;
/// # drop((in_a_row, by_rates));
///
/// // A setting that makes no sense is refused by its name.
/// let new = || CircuitBreaker::builder(&rt, "search");
/// for (field, wrong) in [
///     ("consecutive_failures", new().consecutive_failures(0)),
///     ("failure_rate", new().failure_rate(1.5)),
///     ("over", new().over(Over::Calls(100))),
///     ("minimum_calls", new().failure_rate(0.5).over(Over::Calls(5)).minimum_calls(6)),
///     ("success_threshold", new().half_open_max_calls(2).success_threshold(3)),
///     ("recovery_growth", new().recovery_growth(0.5, second)),
/// ] {
///     assert_eq!(wrong.build().unwrap_err().field, field);
/// }
/// # Ok::<_, fascine_resilience::SettingError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "settings do nothing before `build`"]
pub struct CircuitBreakerBuilder<R = Rt> {
    rt: R,
    name: Arc<str>,
    settings: Settings,
}

impl<R> CircuitBreakerBuilder<R> {
    pub(super) fn begin(rt: R, name: &str) -> Self {
        Self {
            rt,
            name: name.into(),
            settings: Settings::DEFAULT,
        }
    }

    /// Sets after how many failures in a row it opens; without a rate alone.
    pub const fn consecutive_failures(mut self, failures: u32) -> Self {
        self.settings.consecutive_failures = failures;
        self
    }

    /// Opens it when this part of the calls failed, in place of failures in a row; looked at after each failure.
    pub const fn failure_rate(mut self, rate: f64) -> Self {
        self.settings.failure_rate = Some(rate);
        self
    }

    /// Opens it when this part of the calls took `from` or longer; looked at after each slow call.
    ///
    /// Calls are timed then, which costs two looks at the clock. A slow probe counts as failed.
    pub const fn slow_call_rate(mut self, rate: f64, from: Duration) -> Self {
        self.settings.slow = Some(Slow { rate, from });
        self
    }

    /// Sets which calls the rates are of.
    pub const fn over(mut self, over: Over) -> Self {
        self.settings.over = Some(over);
        self
    }

    /// Sets how many calls there must be before a rate says anything.
    pub const fn minimum_calls(mut self, calls: u32) -> Self {
        self.settings.minimum_calls = calls;
        self
    }

    /// Sets how long it stays open before it tries again.
    pub const fn recovery_time(mut self, time: Duration) -> Self {
        self.settings.recovery_time = time;
        self
    }

    /// Multiplies the time it stays open by `factor` each time it opens again without having been closed, up to `max`.
    pub const fn recovery_growth(mut self, factor: f64, max: Duration) -> Self {
        self.settings.recovery_factor = factor;
        self.settings.max_recovery_time = max;
        self
    }

    /// Sets how many calls a half-open circuit lets through until it knows more.
    ///
    /// If there are several, [`success_threshold`](Self::success_threshold) says how many of them must succeed; without
    /// it the rates decide over these calls too, or, if there are none, a single success closes the circuit.
    pub const fn half_open_max_calls(mut self, calls: u32) -> Self {
        self.settings.half_open_max_calls = calls;
        self
    }

    /// Sets how many of these must succeed to close it; it opens again as soon as so many cannot any more.
    ///
    /// A success that is [slow](Self::slow_call_rate) is none.
    pub const fn success_threshold(mut self, successes: u32) -> Self {
        self.settings.success_threshold = Some(successes);
        self
    }

    /// Opens it again when it has been half-open for this long and is not decided: for services that are called so
    /// rarely that probes which were answered yesterday say nothing about today.
    ///
    /// Like the lease of a probe, this is looked at when the next call comes, and takes effect at its time.
    pub const fn half_open_max_wait(mut self, longest: Duration) -> Self {
        self.settings.half_open_max_wait = Some(longest);
        self
    }

    /// Sets after what time a probe that told nothing counts as failed; longer than any call takes.
    pub const fn probe_lease(mut self, lease: Duration) -> Self {
        self.settings.probe_lease = Some(lease);
        self
    }

    /// Sets what a cancelled call means.
    pub const fn on_cancel(mut self, meaning: OnCancel) -> Self {
        self.settings.on_cancel = meaning;
        self
    }

    /// With what follows from other settings, if all make sense.
    fn checked(&self) -> Result<Settings, SettingError> {
        let mut settings = self.settings;
        let has_rate = settings.failure_rate.is_some() || settings.slow.is_some();
        if has_rate && settings.over.is_none() {
            settings.over = Some(Over::Calls(100));
        }
        if !has_rate && settings.over.is_some() {
            return Err(SettingError::new("over", "needs a rate"));
        }
        settings.check()?;
        Ok(settings)
    }
}

impl CircuitBreakerBuilder {
    /// Makes the breaker.
    ///
    /// # Errors
    ///
    /// [`SettingError`] with the setting that makes no sense.
    pub fn build(self) -> Result<CircuitBreaker, SettingError> {
        let settings = self.checked()?;
        Ok(CircuitBreaker::of(self.rt, self.name, settings))
    }
}

impl CircuitBreakerBuilder<()> {
    /// Makes the machine, at a time.
    ///
    /// # Errors
    ///
    /// [`SettingError`] with the setting that makes no sense.
    pub fn build_at(self, now: Instant) -> Result<CircuitMachine, SettingError> {
        let settings = self.checked()?;
        Ok(CircuitMachine::new(self.name, settings, now))
    }
}
