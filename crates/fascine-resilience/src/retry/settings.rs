use std::future::Future;
use std::num::NonZeroU32;
use std::time::Duration;

use fascine_rt::Rt;

use crate::retry::retried::silent;
use crate::{Backoff, BeforeRetry, Jitter, Retried, Retry, SettingError, Verdict};

/// All settings of a retry in one place, each by its name.
///
/// For settings that come from a file or a form; in code, [`Retry`] says the same in fewer words.
///
/// # Defaults
///
/// - 3 retries, which are 4 calls
/// - delays from 1 s, doubled each time up to 60 s, with full jitter
/// - every error is retried, none is excluded
///
/// # Examples
///
/// ```
/// use fascine_resilience::{RetrySettings, retry_with_backoff};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let settings = RetrySettings {
///     max_retries: 5,
///     retry_on: |error: &&str| error.starts_with("busy"),
///     ..RetrySettings::default()
/// };
/// let answer = retry_with_backoff(&rt, settings, || async { Ok(42) })?.await;
/// assert_eq!(answer.unwrap(), 42);
///
/// let wrong = RetrySettings::<&str> { backoff_factor: 0.5, ..RetrySettings::default() };
/// assert_eq!(wrong.policy(&rt).unwrap_err().field, "backoff_factor");
/// # Ok::<_, fascine_resilience::SettingError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RetrySettings<E> {
    /// How many calls are made after the first.
    pub max_retries: u32,
    /// The delay before the first retry.
    pub base_delay: Duration,
    /// What no delay exceeds, jitter included; zero means no waiting.
    pub max_delay: Duration,
    /// What each delay is multiplied by to give the next; 1 means that all are the same.
    pub backoff_factor: f64,
    /// How delays are spread.
    pub jitter: Jitter,
    /// After which errors to call again.
    pub retry_on: fn(&E) -> bool,
    /// After which of these not to.
    pub exclude: fn(&E) -> bool,
}

impl<E> RetrySettings<E> {
    /// Makes the policy of these settings.
    ///
    /// # Errors
    ///
    /// [`SettingError`] with the field that makes no sense: too many retries to count, no delay at all to begin with,
    /// or a factor that is less than 1, infinite, or not a number.
    pub fn policy(&self, rt: &Rt) -> Result<Retry, SettingError> {
        let attempts = self
            .max_retries
            .checked_add(1)
            .and_then(NonZeroU32::new)
            .ok_or(SettingError::new(
                "max_retries",
                "must be less than 2³² - 1",
            ))?;
        if self.base_delay.is_zero() {
            return Err(SettingError::new("base_delay", "must be above zero"));
        }
        if !(self.backoff_factor >= 1.0 && self.backoff_factor.is_finite()) {
            return Err(SettingError::new(
                "backoff_factor",
                "must be a number from 1 on",
            ));
        }
        let backoff = Backoff::exponential(self.base_delay)
            .with_factor(self.backoff_factor)
            .with_max(self.max_delay)
            .with_jitter(self.jitter);
        Ok(Retry::new(rt).with_attempts(attempts).with_backoff(backoff))
    }

    fn verdict(&self, error: &E) -> Verdict {
        match (self.retry_on)(error) && !(self.exclude)(error) {
            true => Verdict::Retry,
            false => Verdict::Stop,
        }
    }
}

impl<E> Default for RetrySettings<E> {
    fn default() -> Self {
        Self {
            max_retries: 3,
            base_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(60),
            backoff_factor: 2.0,
            jitter: Jitter::Full,
            retry_on: |_| true,
            exclude: |_| false,
        }
    }
}

/// Retries `call` by explicit settings.
///
/// # Errors
///
/// [`SettingError`], before anything is called, when a setting makes no sense. The future's error is a
/// [`RetryError`](crate::RetryError).
///
/// # Cancel safety
///
/// Dropping the future drops the call in progress, or ends the wait; no further call is made.
#[expect(
    clippy::type_complexity,
    reason = "the future has a name, its parts do not"
)]
pub fn retry_with_backoff<T, E, F, C>(
    rt: &Rt,
    settings: RetrySettings<E>,
    call: C,
) -> Result<Retried<Retry, C, F, impl FnMut(&E) -> Verdict, fn(&E, &BeforeRetry)>, SettingError>
where
    C: FnMut() -> F,
    F: Future<Output = Result<T, E>>,
{
    let policy = settings.policy(rt)?;
    let classify = move |error: &E| settings.verdict(error);
    Ok(Retried::new(policy, call, classify, silent))
}
