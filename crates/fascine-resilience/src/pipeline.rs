use std::future::Future;
use std::time::Duration;

use fascine_rt::Rt;

use crate::{
    AdaptiveLimit, Bulkhead, CircuitBreaker, Fallback, Hedge, Idempotent, LimitAlgorithm, LoadShed,
    Priority, RateLimiter, Retry, Timeout, Verdict,
};

mod adapting;
mod boxed;
mod breaking;
mod error;
mod guarding;
mod hedging;
mod limiting;
mod policy;
mod retrying;

pub use adapting::Adapting;
pub use boxed::BoxedPipeline;
pub use breaking::Breaking;
pub use error::PipelineError;
pub use guarding::{Deadline, Door};
pub use hedging::Hedging;
pub use limiting::Limiting;
use policy::Innermost;
pub use policy::{Around, Bare, Next, Policy};
use retrying::Refusals;
pub use retrying::Retrying;

/// Several policies round a call, in the order that makes sense.
///
/// From the outside to the call:
///
/// | policy | is outside of the next because |
/// |---|---|
/// | [`deadline`](Self::deadline) | it is for everything together, waits included |
/// | [`fallback`](Self::fallback) | it is for when all else failed |
/// | [`shed`](Self::shed) | a request is one, however often it is tried |
/// | [`hedge`](Self::hedge) | each of its calls is worth retries of its own |
/// | [`retry`](Self::retry) | each attempt asks the breaker again |
/// | [`breaker`](Self::breaker) | what it refuses costs nothing of the limits |
/// | [`limiter`](Self::limiter) | who waits for the limits holds no room |
/// | [`bulkhead`](Self::bulkhead), [`adaptive`](Self::adaptive) | who waits for room does not use up the attempt's time |
/// | [`timeout`](Self::timeout) | it is for one attempt |
///
/// Policies are added in this order, and adding them in another does not compile; leave out what you do not need.
/// Policies of your own go anywhere, by [`with`](Self::with).
///
/// What our own policies refuse is no failure of the other side: it does not count in the breaker, is not retried, costs
/// nothing of a retry budget, and its limits are given back. A call that was made, or may have been, counts in the
/// limits, whatever became of it.
///
/// Nothing is boxed, other than errors on their way out, and a call that is ready at once allocates nothing; only where a
/// timeout is inside of a deadline, the scope of the deadline is on the heap, for the other to find. The type grows with each policy, and [`boxed`](Self::boxed)
/// forgets it. Calls and what they return have to be [`Send`]; for those that are not, the policies can be used one by
/// one.
///
/// # Examples
///
/// ```
/// # use fascine_resilience::{Bulkhead, Pipeline, Quota, RateLimiter, Retry, Verdict};
/// # use std::{num::NonZeroUsize, sync::atomic::{AtomicU32, Ordering::Relaxed}, time::Duration};
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let minute = Duration::from_secs(60);
/// let pipeline = Pipeline::new()
///     .deadline(&rt, minute)
///     .retry(Retry::new(&rt), |_error: &&str| Verdict::Retry)
///     .limiter(RateLimiter::new(&rt, [Quota::new("requests", 600, minute)?])?, [("requests", 1)])
///     .bulkhead(Bulkhead::new(&rt, NonZeroUsize::new(8).unwrap()))
///     .timeout(&rt, Duration::from_secs(5));
///
/// let calls = AtomicU32::new(0);
/// let answer = pipeline.run(|| async {
///     if calls.fetch_add(1, Relaxed) == 0 { Err("busy") } else { Ok(42) }
/// });
/// assert_eq!(answer.await, Ok(42));
/// # Ok::<_, fascine_resilience::QuotaError>(())
/// # }).unwrap();
/// ```
///
/// A timeout round a retry is a deadline, and a timeout inside is an attempt's:
///
/// ```compile_fail
/// # use fascine_resilience::{Pipeline, Retry, Verdict};
/// # use std::time::Duration;
/// # fn out_of_order(rt: &fascine_rt::Rt) {
/// Pipeline::new()
///     .timeout(rt, Duration::from_secs(5))
///     .retry(Retry::new(rt), |_error: &&str| Verdict::Retry);
/// # }
/// # fascine_testing::TestRuntime::run(|rt| async move { out_of_order(&rt) });
/// ```
#[derive(Clone, Debug)]
#[must_use = "a pipeline does nothing unless it runs calls"]
pub struct Pipeline<P = Bare, const INNERMOST: u8 = 0> {
    policies: P,
}

impl Pipeline {
    /// Makes a pipeline without policies.
    pub const fn new() -> Self {
        Self { policies: Bare }
    }
}

impl Default for Pipeline {
    fn default() -> Self {
        Self::new()
    }
}

impl<P, const INNERMOST: u8> Pipeline<P, INNERMOST> {
    /// Adds the time for everything together: attempts, and all waits. See [`Timeout`].
    pub fn deadline(self, rt: &Rt, after: Duration) -> Pipeline<Around<P, Deadline>, 1> {
        self.add(Deadline(Timeout::new(rt, after)))
    }

    /// Adds what to do instead when everything further in failed. See [`Fallback`].
    ///
    /// What failed before an alternative served is known to [`Fallback::with_observer`] alone.
    pub fn fallback<T, E>(
        self,
        fallback: Fallback<T, PipelineError<E>>,
    ) -> Pipeline<Around<P, Fallback<T, PipelineError<E>>>, 2> {
        self.add(fallback)
    }

    /// Adds a door that refuses calls of this priority when too many are inside. See [`LoadShed`].
    pub fn shed(self, shed: LoadShed, priority: Priority) -> Pipeline<Around<P, Door>, 3> {
        self.add(Door { shed, priority })
    }

    /// Adds another call when the first is slow. See [`Hedge`]; the mark says that the calls may be made twice.
    pub fn hedge(self, hedge: Idempotent<Hedge>) -> Pipeline<Around<P, Hedging>, 4> {
        self.add(Hedging(hedge.0))
    }

    /// Adds further attempts after errors that `classify` wants tried again, and after attempts that
    /// [timed out](Self::timeout). See [`Retry`].
    pub fn retry<E, C: Fn(&E) -> Verdict>(
        self,
        retry: Retry,
        classify: C,
    ) -> Pipeline<Around<P, Retrying<C>>, 5> {
        self.add(Retrying {
            retry,
            classify,
            refusals: Refusals::End,
        })
    }

    /// Adds a [`retry`](Self::retry) that also waits for policies further in which refused an attempt and know when they
    /// will not: an open breaker, full limits. That spends nothing of a [`RetryBudget`](crate::RetryBudget).
    ///
    /// For work that has time. Where somebody waits, a refusal should be known at once.
    pub fn retry_patiently<E, C: Fn(&E) -> Verdict>(
        self,
        retry: Retry,
        classify: C,
    ) -> Pipeline<Around<P, Retrying<C>>, 5> {
        self.add(Retrying {
            retry,
            classify,
            refusals: Refusals::Wait,
        })
    }

    /// Adds a breaker that counts the errors that `counts` says, and attempts that [timed out](Self::timeout). See
    /// [`CircuitBreaker`].
    pub fn breaker<E, C: Fn(&E) -> bool>(
        self,
        breaker: CircuitBreaker,
        counts: C,
    ) -> Pipeline<Around<P, Breaking<C>>, 6> {
        self.add(Breaking { breaker, counts })
    }

    /// Adds rate limits, of which each attempt costs so much. See [`RateLimiter`].
    ///
    /// # Examples
    ///
    /// A misspelt currency is refused, not free:
    ///
    /// ```
    /// # use fascine_resilience::{LimitError, Pipeline, PipelineError, Quota, RateLimiter};
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let quota = Quota::new("requests", 1, std::time::Duration::from_secs(1))?;
    /// let pipeline = Pipeline::new().limiter(RateLimiter::new(&rt, [quota])?, [("request", 1)]);
    /// let refused = pipeline.run(|| async { Ok::<_, ()>(()) }).await;
    /// assert!(matches!(refused, Err(PipelineError::Limited(LimitError::UnknownQuota { .. }))));
    /// # Ok::<_, fascine_resilience::QuotaError>(())
    /// # }).unwrap();
    /// ```
    pub fn limiter(
        self,
        limiter: RateLimiter,
        cost: impl IntoIterator<Item = (&'static str, u64)>,
    ) -> Pipeline<Around<P, Limiting>, 7> {
        let cost = cost.into_iter().collect();
        self.add(Limiting { limiter, cost })
    }

    /// Adds a limit on how many attempts run at a time. See [`Bulkhead`].
    pub fn bulkhead(self, bulkhead: Bulkhead) -> Pipeline<Around<P, Bulkhead>, 8> {
        self.add(bulkhead)
    }

    /// Adds a limit on how many attempts run at a time that is found out from their latencies. See [`AdaptiveLimit`].
    ///
    /// Attempts that [timed out](Self::timeout) are taken for overload, and so are errors of which `is_overload` says
    /// so: a status of 429 or 503, for example. Other errors teach nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_resilience::{AdaptiveLimit, Aimd, Bounds, Pipeline};
    /// # use std::num::NonZeroUsize;
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let eight = NonZeroUsize::new(8).unwrap();
    /// let limit = AdaptiveLimit::new(&rt, Aimd::new(eight, Bounds::default()));
    /// let pipeline =
    ///     Pipeline::new().adaptive(limit.clone(), |status: &u16| matches!(status, 429 | 503));
    ///
    /// pipeline.run(|| async { Err::<(), _>(404) }).await.unwrap_err();
    /// assert_eq!(limit.limit(), 8);
    /// pipeline.run(|| async { Err::<(), _>(503) }).await.unwrap_err();
    /// assert!(limit.limit() < 8);
    /// # });
    /// ```
    pub fn adaptive<E, A: LimitAlgorithm, C: Fn(&E) -> bool>(
        self,
        limit: AdaptiveLimit<A>,
        is_overload: C,
    ) -> Pipeline<Around<P, Adapting<A, C>>, 9> {
        self.add(Adapting { limit, is_overload })
    }

    /// Adds the time for one attempt. See [`Timeout`].
    pub fn timeout(self, rt: &Rt, after: Duration) -> Pipeline<Around<P, Timeout>, 10> {
        self.add(Timeout::new(rt, after))
    }

    /// Adds a policy of your own, inside of all there are.
    pub fn with<L>(self, policy: L) -> Pipeline<Around<P, L>, INNERMOST> {
        self.put_in(policy)
    }

    /// Makes a call under all the policies, which make it as often as they see fit.
    ///
    /// # Errors
    ///
    /// [`PipelineError`] says which policy ended it, or what the call failed with.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops what it is doing, be that the call or a wait, and gives back all permits and places.
    /// A call that was made has then been paid for.
    #[expect(
        clippy::manual_async_fn,
        reason = "that it is Send is said here, once: found out by each caller, it fails for errors with lifetimes"
    )]
    pub fn run<T, E, C, F>(
        &self,
        call: C,
    ) -> impl Future<Output = Result<T, PipelineError<E>>> + Send
    where
        T: Send,
        E: Send,
        P: Policy<T, E>,
        C: Fn() -> F + Send + Sync,
        F: Future<Output = Result<T, E>> + Send,
    {
        async move { self.policies.run(Innermost(&call)).await }
    }

    /// Forgets which policies there are, for calls that return these types.
    #[must_use]
    pub fn boxed<T: Send, E: Send>(self) -> BoxedPipeline<T, E>
    where
        P: Policy<T, E> + 'static,
    {
        BoxedPipeline::new(self.policies)
    }

    /// Adds a policy that has a place in the order.
    fn add<L, const PLACE: u8>(self, policy: L) -> Pipeline<Around<P, L>, PLACE> {
        const {
            assert!(
                INNERMOST < PLACE,
                "policies are added in this order: deadline, fallback, shed, hedge, retry, breaker, limiter, bulkhead, \
                 adaptive, timeout"
            );
        }
        self.put_in(policy)
    }

    fn put_in<L, const PLACE: u8>(self, policy: L) -> Pipeline<Around<P, L>, PLACE> {
        Pipeline {
            policies: Around {
                outer: self.policies,
                inner: policy,
            },
        }
    }
}
