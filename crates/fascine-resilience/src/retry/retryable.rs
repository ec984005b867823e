use std::borrow::Borrow;
use std::future::Future;
use std::time::Duration;

use fascine_rt::Rt;

use crate::retry::retried::{classify_all, silent};
use crate::{AttemptWithin, BeforeRetry, Retried, Retry, TimedOut, Verdict, attempt_within};

/// Makes a sentence of a retry: `fetch.retry(policy).when(is_transient).await`.
///
/// For every function without arguments that returns a future of a result.
///
/// # Examples
///
/// ```
/// use fascine_resilience::{Retry, Retryable, TimedOut};
/// use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// #[derive(Debug)]
/// enum FetchError { Slow, Refused }
/// impl From<TimedOut> for FetchError {
///     fn from(_: TimedOut) -> Self { Self::Slow }
/// }
///
/// let policy = Retry::new(&rt);
/// let fetch = || async { Ok::<_, FetchError>("page") };
/// let page = fetch
///     .within(&rt, Duration::from_secs(5))
///     .retry(&policy)
///     .when(|error| matches!(error, FetchError::Slow))
///     .await
///     .unwrap();
/// assert_eq!(page, "page");
/// # });
/// ```
pub trait Retryable<T, E, F>: FnMut() -> F + Sized
where
    F: Future<Output = Result<T, E>>,
{
    /// Calls it until it succeeds or the policy gives up; without [`Retried::when`], after every error.
    ///
    /// The policy is taken by value or by reference.
    #[expect(
        clippy::type_complexity,
        reason = "the future has a name, its parts do not"
    )]
    fn retry<P: Borrow<Retry>>(
        self,
        policy: P,
    ) -> Retried<P, Self, F, fn(&E) -> Verdict, fn(&E, &BeforeRetry)> {
        Retried::new(policy, self, classify_all, silent)
    }

    /// Gives each call `limit` at most: see [`attempt_within`].
    fn within(mut self, rt: &Rt, limit: Duration) -> impl FnMut() -> AttemptWithin<F>
    where
        E: From<TimedOut>,
    {
        let rt = rt.clone();
        move || attempt_within(&rt, limit, self())
    }
}

impl<T, E, F, C> Retryable<T, E, F> for C
where
    C: FnMut() -> F,
    F: Future<Output = Result<T, E>>,
{
}
