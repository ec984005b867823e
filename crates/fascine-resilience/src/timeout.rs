use std::future::Future;
use std::time::Duration;

use fascine_concurrency::fail_after;
use fascine_rt::Rt;

use crate::TimedOut;

/// Ends a call that takes too long by dropping it.
///
/// This is [`fail_after`] as a policy that can be kept, handed around and put in a [`Pipeline`](crate::Pipeline). The
/// call sees its deadline as the ambient one; a nearer deadline further out wins, and is not reported by this one.
/// A call that is ready at once arms no timer.
///
/// It cannot stop what is not a future: blocking work goes on, see [`run_sync`](fascine_concurrency::run_sync).
///
/// # Examples
///
/// ```
/// # use fascine_resilience::Timeout;
/// # use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let timeout = Timeout::new(&rt, Duration::from_secs(1));
/// assert_eq!(timeout.run(|| async { 42 }).await, Ok(42));
///
/// let late = timeout.run(|| rt.sleep(Duration::from_secs(2))).await;
/// assert_eq!(late.unwrap_err().after(), Duration::from_secs(1));
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Timeout {
    rt: Rt,
    after: Duration,
}

impl Timeout {
    /// Makes a policy that gives calls so much time; [`Duration::MAX`] is no limit.
    #[must_use]
    pub fn new(rt: &Rt, after: Duration) -> Self {
        Self {
            rt: rt.clone(),
            after,
        }
    }

    /// Makes a call and gives its output if that comes in time.
    ///
    /// # Errors
    ///
    /// [`TimedOut`] if not; the call has been dropped by then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call.
    pub async fn run<F: Future>(&self, call: impl FnOnce() -> F) -> Result<F::Output, TimedOut> {
        fail_after(&self.rt, self.after, call())
            .await
            .map_err(|_| self.timed_out())
    }

    pub(crate) fn rt(&self) -> &Rt {
        &self.rt
    }

    pub(crate) fn after(&self) -> Duration {
        self.after
    }

    pub(crate) fn timed_out(&self) -> TimedOut {
        TimedOut::new(self.after)
    }
}
