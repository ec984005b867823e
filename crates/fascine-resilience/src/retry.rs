use std::future::Future;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fascine_concurrency::effective_deadline;
use fascine_rt::Rt;

use crate::{Backoff, GaveUp, RetryError};

/// Repeats a call that failed for a passing reason.
///
/// # Defaults
///
/// - 3 attempts, the first call among them
/// - exponential [`Backoff`] from 500 ms
/// - no limit on the time, other than the ambient deadline
/// - a server's wish to be left alone is honoured up to 60 s; if it asks for more, the call fails
#[derive(Clone, Debug)]
pub struct Retry {
    rt: Rt,
    attempts: NonZeroU32,
    backoff: Backoff,
    max_elapsed: Duration,
    max_retry_after: Duration,
    calls: Arc<AtomicU64>,
}

/// What an error says about calling again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
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
        classify: impl Fn(&E) -> Verdict,
    ) -> Result<Attempted<T>, RetryError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let started = self.rt.now();
        let mut delays = self
            .backoff
            .delays(self.calls.fetch_add(1, Ordering::Relaxed));
        let mut attempt = 0;
        loop {
            attempt += 1;
            let outcome = call(attempt).await;
            let elapsed = self.rt.now().saturating_duration_since(started);
            let error = match outcome {
                Ok(value) => {
                    return Ok(Attempted {
                        value,
                        attempts: attempt,
                        elapsed,
                    });
                }
                Err(error) => error,
            };
            let wait = self.wait_after(attempt, elapsed, classify(&error), &mut delays);
            match wait {
                Ok(delay) => self.rt.sleep(delay).await,
                Err(reason) => {
                    return Err(RetryError {
                        error,
                        attempts: attempt,
                        elapsed,
                        reason,
                    });
                }
            }
        }
    }

    fn wait_after(
        &self,
        attempt: u32,
        elapsed: Duration,
        verdict: Verdict,
        delays: &mut impl Iterator<Item = Duration>,
    ) -> Result<Duration, GaveUp> {
        let delay = delays.next().unwrap_or_default();
        let delay = match verdict {
            Verdict::Retry => delay,
            Verdict::RetryAfter(asked) if asked > self.max_retry_after => {
                return Err(GaveUp::RetryAfterTooLong { asked });
            }
            Verdict::RetryAfter(asked) => asked,
            Verdict::Stop => return Err(GaveUp::Stopped),
        };
        if attempt >= self.attempts.get() {
            return Err(GaveUp::Attempts);
        }
        if elapsed.saturating_add(delay) > self.max_elapsed {
            return Err(GaveUp::Elapsed);
        }
        if let Some(deadline) = effective_deadline()
            && self
                .rt
                .deadline_after(delay)
                .is_none_or(|end| end >= deadline)
        {
            return Err(GaveUp::Deadline);
        }
        Ok(delay)
    }
}
