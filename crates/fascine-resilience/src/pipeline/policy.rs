use std::future::Future;

use crate::PipelineError;

/// Something round a call: whether it is made, when, how often, for how long.
///
/// [`Bulkhead`](crate::Bulkhead), [`Timeout`](crate::Timeout) and the others are put into a
/// [`Pipeline`](crate::Pipeline) by its methods, which keep their order. One of your own implements this and goes in
/// by [`with`](crate::Pipeline::with), wherever you like.
///
/// A policy that lets a call through hands on what it gets. One that refuses says so with
/// [`PipelineError::Refused`], so that nothing further out takes that for a failure of the other side.
///
/// # Examples
///
/// ```
/// # use fascine_resilience::{Next, Pipeline, PipelineError, Policy};
/// # use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
/// #[derive(Debug, Default)]
/// struct Count(AtomicU32);
///
/// impl<T: Send, E: Send> Policy<T, E> for Count {
///     async fn run<N: Next<T, E>>(&self, next: N) -> Result<T, PipelineError<E>> {
///         self.0.fetch_add(1, Relaxed);
///         next.call().await
///     }
/// }
/// # fascine_testing::TestRuntime::run(|_| async {
/// let pipeline = Pipeline::new().with(Count::default());
/// assert_eq!(pipeline.run(|| async { Ok::<_, ()>(42) }).await, Ok(42));
/// # });
/// ```
pub trait Policy<T: Send, E: Send>: Send + Sync {
    /// Runs what is further in, any number of times.
    fn run<N: Next<T, E>>(
        &self,
        next: N,
    ) -> impl Future<Output = Result<T, PipelineError<E>>> + Send;
}

/// What is further in than a [`Policy`]: other policies, and in the end the call.
///
/// It is a type of its own, not a closure, because the type of a closure names the type of what it returns too: the
/// compiler would meet the innermost call twice in every layer, and a pipeline of ten would keep it busy for ever.
pub trait Next<T: Send, E: Send>: Copy + Send + Sync {
    /// Makes the call.
    fn call(self) -> impl Future<Output = Result<T, PipelineError<E>>> + Send;
}

/// No policy at all.
#[derive(Clone, Copy, Debug)]
pub struct Bare;

impl<T: Send, E: Send> Policy<T, E> for Bare {
    fn run<N: Next<T, E>>(
        &self,
        next: N,
    ) -> impl Future<Output = Result<T, PipelineError<E>>> + Send {
        next.call()
    }
}

/// A policy round another one.
#[derive(Clone, Copy, Debug)]
pub struct Around<O, I> {
    pub(super) outer: O,
    pub(super) inner: I,
}

impl<T, E, O, I> Policy<T, E> for Around<O, I>
where
    T: Send,
    E: Send,
    O: Policy<T, E>,
    I: Policy<T, E>,
{
    fn run<N: Next<T, E>>(
        &self,
        next: N,
    ) -> impl Future<Output = Result<T, PipelineError<E>>> + Send {
        self.outer.run(Inner {
            policy: &self.inner,
            next,
        })
    }
}

/// A policy, and what is further in.
struct Inner<'a, P, N> {
    policy: &'a P,
    next: N,
}

impl<P, N: Copy> Copy for Inner<'_, P, N> {}

impl<P, N: Copy> Clone for Inner<'_, P, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, E, P, N> Next<T, E> for Inner<'_, P, N>
where
    T: Send,
    E: Send,
    P: Policy<T, E>,
    N: Next<T, E>,
{
    fn call(self) -> impl Future<Output = Result<T, PipelineError<E>>> + Send {
        self.policy.run(self.next)
    }
}

/// The call itself.
pub(super) struct Innermost<'a, C>(pub(super) &'a C);

impl<C> Copy for Innermost<'_, C> {}

impl<C> Clone for Innermost<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, E, C, F> Next<T, E> for Innermost<'_, C>
where
    T: Send,
    E: Send,
    C: Fn() -> F + Send + Sync,
    F: Future<Output = Result<T, E>> + Send,
{
    async fn call(self) -> Result<T, PipelineError<E>> {
        (self.0)().await.map_err(PipelineError::Call)
    }
}
