mod hook;
mod nesting;
mod retried;
mod retryable;
mod settings;
mod with_retry;
mod within;

use std::future::{Future, poll_fn};
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fascine_concurrency::effective_deadline;
use fascine_rt::{Rt, Sleep};

pub use hook::BeforeRetry;
pub use retried::Retried;
pub use retryable::Retryable;
pub use settings::{RetrySettings, retry_with_backoff};
pub use with_retry::{WithRetry, with_retry};
pub use within::{AttemptWithin, attempt_within};

use crate::{Backoff, Delays, GaveUp, RetryBudget, RetryError};
use hook::Hook;

/// Repeats a call that failed for a passing reason.
///
/// It repeats only what may be done twice: a call that changes something on the other side and fails on the way may
/// have changed it. A cancelled call is never repeated: whoever cancels drops the retry with it.
///
/// [`Retryable::retry`] reads best; [`with_retry`] makes a function out of it, [`retry_with_backoff`] takes every
/// setting by its name, and [`run`](Self::run) tells how many attempts a success took.
///
/// # Defaults
///
/// - 3 attempts, the first call among them
/// - exponential [`Backoff`] from 500 ms
/// - no limit on the time, other than the ambient deadline
/// - a server's wish to be left alone is honoured up to 60 s; if it asks for more, the call fails
///
/// # Examples
///
/// ```
/// use fascine_resilience::{Backoff, GaveUp, Jitter, Retry, RetryBudget, Verdict};
/// use std::{num::NonZeroU32, time::Duration};
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let second = Duration::from_secs(1);
/// let backoff = Backoff::exponential(second).with_factor(3.0).with_max(20 * second);
/// let retry = Retry::new(&rt)
///     .with_attempts(NonZeroU32::new(5).unwrap())
///     .with_backoff(backoff.with_jitter(Jitter::Equal).with_seed(7))
///     .with_max_elapsed(300 * second)
///     .with_max_retry_after(30 * second)
///     .with_budget(RetryBudget::new(0.1, 1)?)
///     .with_hook(|before| assert!(before.attempts < 5))
///     .refusing_nested();
///
/// // The other side wants to be left alone for longer than we would wait.
/// let busy = |_attempt| async { Err::<(), _>("busy for a minute") };
/// let error = retry.run(busy, |_| Verdict::RetryAfter(60 * second)).await.unwrap_err();
/// assert_eq!(error.reason, GaveUp::RetryAfterTooLong { asked: 60 * second });
///
/// let wrong = RetryBudget::new(-1.0, 0);
/// assert_eq!(wrong.unwrap_err().field, "ratio");
/// # Ok::<_, fascine_resilience::SettingError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Retry {
    rt: Rt,
    attempts: NonZeroU32,
    backoff: Backoff,
    max_elapsed: Duration,
    max_retry_after: Duration,
    nesting_is_refused: bool,
    budget: Option<RetryBudget>,
    hook: Option<Hook>,
    calls: Arc<AtomicU64>,
}

/// What an error says about calling again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// The call was not made: a policy of our own held it back. Another try may succeed, but not before this time has
    /// passed; it takes nothing from the [`RetryBudget`].
    Rejected(Duration),
    /// Another try may succeed.
    Retry,
    /// Another try may succeed, but not before this time has passed.
    RetryAfter(Duration),
    /// Another try would fail too.
    Stop,
}

/// A value, and what it took to get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempted<T> {
    /// What the last call returned.
    pub value: T,
    /// How many calls were made.
    pub attempts: u32,
    /// From the first call to the end of the last, waits included.
    pub elapsed: Duration,
}

impl Retry {
    /// Makes the default policy.
    #[must_use]
    pub fn new(rt: &Rt) -> Self {
        const THREE: NonZeroU32 = NonZeroU32::new(3).unwrap();
        Self {
            rt: rt.clone(),
            attempts: THREE,
            backoff: Backoff::exponential(Duration::from_millis(500)),
            max_elapsed: Duration::MAX,
            max_retry_after: Duration::from_secs(60),
            nesting_is_refused: false,
            budget: None,
            hook: None,
            calls: Arc::default(),
        }
    }

    /// Sets how many calls are made at most, the first among them.
    #[must_use]
    pub const fn with_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets how long to wait before each retry.
    #[must_use]
    pub const fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Sets the time after which no retry begins.
    #[must_use]
    pub const fn with_max_elapsed(mut self, max: Duration) -> Self {
        self.max_elapsed = max;
        self
    }

    /// Sets how long a [`Verdict::RetryAfter`] is waited for; if it asks for more, the call fails.
    #[must_use]
    pub const fn with_max_retry_after(mut self, max: Duration) -> Self {
        self.max_retry_after = max;
        self
    }

    /// Sets the budget that retries are taken from, shared with all other policies that lead to the same service.
    #[must_use]
    pub fn with_budget(mut self, budget: RetryBudget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Sets what to do before each wait, for every call of this policy.
    #[must_use]
    pub fn with_hook(mut self, hook: impl Fn(&BeforeRetry) + Send + Sync + 'static) -> Self {
        self.hook = Some(Hook(Arc::new(hook)));
        self
    }

    /// Makes it one call only wherever another retry is around it already.
    ///
    /// Three layers with three attempts each make 27 calls of one. What counts is the future this runs in, not the
    /// thread: a task that was spawned inside an attempt is on its own.
    #[must_use]
    pub const fn refusing_nested(mut self) -> Self {
        self.nesting_is_refused = true;
        self
    }

    /// Makes calls until one succeeds or there is a reason to give up.
    ///
    /// `call` gets the number of the attempt, from 1. `classify` says what an error means.
    ///
    /// # Errors
    ///
    /// [`RetryError`] with the last error and the reason for giving up. A wait that would end after the ambient
    /// deadline, or after the policy's own time, is not begun.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call in progress, or ends the wait; no further call is made.
    pub async fn run<T, E, F>(
        &self,
        mut call: impl FnMut(u32) -> F,
        classify: impl FnMut(&E) -> Verdict,
    ) -> Result<Attempted<T>, RetryError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let mut attempt: u32 = 0;
        let call = || {
            attempt = attempt.saturating_add(1);
            call(attempt)
        };
        let mut retried = pin!(Retried::new(self, call, classify, retried::silent));
        poll_fn(|cx| retried.as_mut().poll_attempted(cx)).await
    }

    fn now(&self) -> Instant {
        self.rt.now()
    }

    fn sleep(&self, delay: Duration) -> Sleep {
        self.rt.sleep(delay)
    }

    /// A call begins that is not a retry.
    fn began(&self) {
        if let Some(budget) = &self.budget {
            budget.deposit();
        }
    }

    /// Each call has a jitter of its own.
    fn delays(&self) -> Delays {
        self.backoff
            .delays(self.calls.fetch_add(1, Ordering::Relaxed))
    }

    fn notify(&self, before: &BeforeRetry) {
        if let Some(Hook(hook)) = &self.hook {
            hook(before);
        }
    }

    fn wait_after(
        &self,
        attempts: u32,
        now: Instant,
        elapsed: Duration,
        verdict: Verdict,
        delays: &mut Delays,
    ) -> Result<Duration, GaveUp> {
        let delay = delays.next().unwrap_or_default();
        let delay = match verdict {
            Verdict::Retry => delay,
            Verdict::Rejected(asked) | Verdict::RetryAfter(asked)
                if asked > self.max_retry_after =>
            {
                return Err(GaveUp::RetryAfterTooLong { asked });
            }
            // It is our own side that asks: whoever was held back with others should not come back with them.
            Verdict::Rejected(asked) => asked.max(delay),
            Verdict::RetryAfter(asked) => asked,
            Verdict::Stop => return Err(GaveUp::Stopped),
        };
        if self.nesting_is_refused && nesting::inside_an_attempt() {
            return Err(GaveUp::Nested);
        }
        if attempts >= self.attempts.get() {
            return Err(GaveUp::Attempts);
        }
        if elapsed.saturating_add(delay) > self.max_elapsed {
            return Err(GaveUp::Elapsed);
        }
        if let Some(deadline) = effective_deadline()
            && now.checked_add(delay).is_none_or(|end| end >= deadline)
        {
            return Err(GaveUp::Deadline);
        }
        // The last thing that is asked: nothing is taken from it in vain.
        if let Some(budget) = &self.budget
            && !matches!(verdict, Verdict::Rejected(_))
            && !budget.try_withdraw(now)
        {
            return Err(GaveUp::Budget);
        }
        Ok(delay)
    }
}
